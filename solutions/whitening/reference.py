"""Along the eigenvectors of the covariance the features do not know of each other: scale there.

Then turn back, and the result is as close to the data as whitened data can be. Standardizing scales
along the features instead, which is the same only if they are uncorrelated. It costs O(D) where
whitening costs O(D³), and has a derivative everywhere: so batch normalization settles for it and
leaves the correlations in.
"""

import numpy as np


def zca_whiten(x, eps=1e-5):
    centred = _centred(x)
    cov = centred.T @ centred / len(x)
    values, vectors = np.linalg.eigh(cov)  # cov = V diag(λ) Vᵀ
    inverse_root = vectors / np.sqrt(values + eps) @ vectors.T  # V diag(1/√(λ + ε)) Vᵀ
    return (centred @ inverse_root).astype(x.dtype)


def standardize(x, eps=1e-5):
    centred = _centred(x)
    var = (centred**2).mean(axis=0)
    return (centred / np.sqrt(var + eps)).astype(x.dtype)


def _centred(x):
    if not np.issubdtype(x.dtype, np.floating):
        raise TypeError(f"expected floating values, got {x.dtype}")
    if x.ndim != 2:
        raise ValueError(f"expected (N, D), got {x.shape}")
    wide = x.astype(np.float64)
    return wide - wide.mean(axis=0)
