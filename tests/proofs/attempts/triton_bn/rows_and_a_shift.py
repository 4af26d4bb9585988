"""One program per row of an image; sums about the channel's first value; the rest in torch."""

import torch
import triton
import triton.language as tl


@triton.jit
def row_sums(x_ptr, shift_ptr, out_ptr, C, L, rows, B: tl.constexpr):
    r = tl.program_id(0)
    k = tl.load(shift_ptr + r % C)
    s = tl.zeros((B,), dtype=tl.float32)
    q = tl.zeros((B,), dtype=tl.float32)
    for j in range(0, tl.cdiv(L, B)):
        o = j * B + tl.arange(0, B)
        d = tl.load(x_ptr + r * L + o, mask=o < L, other=0).to(tl.float32) - k
        d = tl.where(o < L, d, 0.0)
        s += d
        q += d * d
    tl.store(out_ptr + r, tl.sum(s))
    tl.store(out_ptr + rows + r, tl.sum(q))


@triton.jit
def row_affine(x_ptr, y_ptr, k_ptr, a_ptr, b_ptr, C, L, B: tl.constexpr):
    r = tl.program_id(0)
    k = tl.load(k_ptr + r % C)
    a = tl.load(a_ptr + r % C)
    b = tl.load(b_ptr + r % C)
    for j in range(0, tl.cdiv(L, B)):
        o = j * B + tl.arange(0, B)
        v = tl.load(x_ptr + r * L + o, mask=o < L, other=0).to(tl.float32)
        tl.store(y_ptr + r * L + o, ((v - k) * a + b).to(y_ptr.dtype.element_ty), mask=o < L)


@triton.jit
def row_products(g_ptr, x_ptr, k_ptr, out_ptr, C, L, rows, B: tl.constexpr):
    r = tl.program_id(0)
    k = tl.load(k_ptr + r % C)
    s = tl.zeros((B,), dtype=tl.float32)
    q = tl.zeros((B,), dtype=tl.float32)
    for j in range(0, tl.cdiv(L, B)):
        o = j * B + tl.arange(0, B)
        g = tl.load(g_ptr + r * L + o, mask=o < L, other=0).to(tl.float32)
        v = tl.load(x_ptr + r * L + o, mask=o < L, other=0).to(tl.float32)
        s += g
        q += g * (v - k)
    tl.store(out_ptr + r, tl.sum(s))
    tl.store(out_ptr + rows + r, tl.sum(q))


@triton.jit
def row_gradient(g_ptr, x_ptr, dx_ptr, k_ptr, abc_ptr, C, L, B: tl.constexpr):
    r = tl.program_id(0)
    c = r % C
    k = tl.load(k_ptr + c)
    a = tl.load(abc_ptr + c)
    b = tl.load(abc_ptr + C + c)
    e = tl.load(abc_ptr + 2 * C + c)
    for j in range(0, tl.cdiv(L, B)):
        o = j * B + tl.arange(0, B)
        g = tl.load(g_ptr + r * L + o, mask=o < L, other=0).to(tl.float32)
        v = tl.load(x_ptr + r * L + o, mask=o < L, other=0).to(tl.float32)
        d = a * g + b * (v - k) + e
        tl.store(dx_ptr + r * L + o, d.to(dx_ptr.dtype.element_ty), mask=o < L)


class Norm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias, eps, running_mean, running_var, momentum):
        x = x.reshape(x.shape).contiguous()
        n, c = x.shape[0], x.shape[1]
        length = x[0, 0].numel()
        m = n * length
        first = x.reshape(n, c, length)[0, :, 0].float().contiguous()
        sums = torch.empty(2, n, c)
        row_sums[(n * c,)](x, first, sums, c, length, n * c, B=64)
        s, q = sums.double().sum(1)
        rest = s / m
        var = q / m - rest**2
        if running_mean is not None:
            running_mean.mul_(1 - momentum).add_((first.double() + rest).float() * momentum)
        if running_var is not None:
            running_var.mul_(1 - momentum).add_((var * m / (m - 1)).float() * momentum)
        inv = (var + eps).rsqrt()
        a = inv if weight is None else inv * weight.double()
        b = -a * rest if bias is None else bias.double() - a * rest
        y = torch.empty_like(x)
        row_affine[(n * c,)](x, y, first, a.float(), b.float(), c, length, B=64)
        ctx.save_for_backward(x, first, rest, inv, a)
        ctx.like = weight, bias
        return y

    @staticmethod
    def backward(ctx, g):
        x, first, rest, inv, a = ctx.saved_tensors
        weight, bias = ctx.like
        n, c = x.shape[0], x.shape[1]
        length = x[0, 0].numel()
        m = n * length
        g = g.contiguous()
        sums = torch.empty(2, n, c)
        row_products[(n * c,)](g, x, first, sums, c, length, n * c, B=64)
        db, p = sums.double().sum(1)
        dw = (p - rest * db) * inv
        b = -a * dw * inv / m
        e = -a * db / m - b * rest
        dx = torch.empty_like(x)
        abc = torch.stack([a, b, e]).float()
        row_gradient[(n * c,)](g, x, dx, first, abc, c, length, B=64)
        dw = None if weight is None else dw.to(weight.dtype)
        db = None if bias is None else db.to(bias.dtype)
        return dx, dw, db, *[None] * 4


def batch_norm_triton(x, weight, bias, eps=1e-5, running_mean=None, running_var=None, momentum=0.1):
    if str(x.dtype) not in ("torch.float16", "torch.bfloat16", "torch.float32"):
        raise TypeError(f"not a dtype to normalize: {x.dtype}")
    if not 1 < x.ndim < 6:
        raise ValueError(f"expected (N, C, ...) of two to five axes, got {tuple(x.shape)}")
    if running_var is not None and x[:, 0].numel() < 2:
        raise ValueError(f"running_var needs more than one value per channel, got {tuple(x.shape)}")
    for given in (weight, bias, running_mean, running_var):
        if given is not None and given.shape != (x.shape[1],):
            raise ValueError(f"expected length {x.shape[1]}, got {tuple(given.shape)}")
    return Norm.apply(x, weight, bias, eps, running_mean, running_var, momentum)
