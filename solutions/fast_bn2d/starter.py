"""Write batch normalization of images and its gradients with NumPy, and write it fast.

NumPy alone; numba may be imported, too. Neither function changes its arguments, keeps anything
between calls or gives out memory that a later result uses. Correctness is graded. Speed is measured
beside torch by `python benchmarks/speed.py --attempt`, in float32 on one thread, for x of
(32, 64, 56, 56) and (64, 256, 14, 14).
"""


def batch_norm_2d(x, weight, bias, eps=1e-5):
    """y = weight * (x - mean) / sqrt(var + eps) + bias, per channel, with the batch's statistics.

    x       (N, C, H, W) float16, float32 or float64, any view. mean and the biased variance are
            those of the m = N * H * W values of a channel; m may be 1.
    weight  (C,), or None for ones.
    bias    (C,), or None for zeros.
    eps     added to the variance, inside the square root.

    Returns y, a new array like x, in the dtype of x, computed in float32 or better. In float32 a
    mean of 10,000 standard deviations costs no more than 1e-4 of the largest value of y.

    Raises ValueError, naming what was expected and the shape that was given, if x has not four axes
    or if weight or bias is not (C,); TypeError if x holds integers or booleans.

    Source: Ioffe and Szegedy 2015, algorithm 1 and section 3.2; torch.nn.functional.batch_norm.
    """
    raise NotImplementedError


def batch_norm_2d_backward(dy, x, weight, eps=1e-5):
    """Gradients of a loss with respect to x, weight and bias; mean and var are functions of x.

    dy      (N, C, H, W) gradient of the loss with respect to y, in the dtype of x, any view.
    x       what batch_norm_2d was given; its statistics are computed again.
    weight  (C,), or None for ones.
    eps     as in the forward pass.

    Returns (dx, dweight, dbias), all new and in the dtype of x: dx like x, dweight and dbias (C,).
    Where weight or bias was None its gradient comes back as if it had been ones or zeros. The
    precision is that of the forward pass.

    Raises ValueError, naming what was expected and the shape that was given, if x has not four
    axes, weight is not (C,) or dy has not the shape of x; TypeError if x or dy holds integers or
    booleans.

    Source: Ioffe and Szegedy 2015, section 3, the six derivatives; torch.autograd.
    """
    raise NotImplementedError
