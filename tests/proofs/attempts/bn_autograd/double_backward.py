"""The backward pass is a Function of its own, whose backward is derived by hand, too."""

import torch


class BatchNormFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias, eps):
        if not torch.is_floating_point(x):
            raise TypeError("only floating tensors can be normalized")
        if x.ndim < 2 or x.ndim > 5:
            raise ValueError(f"two axes at least and five at most, not {list(x.shape)}")
        for p in (weight, bias):
            if p is not None and (p.ndim != 1 or len(p) != x.shape[1]):
                raise ValueError(f"expected {x.shape[1]} values on one axis, got {tuple(p.shape)}")
        ctx.eps = eps
        ctx.save_for_backward(x, weight)
        ctx.biased = bias is not None
        _, _, y = normalized(x, eps)
        if weight is not None:
            y = torch.einsum("nc...,c->nc...", y, weight.to(y.dtype))
        if bias is not None:
            y = y + beside(bias.to(y.dtype), y)
        return y.to(x.dtype)

    @staticmethod
    def backward(ctx, dy):
        x, weight = ctx.saved_tensors
        dx, dweight, dbias = Gradients.apply(dy, x, weight, ctx.eps)
        return dx, None if weight is None else dweight, dbias if ctx.biased else None, None


class Gradients(torch.autograd.Function):
    @staticmethod
    def forward(ctx, dy, x, weight, eps):
        ctx.save_for_backward(dy, x, weight)
        ctx.eps = eps
        axes, inv_std, x_hat = normalized(x, eps)
        g = dy.to(x_hat.dtype)
        scale = inv_std if weight is None else inv_std * beside(weight.to(g.dtype), g)
        dx = scale * project(g, x_hat, axes)
        return dx.to(x.dtype), (g * x_hat).sum(axes), g.sum(axes)

    @staticmethod
    def backward(ctx, of_dx, of_dweight, of_dbias):
        dy, x, weight = ctx.saved_tensors
        axes, r, x_hat = normalized(x, ctx.eps)
        g, a = dy.to(x_hat.dtype), of_dx.to(x_hat.dtype)
        b, c = beside(of_dweight.to(g.dtype), g), beside(of_dbias.to(g.dtype), g)
        gamma = 1 if weight is None else beside(weight.to(g.dtype), g)
        m = x.numel() / x.shape[1]
        # project is symmetric: Σ a·project(g) = Σ g·project(a)
        by_dy = gamma * r * project(a, x_hat, axes) + b * x_hat + c
        s = (a * project(g, x_hat, axes)).sum(axes, keepdim=True)
        by_weight = None if weight is None else (r * s).flatten().to(weight.dtype)
        # x acts through x_hat and, in front of it all, through r
        gx = (g * x_hat).sum(axes, keepdim=True)
        ax = (a * x_hat).sum(axes, keepdim=True)
        by_x_hat = b * g - gamma * r / m * (a * gx + g * ax)
        by_x = r * project(by_x_hat, x_hat, axes) - gamma * s * r**2 * x_hat / m
        return by_dy.to(dy.dtype), by_x.to(x.dtype), by_weight, None


def normalized(x, eps):
    axes = [axis for axis in range(x.ndim) if axis != 1]
    wide = x if x.dtype == torch.float64 else x.float()
    var, mean = torch.var_mean(wide, axes, correction=0, keepdim=True)
    inv_std = (var + eps).rsqrt()
    return axes, inv_std, (wide - mean) * inv_std


def project(u, x_hat, axes):
    """u without its mean and without its part along x_hat."""
    return u - u.mean(axes, keepdim=True) - x_hat * (u * x_hat).mean(axes, keepdim=True)


def beside(values, x):
    return values.reshape(1, -1, *[1] * (x.ndim - 2))
