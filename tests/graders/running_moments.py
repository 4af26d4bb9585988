"""What is asked of running_moments; torch's way of answering is torch.var_mean of all rows."""

from types import SimpleNamespace

import numpy as np

from bnbank.arrays import frozen, normal, refuses, within

LEVEL = "mid"
MINUTES = 30
AFTER = ["running_stats"]
CARD = "welford-and-chan"

MEAN, STD = [2.0, -30.0, 0.5, 7.0], [3.0, 0.5, 1.0, 20.0]


def _rows(n, seed=0, **kwargs):
    return normal(n, 4, mean=MEAN, std=STD, seed=seed, **kwargs)


def _after(impl, *pieces):
    moments = impl.RunningMoments()
    for x in pieces:
        moments.update(x)
    return moments


def _told(moments, name=""):
    """Everything that can be asked of an account of two rows or more."""
    return {
        f"{name}count": moments.count,
        f"{name}mean": moments.mean,
        f"{name}var()": moments.var(),
        f"{name}var(ddof=1)": moments.var(ddof=1),
    }


def one_piece_is_a_plain_sample(impl):
    """update: count, mean and biased variance of the rows of one piece"""
    moments = _after(impl, _rows(6))
    return {"count": moments.count, "mean": moments.mean, "var()": moments.var()}


def ddof_is_taken_from_the_count(impl):
    """var: the sum of squared distances is divided by count - ddof"""
    moments = _after(impl, _rows(6))
    told = {f"var(ddof={ddof})": moments.var(ddof=ddof) for ddof in (0, 1, 5)}
    return {**told, "var(2)": moments.var(2)}


def pieces_are_one_sample(impl):
    """update: several pieces, of different sizes, are one sample"""
    return _told(_after(impl, _rows(5), _rows(2, 1), _rows(9, 2) + 4.0, _rows(1, 3)))


def rows_may_come_one_by_one(impl):
    """update: one row at a time, and the first row alone has variance 0"""
    moments = impl.RunningMoments()
    moments.update(_rows(1))
    alone = {"first row: mean": moments.mean, "first row: var()": moments.var()}
    for seed in range(1, 7):
        moments.update(_rows(1, seed))
    return {**alone, **_told(moments)}


def a_piece_may_be_empty(impl):
    """update: a piece of no rows changes nothing, at first or later"""
    nothing = normal(0, 4)
    first = _after(impl, nothing)
    return {
        "count of nothing": first.count,
        **_told(_after(impl, nothing, _rows(5), nothing, _rows(3, 1), nothing)),
    }


def merges_two_accounts(impl):
    """merge: as if the rows of both had been seen, and other stays as it is"""
    one, other = _after(impl, _rows(5), _rows(2, 1)), _after(impl, _rows(12, 2) + 4.0)
    one.merge(other)
    merged = _told(one)
    one.update(_rows(3, 4))
    return {**merged, **_told(other, "other: "), **_told(one, "after one more update: ")}


def merges_with_nothing_and_with_itself(impl):
    """merge: either may be empty, both may, and merging with itself counts the rows twice"""
    full, empty, twice = _after(impl, _rows(5)), impl.RunningMoments(), _after(impl, _rows(5))
    full.merge(empty)
    before = empty.count
    empty.merge(full)
    twice.merge(twice)
    nothing = impl.RunningMoments()
    nothing.merge(impl.RunningMoments())
    return {
        **_told(full, "empty merged into full: "),
        "count of the empty one then": before,
        **_told(empty, "full merged into empty: "),
        **_told(twice, "merged with itself: "),
        "count of two empty ones": nothing.count,
    }


@within(1e-6)  # float64 keeps 1e-10 of 1 at a mean of 1,000,000; the order of sums costs some of it
def survives_a_large_mean(impl):
    """precision: a mean of 1,000,000 does not swallow a spread of 1, in update and in merge"""
    pieces = [normal(n, 3, mean=1e6, std=[1.0, 2.0, 0.5], seed=n) for n in (40, 1, 7, 1, 30)]
    one, other = _after(impl, *pieces[:2]), _after(impl, *pieces[2:])
    one.merge(other)
    return {"var() of pieces": _after(impl, *pieces).var(), "var() of a merge": one.var()}


def sums_in_float64(impl):
    """precision: rows of float32 or float16 come back in their dtype, from sums in float64"""
    singles = [normal(1, 3, mean=30_000, seed=s, dtype=np.float32) for s in range(60)]
    halves = [normal(40, 3, mean=600, std=100, seed=s, dtype=np.float16) for s in range(3)]
    narrow, half = _after(impl, *singles), _after(impl, *halves)
    merged = impl.RunningMoments()
    merged.merge(narrow)
    merged.merge(_after(impl, *singles[:7]))
    dtypes = [
        m.dtype.name for m in (narrow.mean, narrow.var(1), half.mean, half.var(), merged.mean)
    ]
    return {
        "dtypes": dtypes,
        "var() of float32": narrow.var(),
        "mean of float16": half.mean.astype(np.float32) / 100,
        "var() of a merge": merged.var(),
    }


def takes_odd_shapes_and_views(impl):
    """shapes: one column, a transposed view, every second row"""
    x = normal(7, 10, mean=2, std=3)
    return {
        **_told(_after(impl, normal(6, 1, mean=2), normal(3, 1)), "D=1: "),
        **_told(_after(impl, x.T, x.T[::2]), "views: "),
    }


def keeps_no_rows(impl):
    """memory: what is held does not grow with the rows, and the rows are not looked at again"""
    few, many = _after(impl, _rows(5)), _after(impl, *(_rows(5, seed) for seed in range(40)))
    x = np.array(_rows(6))
    moments = _after(impl, x)
    x[:] = 99
    return {"grows": _held(many) > _held(few) + 50, **_told(moments, "rows changed later: ")}


def _held(thing):
    """How many numbers an object holds."""
    if isinstance(thing, np.ndarray):
        return thing.size
    if isinstance(thing, dict):
        return sum(map(_held, thing.values()))
    if isinstance(thing, (list, tuple, set)):
        return sum(map(_held, thing))
    slots = [getattr(thing, name, None) for name in getattr(type(thing), "__slots__", ())]
    return 1 + _held(getattr(thing, "__dict__", {})) + _held(slots)


def shares_nothing(impl):
    """memory: what was handed out or merged has nothing to do with the account any more"""
    moments = _after(impl, _rows(5))
    mean, var = moments.mean, moments.var()
    moments.update(_rows(3, 1))
    copy = impl.RunningMoments()
    copy.merge(moments)
    copy.update(_rows(2, 2))
    held = moments.mean
    held += 7
    spread = moments.var()
    spread += 7
    return {
        "mean from before the update": mean,
        "var() from before the update": var,
        **_told(moments, "after a copy took more rows: "),
        **_told(copy, "the copy: "),
        "count of a later one": impl.RunningMoments().count,
    }


def refuses_what_does_not_fit(impl):
    """refusals: rank, columns, integers, questions that have no answer; and nothing changes"""
    moments, empty, one = _after(impl, _rows(5)), impl.RunningMoments(), _after(impl, _rows(1))
    other = _after(impl, normal(6, 3))
    whole = frozen(np.arange(12).reshape(3, 4))
    rank = r"(n, D)|n, |N, |\b2\b|two|\(\d"
    told = {
        "update with (4,)": refuses(ValueError, empty.update, normal(4), naming=[rank, (4,)]),
        "update with (2, 4, 3)": refuses(
            ValueError, moments.update, normal(2, 4, 3), naming=[rank, (2, 4, 3)]
        ),
        "update with (6, 3), D=4": refuses(
            ValueError, moments.update, normal(6, 3), naming=[4, (6, 3)]
        ),
        "update with (6, 1), D=4": refuses(
            ValueError, moments.update, normal(6, 1), naming=[4, (6, 1)]
        ),
        "merge of D=3 into D=4": refuses(ValueError, moments.merge, other, naming=[4, 3]),
        "merge of D=1 into D=4": refuses(
            ValueError, moments.merge, _after(impl, normal(6, 1)), naming=[4, 1]
        ),
        "integers": refuses(TypeError, moments.update, whole),
        "booleans": refuses(TypeError, empty.update, frozen(whole > 5)),
        "mean of nothing": refuses(ValueError, lambda: empty.mean),
        "var() of nothing": refuses(ValueError, empty.var, naming=[0]),
        "var(ddof=1) of 1 row": refuses(ValueError, one.var, 1, naming=[1]),
        "var(ddof=7) of 5 rows": refuses(ValueError, moments.var, 7, naming=[7, 5]),
    }
    return {**told, **_told(moments), "count of what refused everything": empty.count}


def in_any_shape(impl, draw):
    """any pieces, merged in any order"""
    d, dtype = draw.integer(1, 4), draw.choice(["float32", "float64"])
    mean, std = draw.integer(-99, 99), draw.choice([0.25, 1, 4])
    accounts = [impl.RunningMoments() for _ in range(3)]
    accounts[0].update(normal(2, d, mean=mean, seed=5, dtype=dtype))
    for seed in range(draw.integer(0, 6)):
        piece = normal(draw.integer(0, 5), d, mean=mean, std=std, seed=seed, dtype=dtype)
        accounts[draw.integer(0, 2)].update(piece)
    accounts[1].merge(accounts[2])
    accounts[0].merge(accounts[1])
    return {**_told(accounts[0]), "dtype": accounts[0].mean.dtype.name}


def oracle():
    """torch behind the contract of running_moments: it keeps all rows."""
    import torch

    class RunningMoments:
        def __init__(self):
            self.rows = self.dtype = None

        @property
        def count(self):
            return 0 if self.rows is None else len(self.rows)

        def update(self, x):
            if x.dtype.kind != "f":
                raise TypeError(f"expected floating values, got {x.dtype}")
            columns = self.rows.shape[1] if self.count else "D"
            if x.ndim != 2 or (self.count and x.shape[1] != columns):
                raise ValueError(f"expected (n, {columns}), got {x.shape}")
            if len(x):
                self._add(torch.tensor(x, dtype=torch.float64), x.dtype)

        def merge(self, other):
            if self.count and other.count and self.rows.shape[1] != other.rows.shape[1]:
                raise ValueError(f"{self.rows.shape[1]} columns, and {other.rows.shape[1]}")
            if other.count:
                self._add(other.rows, other.dtype)

        def _add(self, rows, dtype):
            if self.count == 0:
                self.rows, self.dtype = rows[:0], dtype
            self.rows = torch.cat([self.rows, rows])

        @property
        def mean(self):
            if self.count == 0:
                raise ValueError("no rows")
            return self._moments(0)[1]

        def var(self, ddof=0):
            if ddof >= self.count:
                raise ValueError(f"ddof {ddof} of {self.count} rows")
            return self._moments(ddof)[0]

        def _moments(self, correction):
            moments = torch.var_mean(self.rows, dim=0, correction=correction)
            return [value.numpy().astype(self.dtype) for value in moments]

    return SimpleNamespace(RunningMoments=RunningMoments)


EQUIVALENT_MUTANTS = {
    "self.count, self._mean, self._squares = (0, 0.0, 0.0)"
    " -> self.count, self._mean, self._squares = (0, 1.0, 0.0)": (
        "the first piece has the weight 1, so the mean from before it does not matter"
    ),
}
