"""Write the six partial derivatives of batch normalization, one by one.

NumPy alone. x is (N, D): N rows of D features, and every feature is a channel of m = N values.
"""


def batch_norm_backward_steps(dy, x, weight, eps=1e-5):
    """The derivatives of a loss with respect to every quantity between y and x.

    The forward pass is, per feature,
    mean = sum(x) / m,  var = sum((x - mean)²) / m,
    x_hat = (x - mean) / sqrt(var + eps),  y = weight * x_hat + bias.

    dy      (N, D) gradient of the loss with respect to y, in the dtype of x.
    x       (N, D) float16, float32 or float64, any view; N may be 1.
    weight  (D,), or None for ones.
    eps     added to the variance, inside the square root.

    Returns a dict of new arrays in the dtype of x, computed in float32 or better and without
    cancellation where the mean is much larger than the spread:
    "dx_hat"   (N, D) with respect to x_hat.
    "dvar"     (D,) with respect to var, mean being held.
    "dmean"    (D,) with respect to mean, by x_hat and by var.
    "dx"       (N, D) with respect to x, by all three ways.
    "dweight"  (D,) with respect to weight; where that is None, as if it had been ones.
    "dbias"    (D,) with respect to bias.

    dy and x are not modified, and no array of the dict shares memory with them or with another.

    Raises ValueError, naming what was expected and the shape that was given, if x has not two axes,
    dy has not the shape of x, or weight is not (D,); TypeError if dy or x holds integers or
    booleans.

    Source: Ioffe and Szegedy 2015, section 3, the six derivatives.
    """
    raise NotImplementedError
