"""Write batch normalization as an autograd function whose gradient can be differentiated again.

torch without its own batch norm. x is (N, C, *spatial): N samples of C channels with no, one, two
or three spatial axes.
"""

import torch


class BatchNormFunction(torch.autograd.Function):
    """y = weight * x_hat + bias with x_hat = (x - mean) / sqrt(var + eps), per channel.

    BatchNormFunction.apply(x, weight, bias, eps) is differentiable twice: gradients with respect to
    x, weight and bias are right, and so are the gradients of those with respect to x, weight and dy
    (torch.autograd.gradcheck and gradgradcheck pass).
    """

    @staticmethod
    def forward(ctx, x, weight, bias, eps):
        """Normalize x with its own mean and biased variance.

        ctx     carries what backward needs. Tensors travel by ctx.save_for_backward, so that
                torch notices if x is written to in between.
        x       (N, C, *spatial) floating tensor, any view; it is not modified. The m = N * spatial
                values of a channel share mean and variance; m may be 1.
        weight  (C,), or None for ones.
        bias    (C,), or None for zeros.
        eps     a number, added to the variance, inside the square root.

        Returns y like x, in the dtype of x, computed in float32 or better and without cancellation
        where the mean is much larger than the spread. y is a tensor of its own, no view: whoever
        writes to it afterwards, as an in-place ReLU does, still gets the right gradients.

        Raises ValueError, naming what was expected and the shape that was given, if x has not two
        to five axes, or if weight or bias is not (C,); TypeError if x holds integers or booleans.

        Source: Ioffe and Szegedy 2015, algorithm 1; torch.autograd.Function.
        """
        raise NotImplementedError

    @staticmethod
    def backward(ctx, dy):
        """One gradient for each argument of forward: dx, dweight, dbias and None for eps.

        dy  gradient of the loss with respect to y, like y, any view; it is not modified.

        Returns dx like x, dweight and dbias (C,), or None where weight or bias was None.

        Source: Ioffe and Szegedy 2015, section 3; torch, "Double Backward with Custom Functions".
        """
        raise NotImplementedError
