"""The gradient is a function of dy, x and weight: autograd can differentiate it if it sees these.

backward runs under autograd when the gradient itself is to be differentiated. What it takes out of
save_for_backward is then connected to the graph if it was an input of forward; x̂ and σ were made
inside, where nothing is recorded, and would come back as constants. So the inputs are saved and x̂
is computed once more: a little work, half the memory, and the second derivative for nothing.
"""

import torch


class BatchNormFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias, eps):
        _refuse(x, weight, bias)
        ctx.save_for_backward(x, weight)
        ctx.eps = eps
        y, _ = _normalize(x, eps)
        if weight is not None:
            y = y * _per_channel(weight, x)
        if bias is not None:
            y = y + _per_channel(bias, x)
        return y.to(x.dtype)

    @staticmethod
    def backward(ctx, dy):
        x, weight = ctx.saved_tensors
        x_hat, inv_std = _normalize(x, ctx.eps)
        m = x.numel() // x.shape[1]
        wide = dy.to(x_hat.dtype)
        dbias = wide.sum(_axes(x))
        dweight = (wide * x_hat).sum(_axes(x))
        gain = inv_std if weight is None else inv_std * _per_channel(weight, x)
        # dx = γ/σ · (dy − mean(dy) − x̂·mean(dy·x̂)): directly, through the mean, through the var.
        through_mean = _per_channel(dbias, x) / m
        through_var = x_hat * _per_channel(dweight, x) / m
        dx = gain * (wide - through_mean - through_var)
        # torch casts each gradient to the dtype of its input, and wants None where there was none.
        of_x, of_weight, of_bias, _ = ctx.needs_input_grad
        return (
            dx if of_x else None,
            dweight if of_weight else None,
            dbias if of_bias else None,
            None,
        )


def _normalize(x, eps):
    """x̂ and 1/σ, in float32 or better; x - mean cannot cancel as E[x²] - E[x]² does."""
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    centred = wide - wide.mean(_axes(x), keepdim=True)
    var = (centred**2).mean(_axes(x), keepdim=True)
    inv_std = 1 / torch.sqrt(var + eps)
    return centred * inv_std, inv_std


def _axes(x):
    """All axes but the channels'."""
    return (0, *range(2, x.ndim))


def _per_channel(values, x):
    """(C,) as (C, 1, ...), which broadcasts along axis 1 of x."""
    return values.reshape(-1, *(1,) * (x.ndim - 2))


def _refuse(x, weight, bias):
    if not x.is_floating_point():
        raise TypeError(f"expected floating values, got {x.dtype}")
    if not 2 <= x.ndim <= 5:
        raise ValueError(f"expected (N, C, *spatial) with 2 to 5 axes, got {tuple(x.shape)}")
    for name, values in (("weight", weight), ("bias", bias)):
        if values is not None and values.shape != x.shape[1:2]:
            raise ValueError(f"expected {name} {(x.shape[1],)}, got {tuple(values.shape)}")
