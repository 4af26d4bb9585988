"""Style is taken to be two numbers for each channel: the mean and the spread of its features.

Instance normalization removes those of the content; those of the style take the place of weight and
bias. Nothing is learned here: whatever image comes as style brings its own scale and shift along.
Positions are averaged away on the style's side, so its size does not matter.
"""

import numpy as np


def adain(content, style, eps=1e-5):
    _refuse(content, style)
    # One row of positions for each channel of each sample, whatever their layout.
    # float64 leaves room for every dtype's sums; x - mean cannot cancel as E[x²] - E[x]² does.
    c = content.astype(np.float64).reshape(*content.shape[:2], -1)
    s = style.astype(np.float64).reshape(*style.shape[:2], -1)
    mean_c = c.mean(axis=2, keepdims=True)
    mean_s = s.mean(axis=2, keepdims=True)
    var_c = ((c - mean_c) ** 2).mean(axis=2, keepdims=True)
    var_s = ((s - mean_s) ** 2).mean(axis=2, keepdims=True)
    # eps on both sides: content that is its own style comes back as it was.
    normalized = (c - mean_c) / np.sqrt(var_c + eps)
    y = normalized * np.sqrt(var_s + eps) + mean_s
    return y.reshape(content.shape).astype(content.dtype)


def _refuse(content, style):
    for x in (content, style):
        if not np.issubdtype(x.dtype, np.floating):
            raise TypeError(f"expected floating values, got {x.dtype}")
        if x.ndim < 3:
            raise ValueError(f"expected (N, C, *spatial) with a spatial axis, got {x.shape}")
    if style.shape[:2] != content.shape[:2]:
        raise ValueError(f"expected a style of {content.shape[:2]} channels, got {style.shape}")
