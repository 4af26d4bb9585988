"""w = g·u with the unit vector u = v/‖v‖: g is the length of w, v only points.

Only the part of dw along u changes the length, so dg = dw·u. Only the part across u turns w:
∂u/∂v is the matrix (I − u·uᵀ)/‖v‖, so dv = g/‖v‖ · (dw − u·dg). Hence dv is orthogonal to v:
a plain gradient step makes v longer, and the 1/‖v‖ makes the later steps smaller.
"""

import numpy as np


def weight_norm(v, g, dim=0):
    _refuse(v, g, dim)
    u, _ = _direction(v, dim)
    w = g * u
    return w.astype(v.dtype)


def weight_norm_backward(dw, v, g, dim=0):
    _refuse(v, g, dim)
    _refuse_gradient(dw, v)
    wide = dw.astype(np.float64)
    u, norm = _direction(v, dim)
    # g multiplies every value of its slice.
    dg = (wide * u).sum(axis=_others(v, dim), keepdims=True)
    along = u * dg
    dv = g / norm * (wide - along)
    return dv.astype(v.dtype), dg.astype(v.dtype)


def _direction(v, dim):
    """v/‖v‖ and ‖v‖, slice by slice; float64, because the square of 256 overflows float16."""
    wide = v.astype(np.float64)
    norm = np.sqrt((wide**2).sum(axis=_others(v, dim), keepdims=True))
    return wide / norm, norm


def _others(v, dim):
    """All axes but the one that is kept."""
    return tuple(axis for axis in range(v.ndim) if axis != dim)


def _refuse(v, g, dim):
    for name, values in (("v", v), ("g", g)):
        if not np.issubdtype(values.dtype, np.floating):
            raise TypeError(f"expected floating values in {name}, got {values.dtype}")
    if not 0 <= dim < v.ndim:
        raise ValueError(f"expected 0 <= dim < {v.ndim}, got {dim}")
    expected = tuple(n if axis == dim else 1 for axis, n in enumerate(v.shape))
    if g.shape != expected:
        raise ValueError(f"expected g {expected}, got {g.shape}")


def _refuse_gradient(dw, v):
    if not np.issubdtype(dw.dtype, np.floating):
        raise TypeError(f"expected a floating dw, got {dw.dtype}")
    if dw.shape != v.shape:
        raise ValueError(f"expected dw {v.shape}, got {dw.shape}")
