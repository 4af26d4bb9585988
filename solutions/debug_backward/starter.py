"""Mend the backward pass of batch normalization: dx is not the gradient.

NumPy alone. x is (N, C, *spatial): N samples of C channels with no, one, two or three spatial
axes. There are two defects; the docstrings are right, and so is whatever has nothing to do with
them.
"""

import numpy as np


def batch_norm_forward(x, weight, bias, eps=1e-5):
    """y = weight * x_hat + bias with x_hat = (x - mean) / sqrt(var + eps), per channel.

    x       (N, C, *spatial) float16, float32 or float64, any view. mean and the biased variance are
            those of the m = N * spatial values of a channel; m may be 1.
    weight  (C,), or None for ones.
    bias    (C,), or None for zeros.
    eps     added to the variance, inside the square root.

    Returns (y, cache): y like x, in the dtype of x, computed in float32 or better and without
    cancellation where the mean is much larger than the spread; cache is whatever the backward pass
    needs, and belongs to this call alone.

    Raises ValueError, naming what was expected and the shape that was given, if x has not two to
    five axes, or if weight or bias is not (C,); TypeError if x holds integers or booleans.

    Source: Ioffe and Szegedy 2015, algorithm 1 and section 3.2; torch.nn.functional.batch_norm.
    """
    _refuse(x, weight, bias)
    axes = (0, *range(2, x.ndim))
    wide = x.astype(np.float64)
    mean = wide.mean(axis=axes, keepdims=True)
    var = ((wide - mean) ** 2).mean(axis=axes, keepdims=True)
    std = np.sqrt(var + eps)
    x_hat = (wide - mean) / std
    scale = np.ones(mean.shape) if weight is None else weight.reshape(mean.shape)
    shift = np.zeros(mean.shape) if bias is None else bias.reshape(mean.shape)
    y = scale * x_hat + shift
    return y.astype(x.dtype), (x_hat, scale / std, x.dtype)


def batch_norm_backward(dy, cache):
    """Gradients of a loss with respect to x, weight and bias; mean and var are functions of x.

    dy     (N, C, *spatial) gradient of the loss with respect to y, in the dtype of x, any view.
    cache  what batch_norm_forward returned beside y. It may be used again.

    Returns (dx, dweight, dbias): dx like x, dweight and dbias (C,), all in the dtype of x, with
    sums in float32 or better. Where weight or bias was None its gradient comes back as if it had
    been ones or zeros.

    Raises ValueError, naming the expected and the given shape, if dy has not the shape of x;
    TypeError if dy holds integers or booleans.

    Source: Ioffe and Szegedy 2015, section 3, the six derivatives; torch.autograd.
    """
    x_hat, slope, dtype = cache
    if not np.issubdtype(dy.dtype, np.floating):
        raise TypeError(f"expected a floating dy, got {dy.dtype}")
    if dy.shape != x_hat.shape:
        raise ValueError(f"expected dy {x_hat.shape}, got {dy.shape}")
    axes = (0, *range(2, dy.ndim))
    wide = dy.astype(np.float64)
    dbias = wide.sum(axis=axes, keepdims=True)
    dweight = (wide * x_hat).sum(axis=axes, keepdims=True)
    m = len(dy)
    dx = slope * (wide - dbias / m)
    return dx.astype(dtype), dweight.ravel().astype(dtype), dbias.ravel().astype(dtype)


def _refuse(x, weight, bias):
    if not np.issubdtype(x.dtype, np.floating):
        raise TypeError(f"expected floating values, got {x.dtype}")
    if not 2 <= x.ndim <= 5:
        raise ValueError(f"expected (N, C, *spatial) with 2 to 5 axes, got {x.shape}")
    for name, values in (("weight", weight), ("bias", bias)):
        if values is not None and values.shape != x.shape[1:2]:
            raise ValueError(f"expected {name} {x.shape[1:2]}, got {values.shape}")
