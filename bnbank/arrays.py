"""What a check is written with: seeded inputs, refusals and precision.

A check is a function of one argument, the implementation, and returns a dict of what has to agree.
It compares nothing and knows no expected value.
"""

import re

import numpy as np


def normal(*shape, mean=0.0, std=1.0, seed=0, dtype=np.float64):
    """Normally distributed values that nobody can change.

    shape      any number of sizes.
    mean, std  numbers, or arrays that broadcast against shape.
    seed       another seed, other values; so does another shape.
    dtype      of the result.

    Returns a read-only array. Every value is exact in float32, so that an implementation which
    keeps its parameters in float32 sees the same numbers as one which keeps them in float64.
    """
    values = np.random.RandomState([seed, *shape]).standard_normal(shape)
    return frozen((values * std + mean).astype(np.float32), dtype)


def uniform(*shape, low=0.5, high=2.0, seed=0, dtype=np.float64):
    """Evenly distributed values in [low, high), read-only and exact in float32, as `normal`."""
    values = np.random.RandomState([seed, *shape]).uniform(low, high, shape)
    return frozen(values.astype(np.float32), dtype)


def frozen(values, dtype=None):
    """A copy of values, of dtype, whose memory nobody can make writable again."""
    values = np.asarray(values, dtype=dtype)
    return np.ndarray(values.shape, values.dtype, buffer=values.tobytes() or b"\0")


def within(tolerance):
    """Decorate a check whose answers need not agree to the rounding of their dtype.

    tolerance  largest difference, relative to the largest of torch's values (or to 1, if larger).
    """

    def mark(check):
        check.within = tolerance
        return check

    return mark


def refuses(kind, call, *args, naming=(), **kwargs):
    """How `call(*args, **kwargs)` answers to an input that its contract refuses.

    kind    the exception class of the contract.
    naming  what its text has to contain: a shape, a number, or alternatives as a pattern of re.

    Returns a sentence, the same for every refusal that keeps the contract. Anything but an
    Exception (KeyboardInterrupt, say) is passed on, and so is NotImplementedError: a function that
    is not written yet refuses nothing.
    """
    expected = f"raises {kind.__name__}"
    if naming:
        expected += " that names " + " and ".join(_spoken(thing) for thing in naming)
    try:
        call(*args, **kwargs)
    except NotImplementedError:
        raise
    except kind as error:
        text = str(error)
        missing = [thing for thing in naming if not re.search(_pattern(thing), text)]
        if not missing:
            return expected
        return f"raises {kind.__name__}, but its text does not name {_spoken(missing[0])}: {text}"
    except Exception as error:
        return f"raises {type(error).__name__}: {error}"
    return "is accepted"


def _pattern(thing):
    """A regular expression that finds a shape, a number or a text."""
    if isinstance(thing, tuple):
        return r"\D+".join(rf"(?<!\d){size}(?!\d)" for size in thing)
    if isinstance(thing, (int, float)):
        return rf"(?<!\d)(?<!\d\.){re.escape(str(thing))}(?!\d)"
    return thing


def _spoken(thing):
    """The same for a reader: of alternatives the first."""
    return thing.split("|")[0].replace("\\", "") if isinstance(thing, str) else str(thing)
