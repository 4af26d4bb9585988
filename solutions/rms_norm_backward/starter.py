"""Write RMS normalization forward and its gradients by hand.

NumPy alone. x is (..., D): any number of axes before the last, along which every vector is
normalized by itself. Neither function changes its arguments. What is returned is new: writing to it
changes no argument and no later result.
"""


def rms_norm_forward(x, weight, eps=1e-6):
    """y = weight * x / rms with rms = sqrt(mean(x²) + eps), the mean over the last axis.

    x       (..., D) float16, float32 or float64 with at least one axis, any view.
    weight  (D,), or None for ones.
    eps     added to the mean square, inside the square root.

    Returns (y, cache): y like x, in the dtype of x, computed in float32 or better; cache is
    whatever the backward pass needs, and belongs to this call alone.

    Raises ValueError, naming what was expected and the shape that was given, if x has no axis or
    weight is not (D,); TypeError if x holds integers or booleans.

    Source: Zhang and Sennrich 2019, section 4; torch.nn.functional.rms_norm.
    """
    raise NotImplementedError


def rms_norm_backward(dy, cache):
    """Gradients of a loss with respect to x and weight; rms is a function of x.

    dy     (..., D) gradient of the loss with respect to y, in the dtype of x, any view.
    cache  what rms_norm_forward returned beside y. It may be used again.

    Returns (dx, dweight): dx like x and dweight (D,), both in the dtype of x, with sums in float32
    or better. Where weight was None, dweight comes back as if it had been ones.

    Raises ValueError, naming the expected and the given shape, if dy has not the shape of x;
    TypeError if dy holds integers or booleans.

    Source: torch.autograd; the chain rule on the formula of rms_norm_forward.
    """
    raise NotImplementedError
