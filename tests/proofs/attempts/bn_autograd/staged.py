"""Rows of channels and the paper's six derivatives one after another, all of it in float64."""

import torch


class BatchNormFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias, eps):
        if x.dtype not in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
            raise TypeError(f"cannot normalize {x.dtype}")
        if x.dim() not in (2, 3, 4, 5):
            raise ValueError(f"x must be (N, C, *spatial), two to five axes: {tuple(x.shape)}")
        C = x.size(1)
        for p in (weight, bias):
            if p is not None and tuple(p.shape) != (C,):
                raise ValueError(f"a parameter of shape {tuple(p.shape)} instead of ({C},)")
        ctx.save_for_backward(x, weight)
        ctx.eps = eps
        ctx.has_bias = bias is not None
        _, _, _, x_hat = rows_and_statistics(x, eps)
        y = x_hat if weight is None else x_hat * weight.double()
        y = y if bias is None else y + bias.double()
        return from_rows(y, x)

    @staticmethod
    def backward(ctx, dy):
        x, weight = ctx.saved_tensors
        xc, var, m, x_hat = rows_and_statistics(x, ctx.eps)
        g = to_rows(dy)
        dbias = g.sum(0)
        dweight = (g * x_hat).sum(0)
        dx_hat = g if weight is None else g * weight.double()
        root = (var + ctx.eps).sqrt()
        dvar = (dx_hat * xc).sum(0) * -0.5 / root**3
        dmean = (dx_hat / -root).sum(0) + dvar * (-2 * xc).mean(0)
        dx = dx_hat / root + dvar * 2 * xc / m + dmean / m
        return (
            from_rows(dx, x),
            None if weight is None else dweight.to(weight.dtype),
            dbias if ctx.has_bias else None,
            None,
        )


def to_rows(x):
    return x.double().movedim(1, -1).reshape(-1, x.size(1))


def from_rows(rows, x):
    last = x.movedim(1, -1).shape
    return rows.reshape(last).movedim(-1, 1).contiguous().to(x.dtype)


def rows_and_statistics(x, eps):
    rows = to_rows(x)
    xc = rows - rows.mean(0)
    var = xc.square().mean(0)
    return xc, var, len(rows), xc / (var + eps).sqrt()
