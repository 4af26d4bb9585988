"""Is every exercise what it promises? Problems as sentences; the suite and `bnbank check` ask this.

What torch has to say is asked where torch is installed.
"""

import importlib.util
import inspect
import re

import numpy as np

from bnbank import exercise as exercises
from bnbank.diagnose import diagnose
from bnbank.judge import agree, judge, load_answers
from bnbank.runner import Source, observe, quiet, run

WORDS_IN_A_HINT = 40


def problems(exercise):
    """Everything that is wrong with one exercise, as `path: sentence`."""
    for question in (signatures, starter, reference, mistakes, hints, answers):
        try:
            yield from question(exercise)
        except Exception as error:
            yield f"{exercise.folder.name}: {question.__name__}: {type(error).__name__}: {error}"


def outcomes(exercise, source):
    """What a source gives in every check."""
    with quiet():
        return {name: run(check, source) for name, check in exercise.checks.items()}


def reference(exercise):
    """The reference gives torch's answers, and explains itself."""
    found = outcomes(exercise, Source.of(exercise.reference))
    for verdict in judge(exercise, found):
        if verdict.state != "agrees":
            names = ", ".join(d.name for d in verdict.differences)
            what = (verdict.outcome and verdict.outcome.raised) or names
            yield f"solutions/{exercise.id}/reference.py: {verdict.check} {verdict.state}: {what}"
    if not exercise.why:
        yield f"solutions/{exercise.id}/reference.py: a docstring has to say why it works"


def starter(exercise):
    """The starter fails every check with "not written yet"; one to be mended fails at all."""
    verdicts = judge(exercise, outcomes(exercise, Source.of(exercise.starter)))
    if exercise.is_debugging:
        if all(verdict.state == "agrees" for verdict in verdicts):
            yield f"solutions/{exercise.id}/starter.py: nothing is broken"
        return
    for verdict in verdicts:
        if verdict.state != "not written":
            yield f"solutions/{exercise.id}/starter.py: {verdict.check} {verdict.state}"


def signatures(exercise):
    """Starter and reference have the same public names and signatures."""
    theirs = [
        dict(_public(Source.of(file).module())) for file in (exercise.starter, exercise.reference)
    ]
    for name in sorted(set(theirs[0]) | set(theirs[1])):
        one, other = (names.get(name) for names in theirs)
        if one != other:
            place = f"solutions/{exercise.id}"
            yield f"{place}: {name} is {one} in the starter, {other} in the reference"


def _public(module):
    for name, value in vars(module).items():
        if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
            continue
        if inspect.isclass(value):
            for method, function in vars(value).items():
                if inspect.isfunction(function) and (method == "__init__" or method[0] != "_"):
                    yield f"{name}.{method}", str(inspect.signature(function))
        else:
            yield name, str(inspect.signature(value))


def mistakes(exercise):
    """Every known mistake is caught, and recognized as itself."""
    source = exercise.reference.read_text(encoding="utf-8")
    for mistake in exercise.mistakes:
        place = f"solutions/{exercise.id}/mistakes.toml: {mistake.name}"
        try:
            edited = mistake.edit(source)
            compile(edited, mistake.name, "exec")
        except ValueError as error:
            yield f"solutions/{exercise.id}/mistakes.toml: {error}"
            continue
        except SyntaxError as error:
            yield f"{place} does not compile: {error.msg}, line {error.lineno}"
            continue
        found = outcomes(exercise, Source(edited))
        verdicts = judge(exercise, found)
        if all(verdict.state == "agrees" for verdict in verdicts):
            yield f"{place} passes every check"
            continue
        names = [known.name for known in diagnose(exercise, found, verdicts).mistakes]
        if names != [mistake.name]:
            yield f"{place} is taken for {names or 'nothing known'}"


def hints(exercise):
    """Hints are short, at most three, and end at a card that exists."""
    known = {mistake.name: mistake.hints for mistake in exercise.mistakes}
    for name, sentences in {**known, "hints": exercise.hints}.items():
        place = f"solutions/{exercise.id}/mistakes.toml: {name}"
        if not 1 <= len(sentences) <= 3:
            yield f"{place}: {len(sentences)} hints; one to three are asked for"
        for sentence in sentences:
            if len(sentence.split()) > WORDS_IN_A_HINT:
                yield f"{place}: a hint of {len(sentence.split())} words; at most {WORDS_IN_A_HINT}"
    for card in {exercise.card, *(mistake.card for mistake in exercise.mistakes)}:
        if exercises.card_file(exercise.root, card) == card:
            yield f"solutions/{exercise.id}/mistakes.toml: there is no card {card}"


def answers(exercise):
    """The recorded answers are what torch says today. Asked only where torch is installed."""
    if importlib.util.find_spec("torch") is None:
        return
    place = f"tests/answers/{exercise.id}.npz"
    recorded, fresh = load_answers(exercise.answers_file), record(exercise)
    if recorded.keys() != fresh.keys():
        yield f"{place}: recorded for other checks; bnbank record {exercise.id}"
        return
    for check, values in fresh.items():
        for name, value in values.items():
            for text in value.ravel() if value.dtype.kind == "U" else ():
                if text == "is accepted" or re.match(r"raises \w+(:|, but)", text):
                    yield f"{place}: {check}: {name}: the oracle {text}"
        if values.keys() != recorded[check].keys():
            yield f"{place}: {check} returns other names now; bnbank record {exercise.id}"
            continue
        for name, value in values.items():
            if value.dtype.kind != recorded[check][name].dtype.kind or not agree(
                recorded[check][name], value, 1e-12 if value.dtype == np.float64 else 1e-6
            ):
                yield f"{place}: {check}: {name} is stale; bnbank record {exercise.id}"


def record(exercise):
    """torch's answers to every check, as {check: {name: array}}. Imports torch."""
    oracle = exercise.grader.oracle()
    found = {}
    for name, check in exercise.checks.items():
        outcome = observe(lambda check=check: check(oracle))
        if outcome.raised:
            raised = outcome.raised
            raise RuntimeError(f"the oracle of {exercise.id} raises in {name}: {raised}")
        found[name] = outcome.values
    return found
