"""Sums of outer products, all of it in float32 where the input is no wider."""

import numpy as np


def zca_whiten(x, eps=1e-5):
    rows = _rows(x)
    D = rows.shape[1]
    cov = np.zeros((D, D), rows.dtype)
    for row in rows:
        cov += np.outer(row, row)
    cov /= len(rows)
    values, vectors = np.linalg.eigh(cov)
    # An eigenvalue of 0 may come out a little below.
    root = np.sqrt(np.maximum(values, 0) + rows.dtype.type(eps))
    return (rows @ (vectors @ np.diag(1 / root) @ vectors.T)).astype(x.dtype)


def standardize(x, eps=1e-5):
    columns = [c / np.sqrt((c * c).mean() + c.dtype.type(eps)) for c in _rows(x).T]
    return np.stack(columns, axis=1).astype(x.dtype)


def _rows(x):
    if not np.issubdtype(x.dtype, np.floating):
        raise TypeError("x must be floating")
    if len(x.shape) != 2:
        raise ValueError(f"x must be (N, D), is {x.shape}")
    work = np.promote_types(x.dtype, np.float32)
    return x.astype(work) - x.mean(axis=0, dtype=work)
