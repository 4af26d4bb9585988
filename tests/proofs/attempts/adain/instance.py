"""Instance normalization with the style's statistics for weight and bias, in float32 or wider."""

import numpy as np


def adain(content, style, eps=1e-5):
    for x in (content, style):
        if not np.issubdtype(x.dtype, np.floating):
            raise TypeError("floating features only")
        if x.ndim < 3:
            raise ValueError(f"expected three axes or more, got {x.shape}")
    if content.shape[0] != style.shape[0] or content.shape[1] != style.shape[1]:
        raise ValueError(f"content {content.shape}, style {style.shape}")
    c_mean, c_std = _statistics(content, eps)
    s_mean, s_std = _statistics(style, eps)
    per_channel = (*content.shape[:2], *[1] * (content.ndim - 2))
    c_mean, c_std, s_mean, s_std = (a.reshape(per_channel) for a in (c_mean, c_std, s_mean, s_std))
    wide = np.promote_types(content.dtype, np.float32)
    return ((content.astype(wide) - c_mean) / c_std * s_std + s_mean).astype(content.dtype)


def _statistics(x, eps):
    work = np.promote_types(x.dtype, np.float32)
    axes = tuple(range(2, x.ndim))
    return x.mean(axis=axes, dtype=work), np.sqrt(x.astype(work).var(axis=axes) + work.type(eps))
