"""Sums of the distances from the first row and of their squares."""

import numpy as np


class RunningMoments:
    __slots__ = ("count", "shift", "s", "q", "dt")

    def __init__(self):
        self.count = 0
        self.shift = None
        self.s = None
        self.q = None
        self.dt = None

    def update(self, x):
        if x.dtype.kind != "f":
            raise TypeError("floats")
        if x.ndim != 2:
            raise ValueError(f"two axes, got {x.shape}")
        if self.count and x.shape[1] != len(self.shift):
            raise ValueError(f"D = {len(self.shift)}, got {x.shape}")
        if not len(x):
            return
        w = x.astype(np.float64)
        if not self.count:
            self.shift = w[0].copy()
            self.s = 0 * w[0]
            self.q = 0 * w[0]
            self.dt = x.dtype
        d = w - self.shift
        self.s = self.s + d.sum(0)
        self.q = self.q + (d * d).sum(0)
        self.count += len(x)

    def merge(self, o):
        if not o.count:
            return
        if not self.count:
            self.count, self.shift, self.s, self.q, self.dt = o.count, o.shift, o.s, o.q, o.dt
            return
        if self.shift.shape != o.shift.shape:
            raise ValueError(f"{len(self.shift)} != {len(o.shift)}")
        t = o.shift - self.shift
        q = o.q + 2 * t * o.s + o.count * t * t
        s = o.s + o.count * t
        self.s = self.s + s
        self.q = self.q + q
        self.count = self.count + o.count

    @property
    def mean(self):
        if not self.count:
            raise ValueError("no rows")
        return (self.shift + self.s / self.count).astype(self.dt)

    def var(self, ddof=0):
        if self.count <= ddof:
            raise ValueError(f"count {self.count} ddof {ddof}")
        return ((self.q - self.s**2 / self.count) / (self.count - ddof)).astype(self.dt)
