"""Write the gradients of batch normalization in evaluation, where the statistics are constants.

NumPy alone. x is (N, C, *spatial): N samples of C channels with no, one, two or three spatial axes.
This is also the backward pass of a layer that is trained on with frozen statistics.
"""


def batch_norm_eval_backward(dy, x, weight, running_mean, running_var, eps=1e-5):
    """Gradients of y = weight * (x - running_mean) / sqrt(running_var + eps) + bias.

    dy            (N, C, *spatial) gradient of the loss with respect to y, in the dtype of x.
    x             (N, C, *spatial) float16, float32 or float64, any view.
    weight        (C,), or None for ones.
    running_mean  (C,) floating: a constant.
    running_var   (C,) floating: a constant, used as it is.
    eps           added to running_var, inside the square root.

    Returns (dx, dweight, dbias): dx like x, dweight and dbias (C,), all new and in the dtype of x,
    computed in float32 or better and without cancellation where the mean is much larger than the
    spread. Where weight is None, dweight comes back as if it had been ones. No argument is
    modified.

    Raises ValueError, naming what was expected and the shape that was given, if x has not two to
    five axes, dy has not the shape of x, or weight, running_mean or running_var is not (C,);
    TypeError if dy or x holds integers or booleans.

    Source: torch.nn.functional.batch_norm with training=False; Ioffe and Szegedy 2015, algorithm 2.
    """
    raise NotImplementedError
