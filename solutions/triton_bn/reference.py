"""A reduction over N, H and W is split into parts, so that a GPU has more work items than channels.

Each part goes over its values once: every block of them is centred by its own mean while it is in
registers, and blocks and parts merge as Chan, Golub and LeVeque do, which cancels nothing. All is
float32 there, whatever x is. Forward moves x in twice and y out once, backward x and dy in twice
and dx out once; the time is that of these bytes.
"""

import torch
import triton
import triton.language as tl

BLOCK = 1024  # values that a program has in registers at once
PARTS = 64  # at most so many programs share a channel, a power of 2 ...
ROUNDS = 4  # ... and no more than that each has this many blocks


def batch_norm_triton(x, weight, bias, eps=1e-5, running_mean=None, running_var=None, momentum=0.1):
    _refuse(x, weight=weight, bias=bias, running_mean=running_mean, running_var=running_var)
    return _BatchNorm.apply(x, weight, bias, eps, running_mean, running_var, momentum)


class _BatchNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias, eps, running_mean, running_var, momentum):
        x = x.contiguous()
        c, length, m, parts = _sizes(x)
        moments = torch.zeros(3, c, PARTS, dtype=torch.float32, device=x.device)
        mean, inv_std = torch.empty(2, c, dtype=torch.float32, device=x.device)
        y = torch.empty_like(x)
        _moments[c, parts](x, moments, c, length, m, parts, PARTS, BLOCK)
        _merge[(c,)](moments, mean, inv_std, running_mean, running_var, momentum, eps, c, m, PARTS)
        everywhere = (triton.cdiv(x.numel(), BLOCK),)
        _normalize[everywhere](x, y, mean, inv_std, weight, bias, c, length, x.numel(), BLOCK)
        ctx.save_for_backward(x, weight, mean, inv_std)
        ctx.bias_dtype = None if bias is None else bias.dtype
        return y

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, dy):
        x, weight, mean, inv_std = ctx.saved_tensors
        dy = dy.contiguous()
        c, length, m, parts = _sizes(x)
        sums = torch.zeros(2, c, PARTS, dtype=torch.float32, device=x.device)
        dx = torch.empty_like(x)
        _sums[c, parts](dy, x, mean, inv_std, sums, c, length, m, parts, PARTS, BLOCK)
        dbias, dweight = sums.sum(dim=2)
        everywhere = (triton.cdiv(x.numel(), BLOCK),)
        _dx[everywhere](
            dy, x, dx, mean, inv_std, weight, dweight, dbias, c, length, m, x.numel(), BLOCK
        )
        dweight = None if weight is None else dweight.to(weight.dtype)
        dbias = None if ctx.bias_dtype is None else dbias.to(ctx.bias_dtype)
        return dx, dweight, dbias, None, None, None, None


@triton.jit
def _moments(x, moments, c, length, m, parts, PARTS: tl.constexpr, BLOCK: tl.constexpr):
    """Count, mean and sum of squares about it, of one part of one channel."""
    channel, part = tl.program_id(0), tl.program_id(1)
    count, mean, squares = 0.0, 0.0, 0.0
    for start in range(part * BLOCK, m, parts * BLOCK):
        i = start + tl.arange(0, BLOCK)
        place = i + (i // length * (c - 1) + channel) * length  # of a channel's i-th value
        values = tl.load(x + place, mask=i < m, other=0.0).to(tl.float32)
        here = tl.minimum(m - start, BLOCK).to(tl.float32)
        mean_here = tl.sum(values, axis=0) / here
        centred = tl.where(i < m, values - mean_here, 0.0)
        # Two groups merge: their squares add up, and the distance of their means adds its own.
        apart = mean_here - mean
        squares += tl.sum(centred * centred, axis=0) + apart * apart * count * here / (count + here)
        mean += apart * here / (count + here)
        count += here
    own = channel * PARTS + part
    tl.store(moments + own, count)
    tl.store(moments + c * PARTS + own, mean)
    tl.store(moments + 2 * c * PARTS + own, squares)


@triton.jit
def _merge(
    moments, mean, inv_std, running_mean, running_var, momentum, eps, c, m, PARTS: tl.constexpr
):
    """All parts of one channel: mean and 1/σ, and the running statistics."""
    channel = tl.program_id(0)
    place = channel * PARTS + tl.arange(0, PARTS)
    counts, means = tl.load(moments + place), tl.load(moments + c * PARTS + place)
    squares = tl.load(moments + 2 * c * PARTS + place)
    whole = tl.sum(counts * means, axis=0) / m
    square = tl.sum(squares + counts * (means - whole) * (means - whole), axis=0)
    tl.store(mean + channel, whole)
    tl.store(inv_std + channel, 1 / tl.sqrt(square / m + eps))
    if running_mean is not None:
        old = tl.load(running_mean + channel)
        tl.store(running_mean + channel, (1 - momentum) * old + momentum * whole)
    if running_var is not None:
        old = tl.load(running_var + channel)
        tl.store(running_var + channel, (1 - momentum) * old + momentum * square / (m - 1))


@triton.jit
def _normalize(x, y, mean, inv_std, weight, bias, c, length, size, BLOCK: tl.constexpr):
    """y = γ·(x − mean)/σ + β, value by value."""
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    channel = i // length % c
    values = tl.load(x + i, mask=i < size).to(tl.float32)
    values = (values - tl.load(mean + channel)) * tl.load(inv_std + channel)
    if weight is not None:
        values *= tl.load(weight + channel).to(tl.float32)
    if bias is not None:
        values += tl.load(bias + channel).to(tl.float32)
    tl.store(y + i, values.to(y.dtype.element_ty), mask=i < size)


@triton.jit
def _sums(
    dy, x, mean, inv_std, sums, c, length, m, parts, PARTS: tl.constexpr, BLOCK: tl.constexpr
):
    """Σ dy and Σ dy·x̂ of one part of one channel."""
    channel, part = tl.program_id(0), tl.program_id(1)
    centre, scale = tl.load(mean + channel), tl.load(inv_std + channel)
    sum_dy = tl.zeros((BLOCK,), tl.float32)
    sum_dy_x_hat = tl.zeros((BLOCK,), tl.float32)
    for start in range(part * BLOCK, m, parts * BLOCK):
        i = start + tl.arange(0, BLOCK)
        place = i + (i // length * (c - 1) + channel) * length
        gradient = tl.load(dy + place, mask=i < m, other=0.0).to(tl.float32)
        values = tl.load(x + place, mask=i < m, other=0.0).to(tl.float32)
        sum_dy += gradient
        sum_dy_x_hat += gradient * (values - centre) * scale
    own = channel * PARTS + part
    tl.store(sums + own, tl.sum(sum_dy, axis=0))
    tl.store(sums + c * PARTS + own, tl.sum(sum_dy_x_hat, axis=0))


@triton.jit
def _dx(dy, x, dx, mean, inv_std, weight, dweight, dbias, c, length, m, size, BLOCK: tl.constexpr):
    """dx = γ/σ · (dy − mean(dy) − x̂·mean(dy·x̂)), value by value."""
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    channel = i // length % c
    scale = tl.load(inv_std + channel)
    values = tl.load(x + i, mask=i < size).to(tl.float32)
    gradient = tl.load(dy + i, mask=i < size).to(tl.float32)
    x_hat = (values - tl.load(mean + channel)) * scale
    gradient -= (tl.load(dbias + channel) + x_hat * tl.load(dweight + channel)) / m
    if weight is not None:
        scale *= tl.load(weight + channel).to(tl.float32)
    tl.store(dx + i, (scale * gradient).to(dx.dtype.element_ty), mask=i < size)


def _sizes(x):
    """C, the values of one channel of one sample, those of all samples, and programs for them."""
    c, m = x.shape[1], x.numel() // x.shape[1]
    return c, m // x.shape[0], m, min(PARTS, triton.cdiv(m, ROUNDS * BLOCK))


def _refuse(x, **parameters):
    if x.dtype not in (torch.float16, torch.bfloat16, torch.float32):
        raise TypeError(f"expected float16, bfloat16 or float32, got {x.dtype}")
    if not 2 <= x.ndim <= 5:
        raise ValueError(f"expected (N, C, *spatial) with 2 to 5 axes, got {tuple(x.shape)}")
    for name, values in parameters.items():
        if values is not None and values.shape != x.shape[1:2]:
            raise ValueError(f"expected {name} ({x.shape[1]},), got {tuple(values.shape)}")
    if parameters["running_var"] is not None and x.numel() == x.shape[1]:
        raise ValueError(f"expected more than 1 value per channel, got {tuple(x.shape)}")
