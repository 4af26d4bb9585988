"""Sums of distances from the first row and of their squares, with slots and a plain count."""

import numpy as np


class RunningMoments:
    __slots__ = ("count", "dtype", "origin", "squares", "sums")

    def __init__(self):
        self.count = 0

    def update(self, x):
        if not np.issubdtype(x.dtype, np.floating):
            raise TypeError("x must be floating")
        if len(x.shape) != 2:
            raise ValueError(f"x must be (n, D), is {x.shape}")
        if self.count and x.shape[1] != self.origin.size:
            raise ValueError(f"x must be (n, {self.origin.size}), is {x.shape}")
        if x.shape[0] == 0:
            return
        wide = x.astype(np.float64)
        if not self.count:
            self.origin, self.dtype = wide[0].copy(), x.dtype
            self.sums = self.squares = np.zeros(x.shape[1])
        away = wide - self.origin
        self.sums = self.sums + away.sum(0)
        self.squares = self.squares + np.einsum("nd,nd->d", away, away)
        self.count += x.shape[0]

    def merge(self, other):
        if not other.count:
            return
        if not self.count:
            for name in self.__slots__:
                setattr(self, name, getattr(other, name))
            return
        if self.origin.shape != other.origin.shape:
            raise ValueError(f"D is {self.origin.size}, that of the other {other.origin.size}")
        # (x - a) = (x - b) + (b - a)
        move = other.origin - self.origin
        squares = other.squares + 2 * move * other.sums + other.count * move**2
        sums = other.sums + other.count * move
        self.squares, self.sums = self.squares + squares, self.sums + sums
        self.count += other.count

    @property
    def mean(self):
        if not self.count:
            raise ValueError("1 row at least, got 0")
        return (self.origin + self.sums / self.count).astype(self.dtype)

    def var(self, ddof=0):
        if not ddof < self.count:
            raise ValueError(f"count is {self.count}, ddof is {ddof}")
        spread = self.squares - self.sums**2 / self.count
        return (spread / (self.count - ddof)).astype(self.dtype)
