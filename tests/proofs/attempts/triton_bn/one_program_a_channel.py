"""One program per channel, two loops each way; Welford's update, a whole block at a time."""

import torch
import triton
import triton.language as tl


@triton.jit
def forward_kernel(X, Y, W, B, MEAN, RSTD, RM, RV, N, C, L, eps, mom, BLOCK: tl.constexpr):
    c = tl.program_id(0)
    n = 0.0
    mu = 0.0
    m2 = 0.0
    for s in range(N):
        base = (s * C + c) * L
        for off in range(0, L, BLOCK):
            idx = off + tl.arange(0, BLOCK)
            ok = idx < L
            v = tl.load(X + base + idx, mask=ok, other=0.0).to(tl.float32)
            k = tl.sum(ok.to(tl.float32), 0)
            bm = tl.sum(v, 0) / k
            dv = tl.where(ok, v - bm, 0.0)
            t = n + k
            delta = bm - mu
            m2 = m2 + tl.sum(dv * dv, 0) + delta * delta * n * k / t
            mu = mu + delta * k / t
            n = t
    rstd = 1.0 / tl.sqrt(m2 / n + eps)
    tl.store(MEAN + c, mu)
    tl.store(RSTD + c, rstd)
    if RM is not None:
        r = tl.load(RM + c)
        tl.store(RM + c, r + mom * (mu - r))
    if RV is not None:
        r = tl.load(RV + c)
        tl.store(RV + c, r + mom * (m2 / (n - 1.0) - r))
    w = 1.0
    if W is not None:
        w = tl.load(W + c).to(tl.float32)
    b = 0.0
    if B is not None:
        b = tl.load(B + c).to(tl.float32)
    for s in range(N):
        base = (s * C + c) * L
        for off in range(0, L, BLOCK):
            idx = off + tl.arange(0, BLOCK)
            ok = idx < L
            v = tl.load(X + base + idx, mask=ok, other=0.0).to(tl.float32)
            tl.store(Y + base + idx, ((v - mu) * rstd * w + b).to(Y.dtype.element_ty), mask=ok)


@triton.jit
def backward_kernel(DY, X, DX, W, MEAN, RSTD, DW, DB, N, C, L, BLOCK: tl.constexpr):
    c = tl.program_id(0)
    mu = tl.load(MEAN + c)
    rstd = tl.load(RSTD + c)
    dw = 0.0
    db = 0.0
    for s in range(N):
        base = (s * C + c) * L
        for off in range(0, L, BLOCK):
            idx = off + tl.arange(0, BLOCK)
            ok = idx < L
            g = tl.load(DY + base + idx, mask=ok, other=0.0).to(tl.float32)
            v = tl.load(X + base + idx, mask=ok, other=0.0).to(tl.float32)
            dw = dw + tl.sum(g * (v - mu) * rstd, 0)
            db = db + tl.sum(g, 0)
    tl.store(DW + c, dw)
    tl.store(DB + c, db)
    w = 1.0
    if W is not None:
        w = tl.load(W + c).to(tl.float32)
    m = N * L
    for s in range(N):
        base = (s * C + c) * L
        for off in range(0, L, BLOCK):
            idx = off + tl.arange(0, BLOCK)
            ok = idx < L
            g = tl.load(DY + base + idx, mask=ok, other=0.0).to(tl.float32)
            v = tl.load(X + base + idx, mask=ok, other=0.0).to(tl.float32)
            xh = (v - mu) * rstd
            d = w * rstd * (g - db / m - xh * dw / m)
            tl.store(DX + base + idx, d.to(DX.dtype.element_ty), mask=ok)


class BN(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w, b, eps, rm, rv, mom):
        x = x.contiguous()
        N, C = x.shape[:2]
        L = x.numel() // (N * C)
        y = torch.empty_like(x)
        mean = torch.empty(C, device=x.device)
        rstd = torch.empty(C, device=x.device)
        forward_kernel[(C,)](x, y, w, b, mean, rstd, rm, rv, N, C, L, eps, mom, BLOCK=256)
        ctx.save_for_backward(x, w, b, mean, rstd)
        return y

    @staticmethod
    def backward(ctx, dy):
        x, w, b, mean, rstd = ctx.saved_tensors
        N, C = x.shape[:2]
        L = x.numel() // (N * C)
        dx = torch.empty_like(x)
        dw = torch.empty(C, device=x.device)
        db = torch.empty(C, device=x.device)
        backward_kernel[(C,)](dy.contiguous(), x, dx, w, mean, rstd, dw, db, N, C, L, BLOCK=256)
        gw = dw.to(w.dtype) if w is not None else None
        gb = db.to(b.dtype) if b is not None else None
        return dx, gw, gb, None, None, None, None


def batch_norm_triton(x, weight, bias, eps=1e-5, running_mean=None, running_var=None, momentum=0.1):
    if x.dtype not in {torch.float32, torch.float16, torch.bfloat16}:
        raise TypeError(f"cannot normalize {x.dtype}")
    if x.dim() < 2 or x.dim() > 5:
        raise ValueError(f"x needs 2 to 5 axes (N, C, ...), it is {tuple(x.shape)}")
    C = x.size(1)
    for t in (weight, bias, running_mean, running_var):
        if t is not None and tuple(t.shape) != (C,):
            raise ValueError(f"expected ({C},), got {tuple(t.shape)}")
    if running_var is not None and x.numel() == C:
        raise ValueError(f"a variance needs more than 1 value per channel: {tuple(x.shape)}")
    return BN.apply(x, weight, bias, eps, running_mean, running_var, momentum)
