"""What is asked of sync_bn; torch answers with one F.batch_norm on all values of a channel."""

from types import SimpleNamespace

import numpy as np

from bnbank.arrays import frozen, normal, refuses, uniform, within

LEVEL = "senior"
MINUTES = 45
AFTER = ["bn_backward"]
CARD = "merging-shards"

FAR = np.array([2.0, -5.0, 9.0])


def weighs_each_part_by_its_count(impl):
    """merge_moments: count and mean of parts of unequal size"""
    means = [normal(3, mean=FAR * i, seed=i) for i in range(3)]
    count, mean, _ = impl.merge_moments([4, 11, 2], means, [np.ones(3)] * 3)
    return {"count": count, "mean": mean}


def merges_variances(impl):
    """merge_moments: the variance of all values, from the variances and the means of the parts"""
    spread = [uniform(3, low=1, high=5, seed=i) for i in range(3)]
    alike = [normal(3, mean=2)] * 3
    apart = [normal(3, mean=FAR * i, seed=i) for i in range(3)]
    lonely = [normal(3, seed=i) for i in range(4)]
    return {
        "var where the means agree": impl.merge_moments([4, 11, 2], alike, spread)[2],
        "var where the means differ": impl.merge_moments([4, 11, 2], apart, spread)[2],
        "var of one value a part": impl.merge_moments([1] * 4, lonely, [np.zeros(3)] * 4)[2],
        "mean of one part": impl.merge_moments([5], apart[1:2], spread[:1])[1],
        "var of one part": impl.merge_moments([5], apart[1:2], spread[:1])[2],
    }


@within(1e-3)
def merges_where_the_mean_is_large(impl):
    """merge_moments: float32 in and out, and a mean far from 0 does not swallow the spread"""
    means = [normal(3, mean=[1000, -3000, 10], seed=i, dtype=np.float32) for i in range(3)]
    spread = [uniform(3, seed=i, dtype=np.float32) for i in range(3)]
    _, mean, var = impl.merge_moments([30, 70, 20], means, spread)
    return {"mean / 1000": mean / 1000, "var": var, "dtypes": [mean.dtype.name, var.dtype.name]}


def normalizes_with_everyones_statistics(impl):
    """forward: shards of unequal N and unequal size are normalized as one batch"""
    outputs, _ = impl.sync_forward(_shards(), normal(3, mean=2), normal(3, mean=-1, seed=1))
    return {f"y of shard {i}": y for i, y in enumerate(outputs)}


def one_shard_is_batch_norm(impl):
    """forward: a single shard is batch normalization as ever, with no, one or three spatial axes"""
    weight, bias = normal(3, mean=2), normal(3, mean=-1, seed=1)
    shapes = {"(N, C)": (5, 3), "(N, C, L)": (2, 3, 4), "(N, C, D, H, W)": (2, 3, 2, 1, 3)}
    return {
        name: impl.sync_forward([normal(*shape, mean=4, std=2)], weight, bias)[0][0]
        for name, shape in shapes.items()
    }


def eps_stands_inside_the_root(impl):
    """eps: added to the common variance, inside the square root, and nowhere else"""
    shards = [normal(4, 3, std=0.5), normal(2, 3, mean=1, std=0.7)]
    outputs, cache = impl.sync_forward(shards, normal(3, mean=2), normal(3, seed=1), eps=0.5)
    dxs, dweight, _ = impl.sync_backward([normal(4, 3, seed=2), normal(2, 3, seed=3)], cache)
    return {"y of shard 0": outputs[0], "dx of shard 1": dxs[1], "dweight": dweight}


def weight_and_bias_may_be_none(impl):
    """weight and bias: each may be None by itself; its gradient comes back all the same"""
    told = {}
    for name in ("weight", "bias"):
        parameters = {"weight": normal(3, mean=2), "bias": normal(3, mean=-1, seed=1), name: None}
        outputs, cache = impl.sync_forward(_shards(), **parameters)
        dxs, dweight, dbias = impl.sync_backward(_dys(), cache)
        told[f"y of shard 1 without {name}"] = outputs[1]
        told[f"dx of shard 1 without {name}"] = dxs[1]
        told[f"d{name} without {name}"] = dweight if name == "weight" else dbias
    return told


def sums_the_parameters_gradients(impl):
    """backward: dweight and dbias are sums over the values of all shards"""
    _, cache = impl.sync_forward(_shards(), normal(3, mean=2), normal(3, mean=-1, seed=1))
    _, dweight, dbias = impl.sync_backward(_dys(), cache)
    return {"dweight": dweight, "dbias": dbias}


def a_value_moves_every_shards_output(impl):
    """backward: dx holds what x does to the outputs of the other shards, too"""
    _, cache = impl.sync_forward(_shards(), normal(3, mean=2), normal(3, mean=-1, seed=1))
    dxs, *_ = impl.sync_backward(_dys(), cache)
    _, cache = impl.sync_forward([normal(1, 3, seed=i) for i in range(4)], None, None)
    lonely, *_ = impl.sync_backward([normal(1, 3, seed=i + 4) for i in range(4)], cache)
    told = {f"dx of shard {i}": dx for i, dx in enumerate(dxs)}
    return {**told, "dx of one value a shard": np.concatenate(lonely)}


def only_sums_cross(impl):
    """shards: no operation takes the values of two shards"""
    meeting = []
    shards = [_on(i, x, meeting) for i, x in enumerate(_shards())]
    _, cache = impl.sync_forward(shards, normal(3), normal(3, seed=1))
    forward = bool(meeting)
    impl.sync_backward([_on(i, dy, meeting) for i, dy in enumerate(_dys())], cache)
    return {"values of two shards met": [forward, bool(meeting)]}


@within(1e-3)
def keeps_dtype_and_precision(impl):
    """dtype: kept, shard by shard; large means do not cancel, half precision does not overflow"""
    far = [
        normal(8, 3, 4, 4, mean=[[[1000]], [[-3000]], [[10]]], seed=i, dtype=np.float32)
        for i in range(2)
    ]
    half = [normal(n, 3, 4, std=600, seed=n, dtype=np.float16) for n in (4, 9)]
    y, cache = impl.sync_forward(far, None, None)
    dy = [normal(8, 3, 4, 4, seed=i + 2, dtype=np.float32) for i in range(2)]
    dx, *_ = impl.sync_backward(dy, cache)
    halved, cache = impl.sync_forward(half, None, None)
    dhalf, *_ = impl.sync_backward(halved, cache)
    mixed, _ = impl.sync_forward([half[0], normal(2, 3)], None, None)
    return {
        "y in float32": y[1],
        "dx in float32": dx[1],
        "y in float16": halved[0].astype(np.float32),
        "dtypes": [a.dtype.name for a in (y[0], dx[0], halved[1], dhalf[1], *mixed)],
    }


def leaves_the_arrays_alone(impl):
    """memory: outputs and gradients are new arrays, and one call's cache survives the next call"""
    x, dys = _shards(), _dys()
    outputs, cache = impl.sync_forward(x, None, None)
    kept = [y.copy() for y in outputs]
    other, _ = impl.sync_forward([3 * shard for shard in x], normal(3), None)
    dxs, *_ = impl.sync_backward(dys, cache)
    again, *_ = impl.sync_backward(dys, cache)
    views = [np.asfortranarray(shard)[::-1] for shard in x]
    return {
        "shares memory": [
            any(np.shares_memory(y, shard) for y, shard in zip(outputs, x, strict=True)),
            any(np.shares_memory(y, z) for y, z in zip(outputs, other, strict=True)),
            any(np.shares_memory(dx, dy) for dx, dy in zip(dxs, dys, strict=True)),
        ],
        "outputs changed": [bool(np.any(y != z)) for y, z in zip(outputs, kept, strict=True)],
        "dx": dxs[0],
        "dx of a second backward": again[0],
        "y of a view": impl.sync_forward(views, None, None)[0][0],
    }


def refuses_what_is_no_batch(impl):
    """refusals: forward and backward name the shapes that were expected and given"""
    shards, forward = _shards(), impl.sync_forward
    _, cache = forward(shards, None, None)
    one = "more than 1 value|more than one|one value|1 value|2 values|two values"
    wrong_c = [normal(2, 3, 4), normal(2, 5, 4)]
    pixels = frozen(np.arange(6).reshape(2, 3))
    backward, dys = impl.sync_backward, _dys()
    bent = [dys[0], dys[1], normal(1, 3)]
    return {
        "no shard": refuses(ValueError, forward, [], None, None),
        "a shard (3,)": refuses(
            ValueError, forward, [normal(3)], None, None, naming=[r"C|two|\b2\b", (3,)]
        ),
        "C of 3 and 5": refuses(ValueError, forward, wrong_c, None, None, naming=[3, (2, 5, 4)]),
        "weight (4,)": refuses(ValueError, forward, shards, normal(4), None, naming=[3, (4,)]),
        "bias (3, 1)": refuses(ValueError, forward, shards, None, normal(3, 1), naming=[(3, 1)]),
        "one value per channel in all": refuses(
            ValueError, forward, [normal(1, 3, 1)], None, None, naming=[one, (1, 3, 1)]
        ),
        "integers": refuses(TypeError, forward, [normal(2, 3), pixels], None, None),
        "booleans": refuses(TypeError, forward, [frozen(normal(2, 3) > 0)], None, None),
        "two dys for three": refuses(ValueError, backward, dys[:2], cache),
        "a dy (1, 3) for (7, 3)": refuses(
            ValueError, backward, bent, cache, naming=[(7, 3), (1, 3)]
        ),
        "dy of integers": refuses(TypeError, backward, [*dys[:2], frozen(dys[2], int)], cache),
    }


def refuses_moments_that_do_not_fit(impl):
    """refusals: merge_moments names the lengths, the shapes or the count"""
    merge, means, spread = impl.merge_moments, [normal(3)] * 2, [np.ones(3)] * 2
    return {
        "three counts": refuses(ValueError, merge, [2, 5, 4], means, spread, naming=[3, 2]),
        "one variance": refuses(ValueError, merge, [2, 5], means, spread[:1], naming=[2, 1]),
        "nothing": refuses(ValueError, merge, [], [], []),
        "a mean (4,)": refuses(
            ValueError, merge, [2, 5], [normal(3), normal(4)], spread, naming=[(3,), (4,)]
        ),
        "variances (1, 3)": refuses(
            ValueError, merge, [2, 5], means, [np.ones((1, 3))] * 2, naming=[(1, 3)]
        ),
        "moments (2, 3)": refuses(
            ValueError,
            merge,
            [4],
            [normal(2, 3)],
            [np.ones((2, 3))],
            naming=[r"C|one|\b1\b", (2, 3)],
        ),
        "a count of 0": refuses(ValueError, merge, [4, 0], means, spread, naming=["1|positive", 0]),
        "integer means": refuses(TypeError, merge, [2, 5], [frozen(np.arange(3))] * 2, spread),
    }


def in_any_shape(impl, draw):
    """any number of shards of any rank and size, with and without weight and bias"""
    c, dtype = draw.integer(1, 4), draw.choice(["float32", "float64"])
    shapes = []
    for _ in range(draw.integer(1, 4)):
        spatial = [draw.integer(1, 4) for _ in range(draw.integer(0, 2))]
        shapes.append((draw.integer(1, 4), c, *spatial))
    shapes[0] = (shapes[0][0] + 1, *shapes[0][1:])
    shards, dys = (
        [
            normal(*shape, mean=mean * (i + 1), std=1 + i, seed=seed + i, dtype=dtype)
            for i, shape in enumerate(shapes)
        ]
        for mean, seed in ((draw.integer(-5, 5), 0), (0, 9))
    )
    weight = draw.choice([None, normal(c, mean=1)])
    bias = draw.choice([None, normal(c, mean=1, seed=1)])
    outputs, cache = impl.sync_forward(shards, weight, bias, eps=draw.choice([1e-3, 0.3]))
    dxs, dweight, dbias = impl.sync_backward(dys, cache)
    told = {f"y {i}": y for i, y in enumerate(outputs)} | {
        f"dx {i}": dx for i, dx in enumerate(dxs)
    }
    told["dtypes"] = [a.dtype.name for a in (*outputs, *dxs)]
    return {**told, "dweight": dweight.astype(dtype), "dbias": dbias.astype(dtype)}


def _shards():
    """Three parts of a batch of three channels, unequal in N, size and rank, in mean and spread."""
    return [
        normal(4, 3, 2, 5, mean=FAR[:, None, None], std=2, seed=0),
        normal(1, 3, 3, 4, mean=-1, std=3, seed=1),
        normal(7, 3, mean=[1, 2, -3], std=0.5, seed=2),
    ]


def _dys():
    return [normal(*x.shape, mean=0.3, seed=7) for x in _shards()]


class _Shard(np.ndarray):
    """Values on one device. What is made of them lies there, too, unless it is per channel.

    device   whose values they are.
    meeting  a list that grows whenever an operation takes values of two devices.
    """

    device, meeting = None, None

    def __array_finalize__(self, source):
        self.device, self.meeting = (
            getattr(source, "device", None),
            getattr(source, "meeting", None),
        )

    def __array_ufunc__(self, ufunc, method, *inputs, out=(), **kwargs):
        plain = {"out": tuple(_bare(o) for o in out)} if out else {}
        made = getattr(ufunc, method)(*map(_bare, inputs), **plain, **kwargs)
        placed = self._placed(made, [inputs, out])
        return out[0] if out else placed

    def __array_function__(self, function, types, args, kwargs):
        made = function(*_bare(args), **_bare(kwargs))
        return self._placed(made, [args, kwargs])

    def _placed(self, made, inputs):
        """The result, on the device of the inputs; per-channel numbers may go anywhere."""
        here = list(_residents(inputs))
        if len({one.device for one in here}) > 1:
            self.meeting.append(True)
        if not isinstance(made, np.ndarray) or made.size <= len(FAR):
            return made
        return _on(here[0].device, made, self.meeting) if here else made


def _on(device, x, meeting):
    """x as values that lie on a device."""
    shard = x.view(_Shard)
    shard.device, shard.meeting = device, meeting
    return shard


def _bare(thing):
    """The same without devices, in lists and dicts, too."""
    if isinstance(thing, _Shard):
        return thing.view(np.ndarray)
    if isinstance(thing, (list, tuple)):
        return type(thing)(map(_bare, thing))
    return {k: _bare(v) for k, v in thing.items()} if isinstance(thing, dict) else thing


def _residents(thing):
    """Every array on a device, in a nest of lists and dicts, with several values per channel."""
    if isinstance(thing, _Shard):
        if thing.device is not None and thing.size > len(FAR):
            yield thing
    elif isinstance(thing, (list, tuple, dict)):
        for one in thing.values() if isinstance(thing, dict) else thing:
            yield from _residents(one)


def oracle():
    """torch behind the contract of sync_bn."""
    import torch
    from torch.nn.functional import batch_norm

    def floating(arrays):
        for a in arrays:
            if a.dtype.kind != "f":
                raise TypeError(f"torch normalizes floating values, got {a.dtype}")
        return [torch.tensor(np.array(a), dtype=torch.float64) for a in arrays]

    def merge_moments(counts, means, variances):
        mu, var = floating(means), floating(variances)
        if not len(counts) == len(mu) == len(var) >= 1:
            raise ValueError(f"expected one length, got {len(counts)}, {len(mu)} and {len(var)}")
        shapes = {tuple(m.shape) for m in (*mu, *var)}
        if len(shapes) > 1 or len(min(shapes)) != 1:
            raise ValueError(f"expected means and variances (C,), got {shapes}")
        if min(counts) < 1:
            raise ValueError(f"expected counts of at least 1, got {min(counts)}")
        parts = []
        # Values that have just these moments.
        for n, m, v in zip(counts, mu, var, strict=True):
            z = torch.linspace(-1, 1, n, dtype=torch.float64)
            z = (z - z.mean()) / z.std(correction=0) if n > 1 else 0 * z
            parts.append(m + v.sqrt() * z[:, None])
        v, m = torch.var_mean(torch.cat(parts), 0, correction=0)
        return sum(counts), m.numpy().astype(means[0].dtype), v.numpy().astype(means[0].dtype)

    def sync_forward(shards, weight, bias, eps=1e-5):
        x = [t.requires_grad_() for t in floating(shards)]
        shapes = [tuple(t.shape) for t in x]
        if not x or any(len(s) < 2 or s[1] != shapes[0][1] for s in shapes):
            raise ValueError(f"expected shards (N, C, *spatial) of one C, got {shapes}")
        c = shapes[0][1]
        for name, p in (("weight", weight), ("bias", bias)):
            if p is not None and p.shape != (c,):
                raise ValueError(f"expected {name} ({c},), got {p.shape}")
        w = torch.ones(c).double() if weight is None else torch.tensor(weight).double()
        b = torch.zeros(c).double() if bias is None else torch.tensor(bias).double()
        w.requires_grad_(), b.requires_grad_()
        channels = [t.movedim(1, 0).reshape(c, -1) for t in x]
        try:
            whole = batch_norm(torch.cat(channels, 1)[None], None, None, w, b, True, eps=eps)[0]
        except ValueError as error:
            raise ValueError(f"{error}: one value per channel in {shapes}") from None
        ys = [
            y.reshape(c, s[0], *s[2:]).movedim(0, 1)
            for y, s in zip(whole.split([t.shape[1] for t in channels], 1), shapes, strict=True)
        ]
        dtypes = [s.dtype for s in shards]
        return _arrays(ys, dtypes), (x, w, b, ys, dtypes)

    def sync_backward(dys, cache):
        x, w, b, ys, dtypes = cache
        gradients = floating(dys)
        given, expected = [tuple(g.shape) for g in gradients], [tuple(y.shape) for y in ys]
        if given != expected:
            raise ValueError(f"expected dys of the shapes {expected}, got {given}")
        *dxs, dw, db = torch.autograd.grad(ys, [*x, w, b], gradients, retain_graph=True)
        return _arrays(dxs, dtypes), dw.numpy(), db.numpy()

    def _arrays(tensors, dtypes):
        return [t.detach().numpy().astype(d) for t, d in zip(tensors, dtypes, strict=True)]

    return SimpleNamespace(
        merge_moments=merge_moments, sync_forward=sync_forward, sync_backward=sync_backward
    )
