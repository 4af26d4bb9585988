"""Every reference agrees with live torch on shapes, dtypes and parameters drawn by hypothesis."""

from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bnbank.judge import TOLERANCE, agree
from bnbank.runner import Source, observe, quiet

torch = pytest.importorskip("torch", reason="torch, the oracle, is not installed")


class Draw:
    """What a property draws its inputs with; a record of it is drawn once and played twice."""

    def __init__(self, data):
        self.data, self.record, self.at = data, [], None

    def again(self):
        """Give the same answers to the same questions."""
        self.at = 0
        return self

    def integer(self, low, high):
        return self._of(st.integers(low, high))

    def number(self, low, high):
        return self._of(st.floats(low, high, width=32))

    def choice(self, options):
        return self._of(st.sampled_from(options))

    def _of(self, strategy):
        if self.at is None:
            self.record.append(self.data.draw(strategy))
            return self.record[-1]
        self.at += 1
        return self.record[self.at - 1]


def test_reference_agrees_with_torch(exercise):
    if exercise.is_debugging:
        pytest.skip("its checks are proved by the exercise that it is graded as")
    assert exercise.properties, "the grader has no property that draws its own shapes"
    oracle, source = exercise.grader.oracle(), Source.of(exercise.reference)
    examples = 25 if exercise.needs == "numpy" else 8

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def agrees(data):
        for check in exercise.properties.values():
            draw = Draw(data)
            torch_says = observe(partial(check, oracle, draw))
            assert not torch_says.raised, f"the oracle raises {torch_says.raised}"
            with quiet():
                ours = observe(partial(check, source.module(), draw.again()))
            assert not ours.raised, f"the reference raises {ours.raised} for {draw.record}"
            within = getattr(check, "within", None)
            for name, expected in torch_says.values.items():
                tolerance = within or TOLERANCE.get(expected.dtype.name, 0)
                given_ = ours.values.get(name)
                assert agree(given_, expected, tolerance), (name, draw.record, given_, expected)

    agrees()
