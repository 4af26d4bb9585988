"""Each process sends what its shard adds up to, 2C + 1 numbers, and every process gets all of them.

All merge the same messages in the same order, so that all have the same statistics to the last bit,
and nobody has to send them round. Counts travel along because shards may be of unequal size. On the
way back 2C sums travel, and the gradients of the parameters stay local: they are summed elsewhere.
"""

import torch
import torch.distributed as dist
from torch import nn


class SyncBatchNorm(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=True, process_group=None):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.process_group = process_group
        self.weight = nn.Parameter(torch.ones(num_features)) if affine else None
        self.bias = nn.Parameter(torch.zeros(num_features)) if affine else None
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def forward(self, x):
        if not x.is_floating_point():
            raise TypeError(f"expected floating values, got {x.dtype}")
        if x.ndim < 2 or x.shape[1] != self.num_features:
            raise ValueError(f"expected (N, {self.num_features}, *spatial), got {tuple(x.shape)}")
        # (C, values), in float32 or better.
        wide = x.transpose(0, 1).flatten(1).to(torch.promote_types(x.dtype, torch.float32))
        if self.training:
            given = wide, self.weight, self.bias, self.eps, self.process_group
            y, mean, var, m = _Normalize.apply(*given)
            self._remember(mean, var, m)
        else:
            std = torch.sqrt(self.running_var + self.eps)
            x_hat = (wide - self.running_mean[:, None]) / std[:, None]
            y = _affine(x_hat, self.weight, self.bias)
        return y.unflatten(1, (len(x), *x.shape[2:])).transpose(0, 1).to(x.dtype)

    def _remember(self, mean, var, m):
        self.num_batches_tracked += 1
        self.running_mean += self.momentum * (mean - self.running_mean)
        self.running_var += self.momentum * (var * m / (m - 1) - self.running_var)


class _Normalize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, wide, weight, bias, eps, group):
        c, n = wide.shape
        var, mean = torch.var_mean(wide, 1, correction=0)
        message = torch.cat([mean, var, mean.new_tensor([n])])
        means, variances, counts = _gather(message.double(), group).split([c, c, 1], 1)
        m = counts.sum()
        if m == 1:
            raise ValueError(f"expected more than 1 value per channel in all, got {m:g}")
        mean = (counts * means).sum(0) / m
        # Spread within the shards and between their means; nothing uncentred is squared.
        var = (counts * (variances + (means - mean) ** 2)).sum(0) / m
        inv_std = 1 / torch.sqrt(var + eps)
        x_hat = ((wide - mean[:, None]) * inv_std[:, None]).to(wide.dtype)
        ctx.group, ctx.m = group, m
        ctx.save_for_backward(x_hat, inv_std, weight)
        ctx.mark_non_differentiable(mean, var, m)
        return _affine(x_hat, weight, bias), mean, var, m

    @staticmethod
    def backward(ctx, dy, *_):
        x_hat, inv_std, weight = ctx.saved_tensors
        dbias, dweight = dy.sum(1), (dy * x_hat).sum(1)
        # dx = γ/σ · (dy − mean(dy) − x̂·mean(dy·x̂)), the means over the values of all processes.
        everyones = _gather(torch.stack([dbias, dweight]).double(), ctx.group).sum(0)
        mean_dy, mean_dy_x_hat = everyones[:, :, None] / ctx.m
        dx = (dy - mean_dy - x_hat * mean_dy_x_hat) * inv_std[:, None]
        if weight is None:
            return dx.to(dy.dtype), None, None, None, None
        return (dx * weight[:, None]).to(dy.dtype), dweight, dbias, None, None


def _affine(x_hat, weight, bias):
    return x_hat if weight is None else x_hat * weight[:, None] + bias[:, None]


def _gather(message, group):
    """The messages of all processes, one below the other."""
    if not dist.is_initialized():
        return message[None]
    size = dist.get_world_size(group)
    messages = [torch.empty_like(message) for _ in range(size)]
    try:
        dist.all_gather(messages, message, group)
    except RuntimeError as error:
        raise RuntimeError(f"waited in vain for {size} processes: {error}") from error
    return torch.stack(messages)
