"""The pages of the notebooks: what came out of them, or how to run them."""

from bnbank import notebooks
from bnbank.site.bank import relative
from bnbank.site.markdown import Links, fence, front, hide_answers, unsearched
from bnbank.site.questions import edit


def pages(bank, run):
    """{path: text or file} of every notebook and of their index.

    run   whether to run the notebooks that have changed since; if none has, their results are shown
    """
    run = run or all(map(notebooks.known, notebooks.find(bank.root)))
    found = notebooks.rendered(bank.root) if run else []
    made = {f"notebooks/{page.stem}.md": _ran(bank, page) for page in found}
    for page in found:
        for figure in page.figures.glob("*.svg"):
            made[f"notebooks/{page.stem}/{figure.name}"] = figure
    if not run:
        for notebook in notebooks.find(bank.root):
            made[f"notebooks/{notebook.stem}.md"] = _not_run(bank, notebook)
    return {**made, "notebooks/index.md": _index(bank, run)}


def _index(bank, run):
    said = "The claims about batch norm, each run again on a laptop, with error bars and a verdict."
    if run:
        table = notebooks.table(bank.root)
        table = f'<div class="bn-claims" markdown="block">\n\n{table}\n</div>\n'
    else:
        rows = [
            f"- [{notebook.title}]({notebook.stem}.md)" for notebook in notebooks.find(bank.root)
        ]
        table = unsearched("\n".join(rows), "bn-questions")
    return f"{front('Notebooks', said)}\n# Notebooks\n\n{said}\n\n{table}"


def _ran(bank, page):
    name = f"notebooks/{page.stem}.md"
    text = Links(bank, name)(page.markdown)
    return "\n".join(
        [
            front(page.title, page.description or page.verdict),
            hide_answers(text).strip("\n"),
            "",
            _belongs(bank, page, name),
            edit(bank, f"notebooks/{page.stem}.py"),
        ]
    )


def _not_run(bank, notebook):
    name = f"notebooks/{notebook.stem}.md"
    return "\n".join(
        [
            front(notebook.title, notebook.description or notebook.title),
            f"# {notebook.title}\n",
            f"{notebook.description}\n",
            "This site was built without running its notebooks. In a clone of the bank:\n",
            fence(f"make notebooks\njupyter lab notebooks/{notebook.stem}.py", "text"),
            "",
            _belongs(bank, notebook, name),
            edit(bank, f"notebooks/{notebook.stem}.py"),
        ]
    )


def _belongs(bank, notebook, page):
    titles = {exercise.id: exercise.title for exercise in bank.exercises}
    rows = [
        f"- [{bank.cards[bank.stems[stem]].title}]({relative(bank.stems[stem], page)})"
        for stem in notebook.cards
        if stem in bank.stems
    ]
    rows += [f"- [{titles[id]}](../exercises/{id}.md)" for id in notebook.exercises if id in titles]
    return "## Belongs to\n\n" + unsearched("\n".join(rows), "bn-questions") if rows else ""
