"""What is asked of adain; torch's answer is torch.instance_norm and torch.var_mean, composed."""

from types import SimpleNamespace

import numpy as np

from bnbank.arrays import frozen, normal, refuses, within

LEVEL = "mid"
MINUTES = 15
AFTER = ["instance_norm"]
CARD = "adain"

_MEANS = [[[[2.0]], [[-1.0]], [[7.0]]], [[[0.0]], [[5.0]], [[-3.0]]]]


def gives_content_the_statistics_of_style(impl):
    """values: each channel of each sample of content takes mean and spread of that of style"""
    content = normal(2, 3, 4, 5, mean=_MEANS, std=[[[3.0]], [[0.5]], [[2.0]]])
    style = normal(2, 3, 6, 2, mean=np.negative(_MEANS), std=[[[0.7]], [[4.0]], [[1.5]]], seed=1)
    return {"y": impl.adain(content, style)}


def returns_content_that_is_its_own_style(impl):
    """values: features in their own style come back as they were, whatever eps"""
    x = normal(2, 3, 4, 5, mean=_MEANS, std=2)
    return {"y": impl.adain(x, x, eps=0.5), "y of one position": impl.adain(x[:, :, :1, :1], x)}


def eps_stands_inside_both_roots(impl):
    """eps: added to both variances, inside the square roots; 1e-5 if nothing is said"""
    content = normal(2, 3, 5, 4, mean=1, std=0.7)
    faint = normal(2, 3, 4, 5, mean=0.02, std=0.01)
    return {
        "eps=0.5": impl.adain(content, normal(2, 3, 6, mean=-2, std=0.4), eps=0.5),
        "eps left out, faint content": impl.adain(faint, content),
        "eps left out, faint style": impl.adain(content, faint),
    }


def takes_other_sizes(impl):
    """shapes: one or three spatial axes, style smaller or larger, a batch and a channel of one"""
    return {
        "(N, C, L)": impl.adain(normal(4, 3, 7, mean=2), normal(4, 3, 2, mean=-1, std=3)),
        "(N, C, D, H, W)": impl.adain(
            normal(2, 3, 2, 4, 3, mean=2), normal(2, 3, 5, 2, 4, mean=-1, std=3)
        ),
        "N=1": impl.adain(normal(1, 3, 4, 5, mean=2), normal(1, 3, 2, 6, mean=-1, std=3)),
        "C=1": impl.adain(normal(4, 1, 3, 5, mean=2), normal(4, 1, 2, 6, mean=-1, std=3)),
        "one position of style": impl.adain(normal(2, 3, 4, 5, mean=2), normal(2, 3, 1, 1)),
    }


def takes_views(impl):
    """shapes: a transposed and a strided view"""
    x = normal(3, 5, 6, 4, mean=2, std=3)
    style = normal(3, 8, 2, 4, mean=-4, std=2)
    transposed = impl.adain(x.transpose(0, 3, 2, 1), style.transpose(0, 3, 1, 2))
    strided = impl.adain(x[:, ::2], style[:, :3, ::-1, ::2])
    return {"transposed": transposed, "strided": strided}


def keeps_the_dtype(impl):
    """dtype: the result has that of content, whatever style is"""
    dtypes = {}
    for name in ("float16", "float32", "float64"):
        content = normal(2, 3, 4, 5, mean=2, dtype=name)
        for other in ("float16", "float32", "float64"):
            y = impl.adain(content, normal(2, 3, 2, 6, dtype=other))
            dtypes[f"{name} in the style of {other}"] = y.dtype.name
    return dtypes


@within(1e-3)  # a mean of 1000 leaves float32 about this much of a spread of 1
def survives_a_large_mean(impl):
    """precision: a mean far from 0 swallows neither the content's spread nor the style's"""
    far = normal(2, 3, 6, 5, mean=1000, dtype=np.float32)
    near = normal(2, 3, 6, 5, seed=1, dtype=np.float32)
    moved = np.asarray(impl.adain(near, far), np.float64) - 1000
    return {"far content, near style": impl.adain(far, near), "near content, far style": moved}


@within(2e-3)  # the step of float16 near 2
def survives_half_precision(impl):
    """precision: the squares of float16 values do not overflow, in content or style"""
    large = normal(2, 3, 4, 5, std=600, dtype=np.float16)
    small = normal(2, 3, 4, 5, seed=1, dtype=np.float16)
    return {
        "large content": np.asarray(impl.adain(large, small), np.float32),
        "large style": np.asarray(impl.adain(small, large), np.float32),
    }


def shares_no_memory(impl):
    """memory: an output is a new array, and a later call leaves it alone"""
    content, style = normal(4, 3, 2, 5, mean=3), normal(4, 3, 5, 2, std=3)
    first = impl.adain(content, style)
    kept = first.copy()
    second = impl.adain(normal(4, 3, 2, 5, mean=-2, std=2, seed=1), style)
    shared = [np.shares_memory(first, other) for other in (content, style, second)]
    return {
        "shares memory with content, style, a later output": shared,
        "changed by a later call": bool(np.any(first != kept)),
        "y of the later call": second,
    }


def refuses_what_does_not_go_together(impl):
    """refusals: another N or C, no spatial axis, integers on either side"""
    content = normal(2, 3, 4, 5)
    adain = impl.adain
    rank = r"spatial|N, C, |\b3\b|three"
    whole = frozen(np.arange(24).reshape(2, 3, 4))

    def other(*shape):
        return refuses(ValueError, adain, content, normal(*shape), naming=[(2, 3), shape])

    return {
        "style (1, 3, 4, 5)": other(1, 3, 4, 5),
        "style (4, 3, 4, 5)": other(4, 3, 4, 5),
        "style (2, 1, 4, 5)": other(2, 1, 4, 5),
        "style (2, 6, 4, 5)": other(2, 6, 4, 5),
        "content (2, 3)": refuses(ValueError, adain, normal(2, 3), content, naming=[rank, (2, 3)]),
        "style (2, 3)": refuses(ValueError, adain, content, normal(2, 3), naming=[rank, (2, 3)]),
        "content of integers": refuses(TypeError, adain, whole, content),
        "style of integers": refuses(TypeError, adain, content, whole),
        "style of booleans": refuses(TypeError, adain, content, frozen(content > 0)),
    }


def in_any_shape(impl, draw):
    """any shapes, dtype and eps"""
    n, c = draw.integer(1, 4), draw.integer(1, 4)
    axes = draw.integer(1, 3)
    shapes = [(n, c, *(draw.integer(1, 5) for _ in range(axes))) for _ in range(2)]
    seed, eps = draw.integer(0, 99), draw.choice([1e-5, 1e-3, 0.3])
    mean, std = draw.integer(-9, 9), draw.choice([0.25, 1, 4])
    dtype = draw.choice(["float32", "float64"])
    content = normal(*shapes[0], mean=mean, std=std, seed=seed, dtype=dtype)
    style = normal(*shapes[1], mean=-mean, std=2, seed=seed + 1, dtype=dtype)
    y = impl.adain(content, style, eps)
    return {"dtype": y.dtype.name, "y": y}


def oracle():
    """torch behind the contract of adain."""
    import torch

    def adain(content, style, eps=1e-5):
        for x in (content, style):
            if x.dtype.kind != "f":
                raise TypeError(f"torch normalizes floating values, got {x.dtype}")
        if min(content.ndim, style.ndim) < 3 or content.shape[:2] != style.shape[:2]:
            expected = f"expected a spatial axis and {content.shape[:2]} channels"
            raise ValueError(f"{expected}, got {content.shape} and {style.shape}")
        wide = torch.tensor(content.copy(), dtype=torch.float64)
        rows = torch.tensor(style.copy(), dtype=torch.float64).flatten(2)
        var, mean = torch.var_mean(rows, dim=2, correction=0)
        # A sample's channels as the channels of one large sample: each with its weight and bias.
        one = wide.flatten(0, 1).unsqueeze(0)
        scale, shift = (var + eps).sqrt().flatten(), mean.flatten()
        y = torch.instance_norm(one, scale, shift, None, None, True, 0.0, eps, False)
        return y.reshape(wide.shape).numpy().astype(content.dtype)

    return SimpleNamespace(adain=adain)


EQUIVALENT_MUTANTS = {
    "c = content.astype(np.float64).reshape(*content.shape[:2], -1) -> "
    "c = content.astype(np.float64).reshape(*content.shape[:2], -2)": (
        "NumPy takes any negative size for the one that is to be computed"
    ),
    "s = style.astype(np.float64).reshape(*style.shape[:2], -1) -> "
    "s = style.astype(np.float64).reshape(*style.shape[:2], -2)": (
        "NumPy takes any negative size for the one that is to be computed"
    ),
}
