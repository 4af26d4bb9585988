"""Write the gradient of a weight in front of batch norm, and of the same weight scaled.

NumPy alone, all arrays float64. Compare the two results for several scales: how does the gradient
of a weight depend on its size, if the output of the layer does not?
"""


def weight_gradients(w, x, dy, scale, eps=1e-12):
    """Gradients of a loss with respect to the weight of BN(x @ w.T), at w and at scale * w.

    BN is batch normalization without weight and bias, in training: every one of the O columns
    of x @ w.T is centred and divided by sqrt(var + eps), with the mean and the biased variance of
    its N values.

    w      (O, I) weight of a linear layer without bias.
    x      (N, I) input, any view; N may be 1.
    dy     (N, O) gradient of the loss with respect to BN's output; the same at w and at scale * w.
    scale  a number of either sign, or 0.
    eps    added to the variance, inside the square root.

    Returns (dw, dw_scaled), two new (O, I) float64 arrays: the gradient with respect to the weight
    where that is w, and with respect to the weight where that is scale * w. No argument is
    modified.

    Raises ValueError, naming what was expected and the shape that was given, if w, x or dy has not
    two axes, w has not the I of x, or dy is not (N, O); TypeError if one of them holds integers or
    booleans.

    Source: Ioffe and Szegedy 2015, section 3.3.
    """
    raise NotImplementedError
