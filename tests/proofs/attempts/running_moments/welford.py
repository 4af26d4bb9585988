"""Welford's update, row by row; count is a property."""

import numpy as np


class RunningMoments:
    def __init__(self):
        self.n, self.mu, self.m2, self.dtype = 0, None, None, None

    @property
    def count(self):
        return self.n

    def update(self, x):
        if x.dtype.kind != "f":
            raise TypeError(f"rows of floats, not {x.dtype}")
        if x.ndim != 2:
            raise ValueError(f"two axes (n, D), got {x.shape}")
        if self.n and x.shape[1] != len(self.mu):
            raise ValueError(f"{len(self.mu)} columns, got {x.shape}")
        for row in x:
            if self.n == 0:
                self.mu, self.m2, self.dtype = np.zeros(len(row)), np.zeros(len(row)), x.dtype
            self.n += 1
            wide = row.astype(np.float64)
            d = wide - self.mu
            self.mu += d / self.n
            self.m2 += d * (wide - self.mu)

    def merge(self, other):
        if other.n == 0:
            return
        if self.n == 0:
            self.n, self.dtype = other.n, other.dtype
            self.mu, self.m2 = other.mu.copy(), other.m2.copy()
            return
        if len(self.mu) != len(other.mu):
            raise ValueError(f"{len(self.mu)} columns here, {len(other.mu)} there")
        a, b = self.n, other.n
        mu = self.mu + (other.mu - self.mu) * (b / (a + b))
        within = self.m2 + other.m2
        between = a * (self.mu - mu) ** 2 + b * (other.mu - mu) ** 2
        self.n, self.mu, self.m2 = a + b, mu, within + between

    @property
    def mean(self):
        if not self.n:
            raise ValueError("there is no mean of 0 rows, at least 1 is needed")
        return self.mu.astype(self.dtype)

    def var(self, ddof=0):
        if self.n <= ddof:
            raise ValueError(f"ddof has to be below the count {self.n}, is {ddof}")
        return (self.m2 / (self.n - ddof)).astype(self.dtype)
