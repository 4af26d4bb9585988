"""What is asked of whitening; torch's way of answering is torch.linalg.eigh in float64."""

from types import SimpleNamespace

import numpy as np

from bnbank.arrays import frozen, normal, refuses, within

LEVEL = "mid"
MINUTES = 20
AFTER = ["bn1d"]
CARD = "whitening"


def _correlated(n=40, d=3, seed=0, mean=(2.0, -5.0, 1.0), **kwargs):
    """Samples whose features have spreads of their own, and much in common."""
    mix = np.eye(d) * np.arange(1, d + 1) + 0.8 * normal(d, d, seed=3)
    return frozen(normal(n, d, seed=seed) @ mix + np.array(mean[:d]), **kwargs)


def standardizes_each_feature(impl):
    """standardize: every feature gets mean 0 and variance 1, the biased one"""
    return {"y": impl.standardize(_correlated(12))}


def standardizing_leaves_correlations_in(impl):
    """standardize: the correlation of two features stays what it was"""
    x = _correlated()
    return {"correlations": np.corrcoef(impl.standardize(x, eps=1e-12), rowvar=False)}


def whitening_makes_the_covariance_the_identity(impl):
    """zca_whiten: mean 0 and covariance I, up to eps"""
    y = impl.zca_whiten(_correlated(), eps=1e-12)
    return {"mean": y.mean(axis=0), "covariance": np.cov(y, rowvar=False, bias=True)}


def whitening_is_symmetric(impl):
    """zca_whiten: of all that whitens, the symmetric root, which turns nothing"""
    return {"y": impl.zca_whiten(_correlated())}


def uncorrelated_features_are_standardized(impl):
    """both: on features without correlation the two agree"""
    corners = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]]) * [3.0, 0.5] + [7.0, -2.0]
    x = frozen(corners)
    return {"zca_whiten": impl.zca_whiten(x), "standardize": impl.standardize(x)}


def eps_stands_inside_the_root(impl):
    """eps: added to eigenvalues and variances, inside the root; 1e-5 unless another is given"""
    x, faint = _correlated(), frozen(_correlated() * 0.003)
    return {
        "zca_whiten, eps=0.5": impl.zca_whiten(x, eps=0.5),
        "standardize, eps=0.5": impl.standardize(x, eps=0.5),
        "zca_whiten of small values": impl.zca_whiten(faint),
        "standardize of small values": impl.standardize(faint),
    }


def takes_odd_shapes_and_views(impl):
    """shapes: one feature, a view"""
    return _both(
        impl,
        {"(6, 1)": normal(6, 1, mean=3, std=2), "a view": normal(3, 14, mean=2, std=3).T[::2]},
    )


def eps_keeps_what_has_no_spread(impl):
    """shapes: with more features than samples, or a feature twice, eps alone divides"""
    column = normal(6, 1, mean=3, std=2)
    twice = frozen(np.hstack([column, column]))
    return _both(impl, {"(4, 6)": normal(4, 6, mean=2), "a repeated feature": twice})


def one_sample_gives_0(impl):
    """shapes: one sample is its own mean"""
    return _both(impl, {"(1, 3)": normal(1, 3, mean=2)})


def _both(impl, shapes):
    told = {f"zca_whiten, {name}": impl.zca_whiten(x, eps=0.01) for name, x in shapes.items()}
    return told | {f"standardize, {name}": impl.standardize(x) for name, x in shapes.items()}


def keeps_the_dtype(impl):
    """dtype: float16, float32 and float64 come back as they went in"""
    return {
        f"{function}, {name}": getattr(impl, function)(normal(9, 3, dtype=name)).dtype.name
        for function in ("zca_whiten", "standardize")
        for name in ("float16", "float32", "float64")
    }


@within(1e-3)  # what the conventions promise for float32 with mean 1000 and spread 1
def survives_a_large_mean(impl):
    """precision: a large mean does not swallow the spread, and half precision does not overflow"""
    large = _correlated(200, mean=(1000.0, -3000.0, 10.0), dtype=np.float32)
    half = normal(30, 3, mean=900, std=600, dtype=np.float16)
    return {
        "zca_whiten": impl.zca_whiten(large),
        "standardize": impl.standardize(large),
        "zca_whiten in float16": impl.zca_whiten(half).astype(np.float32),
        "standardize in float16": impl.standardize(half).astype(np.float32),
    }


def returns_new_arrays(impl):
    """memory: the output is a new array in every call"""
    told = {}
    for name in ("zca_whiten", "standardize"):
        function, x = getattr(impl, name), normal(9, 3, mean=3)
        first = function(x)
        kept = np.array(first)
        second = function(normal(9, 3, mean=-2, seed=1))
        told[f"{name} shares memory"] = [
            np.shares_memory(first, x),
            np.shares_memory(first, second),
            bool(np.any(first != kept)),
        ]
    return told


def refuses_what_is_no_table(impl):
    """refusals: rank, integers, booleans"""
    whole, told = frozen(np.arange(12).reshape(4, 3)), {}
    rank = r"(N, D)|N, |\b2\b|two"
    for name in ("zca_whiten", "standardize"):
        function = getattr(impl, name)
        for shape in [(3,), (4, 3, 5)]:
            told[f"{name}, {shape}"] = refuses(
                ValueError, function, normal(*shape), naming=[rank, shape]
            )
        told[f"{name}, integers"] = refuses(TypeError, function, whole)
        told[f"{name}, booleans"] = refuses(TypeError, function, frozen(whole > 5))
    return told


def in_any_shape(impl, draw):
    """any shape, dtype and eps"""
    n, d = draw.integer(1, 9), draw.integer(1, 5)
    dtype, mean = draw.choice(["float32", "float64"]), draw.integer(-9, 9)
    x = normal(n, d, mean=mean, std=draw.choice([0.25, 1, 4]), seed=draw.integer(0, 99))
    eps = draw.choice([1e-3, 0.3])
    white = impl.zca_whiten(x.astype(dtype), eps=eps)
    return {
        "zca_whiten": white,
        "standardize": impl.standardize(x.astype(dtype), eps=eps),
        "dtype": white.dtype.name,
    }


def oracle():
    """torch behind the contract of whitening."""
    import torch

    def tensor(x):
        if x.dtype.kind != "f":
            raise TypeError(f"expected floating values, got {x.dtype}")
        if x.ndim != 2:
            raise ValueError(f"expected (N, D), got {x.shape}")
        return torch.tensor(x, dtype=torch.float64)

    def zca_whiten(x, eps=1e-5):
        wide = tensor(x)
        cov = torch.cov(wide.T, correction=0).reshape(x.shape[1], x.shape[1])
        values, vectors = torch.linalg.eigh(cov + eps * torch.eye(x.shape[1]).double())
        y = (wide - wide.mean(dim=0)) @ vectors @ torch.diag(values.rsqrt()) @ vectors.T
        return y.numpy().astype(x.dtype)

    def standardize(x, eps=1e-5):
        # What F.batch_norm calls once it has refused one sample, which is allowed here.
        y = torch.batch_norm(tensor(x), None, None, None, None, True, 0.0, eps, False)
        return y.numpy().astype(x.dtype)

    return SimpleNamespace(zca_whiten=zca_whiten, standardize=standardize)
