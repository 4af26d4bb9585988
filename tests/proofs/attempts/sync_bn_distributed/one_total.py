"""Everything but one differentiable all_reduce is left to autograd: each has a row of a table."""

import torch
import torch.distributed as dist
from torch import nn


class Total(torch.autograd.Function):
    """The sum of everyone's tables; so is, on the way back, the sum of their gradients."""

    @staticmethod
    def forward(ctx, table, group, size):
        ctx.group, ctx.size = group, size
        return Total.add_up(table, group, size)

    @staticmethod
    def backward(ctx, d):
        return Total.add_up(d, ctx.group, ctx.size), None, None

    @staticmethod
    def add_up(table, group, size):
        total = table.clone()
        if dist.is_initialized():
            try:
                dist.all_reduce(total, group=group)
            except RuntimeError as problem:
                raise RuntimeError(f"not all of {size} processes have come") from problem
        return total


class SyncBatchNorm(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=True, process_group=None):
        super().__init__()
        self.C, self.eps, self.momentum, self.group = num_features, eps, momentum, process_group
        for name, value in {"weight": 1.0, "bias": 0.0}.items():
            parameter = nn.Parameter(torch.full((num_features,), value)) if affine else None
            self.register_parameter(name, parameter)
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))
        self.register_buffer("num_batches_tracked", torch.zeros((), dtype=torch.long))

    def forward(self, x):
        if not torch.is_floating_point(x):
            raise TypeError(f"x is {x.dtype} and has to be floating")
        if x.dim() < 2:
            raise ValueError(f"x has to be (N, {self.C}, ...), is {tuple(x.shape)}")
        if x.size(1) != self.C:
            raise ValueError(f"{self.C} channels needed, x is {tuple(x.shape)}")
        last = x.double().movedim(1, -1)
        if self.training:
            mean, var = self.statistics(last.reshape(-1, self.C), x.shape)
        else:
            mean, var = self.running_mean, self.running_var
        y = (last - mean) / torch.sqrt(var + self.eps)
        if self.weight is not None:
            y = y * self.weight + self.bias
        return y.movedim(-1, 1).contiguous().to(x.dtype)

    def statistics(self, rows, shape):
        talks = dist.is_initialized()
        size = dist.get_world_size(self.group) if talks else 1
        me = dist.get_rank(self.group) if talks else 0
        var, mean = torch.var_mean(rows, 0, correction=0)
        mine = torch.cat([mean, var, mean.new_tensor([len(rows)])])
        table = torch.stack([mine if i == me else torch.zeros_like(mine) for i in range(size)])
        table = Total.apply(table, self.group, size)
        means, variances, n = table[:, : self.C], table[:, self.C : -1], table[:, -1:]
        m = n.sum()
        if m < 2:
            raise ValueError(f"more than one value per channel needed in all, got {tuple(shape)}")
        mean = (n / m * means).sum(0)
        var = (n / m * (variances + (means - mean).square())).sum(0)
        with torch.no_grad():
            self.num_batches_tracked.add_(1)
            self.running_mean.lerp_(mean.to(self.running_mean.dtype), self.momentum)
            unbiased = var * (m / (m - 1))
            self.running_var.lerp_(unbiased.to(self.running_var.dtype), self.momentum)
        return mean, var
