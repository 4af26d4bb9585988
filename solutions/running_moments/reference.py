"""Count, mean and sum of squared distances are all that has to be kept: two such triples add up.

The distances of a piece are measured from its own mean. Moving them to the common mean costs
delta² · n_a · n_b / (n_a + n_b), and that is all of Chan's formula; one row at a time it is
Welford's. Sums of x and x² would add up more easily, and lose all digits where the mean is large.
"""

import numpy as np


class RunningMoments:
    def __init__(self):
        self.count, self._mean, self._squares = 0, 0.0, 0.0

    def update(self, x):
        if not np.issubdtype(x.dtype, np.floating):
            raise TypeError(f"expected floating values, got {x.dtype}")
        if x.ndim != 2 or (self.count and x.shape[1] != self._mean.size):
            columns = self._mean.size if self.count else "D"
            raise ValueError(f"expected (n, {columns}), got {x.shape}")
        if len(x):
            wide = x.astype(np.float64)
            mean = wide.mean(axis=0)
            self._add(len(x), mean, ((wide - mean) ** 2).sum(axis=0), x.dtype)

    def merge(self, other):
        if self.count and other.count and self._mean.size != other._mean.size:
            raise ValueError(f"expected {self._mean.size} columns, got {other._mean.size}")
        if other.count:
            self._add(other.count, other._mean, other._squares, other._dtype)

    def _add(self, count, mean, squares, dtype):
        if self.count == 0:
            self._dtype = dtype
        total = self.count + count
        delta = mean - self._mean
        # Both sets of distances, moved from their own means to the common one.
        self._squares = self._squares + squares + delta**2 * self.count * count / total
        self._mean = self._mean + delta * count / total
        self.count = total

    @property
    def mean(self):
        if self.count == 0:
            raise ValueError("expected 1 row or more, got 0")
        return self._mean.astype(self._dtype)

    def var(self, ddof=0):
        if ddof >= self.count:
            raise ValueError(f"expected ddof below the {self.count} rows, got {ddof}")
        return (self._squares / (self.count - ddof)).astype(self._dtype)
