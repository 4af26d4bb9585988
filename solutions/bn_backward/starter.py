"""Write batch normalization forward and its gradients by hand, for rows and for images.

NumPy alone. x is (N, C, *spatial): N samples of C channels with no, one, two or three spatial axes.
Neither function changes its arguments. What is returned is new: writing to it changes no argument
and no later result.
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
    raise NotImplementedError


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
    raise NotImplementedError
