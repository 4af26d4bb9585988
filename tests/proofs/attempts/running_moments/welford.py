"""Welford row by row, merged as Chan et al. do."""

import numpy as np


class RunningMoments:
    def __init__(self):
        self.n = 0
        self.mu = None
        self.M = None
        self.dt = None

    @property
    def count(self):
        return self.n

    def update(self, x):
        if x.dtype.kind != "f":
            raise TypeError("floats")
        if x.ndim != 2:
            raise ValueError(f"two axes (n, D), got {x.shape}")
        if self.n and x.shape[1] != len(self.mu):
            raise ValueError(f"{len(self.mu)} columns, got {x.shape}")
        for row in x:
            if self.mu is None:
                self.mu = np.zeros(len(row))
                self.M = np.zeros(len(row))
                self.dt = x.dtype
            r = row.astype(np.float64)
            self.n += 1
            d = r - self.mu
            self.mu += d / self.n
            self.M += d * (r - self.mu)

    def merge(self, other):
        if other.n == 0:
            return
        if self.n == 0:
            self.n, self.mu, self.M, self.dt = other.n, other.mu.copy(), other.M.copy(), other.dt
            return
        if len(self.mu) != len(other.mu):
            raise ValueError(f"{len(self.mu)} and {len(other.mu)}")
        n = self.n + other.n
        mu = (self.n * self.mu + other.n * other.mu) / n
        self.M = self.M + self.n * (self.mu - mu) ** 2 + other.M + other.n * (other.mu - mu) ** 2
        self.mu = mu
        self.n = n

    @property
    def mean(self):
        if not self.n:
            raise ValueError("empty")
        return self.mu.astype(self.dt)

    def var(self, ddof=0):
        if self.n <= ddof:
            raise ValueError(f"{self.n} rows, ddof {ddof}")
        return (self.M / (self.n - ddof)).astype(self.dt)
