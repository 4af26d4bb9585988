"""One Function with weight and bias in it, all_gather there and all_reduce back, dvar and dmean."""

import torch
from torch import distributed, nn


class SyncBatchNorm(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=True, process_group=None):
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.process_group = process_group
        if affine:
            self.weight = nn.Parameter(torch.ones(num_features))
            self.bias = nn.Parameter(torch.zeros(num_features))
        else:
            self.weight = self.bias = None
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))
        self.register_buffer("num_batches_tracked", torch.tensor(0, dtype=torch.int64))

    def forward(self, x):
        if x.dtype not in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
            raise TypeError(f"floating values expected, got {x.dtype}")
        if x.ndim < 2 or x.shape[1] != self.num_features:
            expected = f"(N, {self.num_features}, *spatial)"
            raise ValueError(f"expected {expected}, got {tuple(x.shape)}")
        if not self.training:
            shape = (1, -1, *[1] * (x.ndim - 2))
            wide = torch.float64 if x.dtype == torch.float64 else torch.float32
            scale = (self.running_var.to(wide) + self.eps).rsqrt()
            y = (x.to(wide) - self.running_mean.to(wide).view(shape)) * scale.view(shape)
            if self.weight is not None:
                y = y * self.weight.view(shape) + self.bias.view(shape)
            return y.to(x.dtype)
        y, mean, var, m = Synchronized.apply(
            x, self.weight, self.bias, self.eps, self.process_group
        )
        share = self.momentum
        with torch.no_grad():
            self.num_batches_tracked += 1
            self.running_mean.mul_(1 - share).add_(share * mean)
            self.running_var.mul_(1 - share).add_(share * var * m / (m - 1))
        return y


class Synchronized(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias, eps, group):
        axes = [i for i in range(x.ndim) if i != 1]
        shape = (1, -1, *[1] * (x.ndim - 2))
        wide = x.to(torch.float64 if x.dtype == torch.float64 else torch.float32)
        own_mean = wide.mean(axes)
        own_square = (wide - own_mean.view(shape)).square().sum(axes)
        own = torch.stack(
            [torch.full_like(own_mean, x.numel() // x.shape[1]), own_mean, own_square]
        )
        everyone = talk(own.double(), group, gathers=True)
        # Chan et al., process by process
        n, mean, square = everyone[0]
        for k, other_mean, other_square in everyone[1:]:
            delta = other_mean - mean
            square = square + other_square + delta**2 * n * k / (n + k)
            mean = mean + delta * k / (n + k)
            n = n + k
        m = int(n[0])
        if m == 1:
            raise ValueError(f"more than 1 value per channel expected, got {tuple(x.shape)}")
        var = square / m
        std = (var + eps).sqrt()
        centred = (wide - mean.view(shape)).to(wide.dtype)
        y = centred / std.view(shape)
        if weight is not None:
            y = y * weight.view(shape) + bias.view(shape)
        ctx.save_for_backward(centred, std, weight)
        ctx.rest = axes, shape, m, group
        ctx.mark_non_differentiable(mean, var)
        return y.to(x.dtype), mean, var, m

    @staticmethod
    def backward(ctx, dy, *_):
        centred, std, weight = ctx.saved_tensors
        axes, shape, m, group = ctx.rest
        g = dy.to(centred.dtype)
        dbias = g.sum(axes)
        dweight = (g * centred).sum(axes) / std
        dx_hat = g if weight is None else g * weight.view(shape)
        own = torch.stack([dx_hat.sum(axes), (dx_hat * centred).sum(axes)])
        along_mean, along_var = talk(own.double(), group)
        dmean = -along_mean / std
        dvar = -0.5 * along_var / std**3
        dx = dx_hat / std.view(shape) + (2 / m * dvar.view(shape)) * centred + dmean.view(shape) / m
        if weight is None:
            return dx.to(dy.dtype), None, None, None, None
        return dx.to(dy.dtype), dweight.to(weight.dtype), dbias.to(weight.dtype), None, None


def talk(message, group, gathers=False):
    """Everyone's messages, or their sum."""
    if not distributed.is_initialized():
        return message[None] if gathers else message
    size = distributed.get_world_size(group)
    try:
        if not gathers:
            distributed.all_reduce(message, group=group)
            return message
        found = [torch.zeros_like(message) for _ in range(size)]
        distributed.all_gather(found, message, group=group)
        return torch.stack(found)
    except RuntimeError as error:
        raise RuntimeError(f"there should be {size} processes, but one is missing") from error
