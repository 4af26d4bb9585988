"""Write layer normalization forward and its gradients by hand.

NumPy alone. x is (N, D): N rows of D features, and every row is normalized by itself. Neither
function changes its arguments. What is returned is new: writing to it changes no argument and no
later result.
"""


def layer_norm_forward(x, weight, bias, eps=1e-5):
    """y = weight * x_hat + bias with x_hat = (x - mean) / sqrt(var + eps), per row.

    x       (N, D) float16, float32 or float64, any view. mean and the biased variance are those of
            the D values of a row; D may be 1.
    weight  (D,), or None for ones.
    bias    (D,), or None for zeros.
    eps     added to the variance, inside the square root.

    Returns (y, cache): y like x, in the dtype of x, computed in float32 or better and without
    cancellation where the mean is much larger than the spread; cache is whatever the backward pass
    needs, and belongs to this call alone.

    Raises ValueError, naming what was expected and the shape that was given, if x has not two axes,
    or if weight or bias is not (D,); TypeError if x holds integers or booleans.

    Source: Ba, Kiros and Hinton 2016, section 3; torch.nn.functional.layer_norm.
    """
    raise NotImplementedError


def layer_norm_backward(dy, cache):
    """Gradients of a loss with respect to x, weight and bias; mean and var are functions of x.

    dy     (N, D) gradient of the loss with respect to y, in the dtype of x, any view.
    cache  what layer_norm_forward returned beside y. It may be used again.

    Returns (dx, dweight, dbias): dx like x, dweight and dbias (D,), all in the dtype of x, with
    sums in float32 or better. Where weight or bias was None its gradient comes back as if it had
    been ones or zeros.

    Raises ValueError, naming the expected and the given shape, if dy has not the shape of x;
    TypeError if dy holds integers or booleans.

    Source: torch.autograd; the chain rule on the formula of layer_norm_forward.
    """
    raise NotImplementedError
