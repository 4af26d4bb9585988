"""What is asked of bn1d; torch's way of answering is nn.BatchNorm1d."""

from types import SimpleNamespace

import numpy as np

from bnbank.arrays import frozen, normal, refuses, uniform, within

LEVEL = "junior"
MINUTES = 25
AFTER = []
CARD = "bn-transform"

IN_FLOAT32 = 1e-6  # a layer may keep its running statistics in float32


def normalizes_each_feature_over_the_batch(impl):
    """training, (N, C): every feature is normalized over the batch"""
    x = normal(6, 3, mean=[2.0, -1.0, 70.0], std=[3.0, 0.5, 20.0])
    return {"y": impl.BatchNorm1D(3).forward(x)}


def normalizes_each_channel_over_batch_and_steps(impl):
    """training, (N, C, L): every channel is normalized over N and L together"""
    x = normal(4, 3, 5, mean=[[2.0], [-1.0], [7.0]], std=[[3.0], [0.5], [2.0]])
    return {"y": impl.BatchNorm1D(3).forward(x)}


def scales_then_shifts(impl):
    """training: weight scales and bias shifts, one of each per feature"""
    layer = impl.BatchNorm1D(3)
    layer.weight, layer.bias = normal(3, mean=2), normal(3, mean=-1, seed=1)
    return {
        "y of (N, C)": layer.forward(normal(5, 3, mean=3, std=2)),
        "y of (N, C, L)": layer.forward(normal(2, 3, 4, mean=3, std=2)),
    }


def eps_stands_inside_the_root(impl):
    """eps: added to the variance, inside the square root, and nowhere else"""
    layer = impl.BatchNorm1D(3, eps=0.5)
    trained = layer.forward(normal(4, 3, 5, mean=1, std=0.7))
    layer.running_mean, layer.running_var = normal(3, seed=1), uniform(3, low=0.2)
    return {"training": trained, "eval": layer.eval().forward(normal(2, 3, 4, std=2))}


@within(IN_FLOAT32)
def running_mean_moves_by_momentum(impl):
    """training: running_mean moves by momentum, from step to step"""
    layer, still = impl.BatchNorm1D(3, momentum=0.3), impl.BatchNorm1D(3, momentum=0.0)
    seen = {}
    for step in range(3):
        layer.forward(normal(4, 3, 2 + step, mean=[[1.0 + step], [-4.0], [2.0]], seed=step))
        seen[f"running_mean after step {step + 1}"] = np.array(layer.running_mean)
        still.forward(normal(4, 3, mean=5, seed=step))
    return {
        **seen,
        "num_batches_tracked": layer.num_batches_tracked,
        "num_batches_tracked is an int": isinstance(layer.num_batches_tracked, (int, np.integer)),
        "running_mean with momentum=0.0": still.running_mean,
    }


@within(IN_FLOAT32)
def running_var_is_unbiased(impl):
    """training: running_var moves towards the unbiased variance"""
    layers = [impl.BatchNorm1D(3, momentum=0.3, eps=0.25) for _ in range(2)]
    layers[0].forward(normal(4, 3, std=3))  # m = 4, so the two estimates differ by 4/3
    layers[1].forward(normal(3, 3, 2, std=3))  # m = 6
    return {
        "running_var after (4, 3)": layers[0].running_var,
        "running_var after (3, 3, 2)": layers[1].running_var,
    }


@within(IN_FLOAT32)
def momentum_none_averages_all_batches(impl):
    """training: with momentum=None the running statistics average over all batches"""
    layer = impl.BatchNorm1D(3, momentum=None)
    for step in range(4):
        layer.forward(normal(5, 3, mean=2 * step, std=1 + step, seed=step))
    return {"running_mean": layer.running_mean, "running_var": layer.running_var}


@within(IN_FLOAT32)
def eval_uses_the_running_statistics(impl):
    """eval: normalizes with what training has stored, and stores nothing"""
    layer = impl.BatchNorm1D(3)
    for step in range(3):
        layer.forward(normal(8, 3, mean=2, std=3, seed=step))
    y = layer.eval().forward(normal(4, 3, 5, mean=-7))
    one_vector = layer.forward(normal(1, 3, mean=-7))
    return {
        "y": y,
        "y of one vector": one_vector,
        "running_mean": layer.running_mean,
        "running_var": layer.running_var,
        "num_batches_tracked": layer.num_batches_tracked,
    }


@within(IN_FLOAT32)
def switches_back_and_forth(impl):
    """train() and eval(): switch, return the layer, and training still uses the batch"""
    layer = impl.BatchNorm1D(3)
    modes, chained = [layer.training], []
    for switch in (layer.eval, layer.train, lambda: layer.train(False), lambda: layer.train(True)):
        chained.append(switch() is layer)
        modes.append(layer.training)
    layer.forward(normal(4, 3, mean=5))
    y = layer.forward(normal(4, 3, mean=-3, std=4, seed=1))
    return {"training": np.array(modes), "returns self": np.array(chained), "y": y}


def without_weight_or_statistics(impl):
    """affine and track_running_stats: what is switched off is None and plays no part"""
    x = normal(6, 3, mean=3, std=2)
    plain = impl.BatchNorm1D(3, affine=False)
    untracked = impl.BatchNorm1D(3, track_running_stats=False)
    trained = untracked.forward(x)
    return {
        "affine=False: y": plain.forward(x),
        "affine=False: weight, bias are None": [plain.weight is None, plain.bias is None],
        "track_running_stats=False: y in training": trained,
        "track_running_stats=False: y in eval": untracked.eval().forward(x[:3]),
        "track_running_stats=False: the three are None": [
            untracked.running_mean is None,
            untracked.running_var is None,
            untracked.num_batches_tracked is None,
        ],
    }


def keeps_the_dtype(impl):
    """dtype: float16, float32 and float64 come back as they went in"""
    dtypes = {}
    for name in ("float16", "float32", "float64"):
        layer = impl.BatchNorm1D(3)
        dtypes[f"{name} in training"] = layer.forward(normal(4, 3, 5, dtype=name)).dtype.name
        dtypes[f"{name} in eval"] = layer.eval().forward(normal(4, 3, dtype=name)).dtype.name
    return dtypes


@within(1e-3)  # what the conventions promise for float32 with mean 1000 and spread 1
def survives_a_large_mean(impl):
    """precision: a large mean does not swallow the spread, and half precision does not overflow"""
    x = normal(64, 3, 4, mean=[[1000.0], [-3000.0], [10.0]], dtype=np.float32)
    layer = impl.BatchNorm1D(3, momentum=1.0)
    half = normal(8, 3, 4, std=600, dtype=np.float16)
    return {
        "y": layer.forward(x),
        "running_var": layer.running_var,
        "y in float16": np.asarray(impl.BatchNorm1D(3).forward(half), np.float32),
    }


def takes_odd_shapes_and_views(impl):
    """shapes: one sequence, one channel, one step, two vectors, a transposed view"""
    x = normal(3, 5, 4, mean=2, std=3)
    return {
        "N=1": impl.BatchNorm1D(3).forward(normal(1, 3, 4, mean=2)),
        "C=1": impl.BatchNorm1D(1).forward(normal(6, 1, mean=2)),
        "L=1": impl.BatchNorm1D(3).forward(normal(5, 3, 1, mean=2)),
        "two vectors": impl.BatchNorm1D(3).forward(normal(2, 3, mean=2)),
        "a view": impl.BatchNorm1D(4).forward(x.transpose(0, 2, 1)),
        "every second step": impl.BatchNorm1D(5).forward(x[:, :, ::2]),
    }


def shares_nothing(impl):
    """memory: an output is a new array, and two layers have nothing in common"""
    one, other = impl.BatchNorm1D(3, affine=False), impl.BatchNorm1D(3)
    x = normal(6, 3, mean=3)
    first = one.forward(x)
    kept = first.copy()
    second = one.forward(normal(6, 3, mean=-2, seed=1))
    third = impl.BatchNorm1D(3)
    third.weight[:] = 7
    third.bias += 7
    third.running_mean += 7
    third.forward(x)
    later = impl.BatchNorm1D(3)
    return {
        "y after a second call": first,
        "shares memory": [
            np.shares_memory(first, x),
            np.shares_memory(first, second),
            bool(np.any(first != kept)),
        ],
        "weight of another layer": other.weight,
        "bias of another layer": other.bias,
        "running_mean of another layer": other.running_mean,
        "weight of a later layer": later.weight,
        "running_mean of a later layer": later.running_mean,
        "running_var of a later layer": later.running_var,
    }


@within(IN_FLOAT32)
def refuses_what_it_cannot_normalize(impl):
    """refusals: rank, channels, one value per channel, integers; none of them is remembered"""
    layer = impl.BatchNorm1D(3)
    layer.forward(normal(6, 3, mean=2))
    one_value = normal(1, 3)
    untracked = impl.BatchNorm1D(3, track_running_stats=False).eval()
    bare = impl.BatchNorm1D(3, affine=False, track_running_stats=False)
    rank = r"(N, C)|N, |\b2\b|two"
    one = "more than 1 value|more than one|one value|1 value|2 values|two values"
    told = {
        "(3,)": refuses(ValueError, layer.forward, normal(3), naming=[rank, (3,)]),
        "(2, 3, 5, 4)": refuses(
            ValueError, layer.forward, normal(2, 3, 5, 4), naming=[rank, (2, 3, 5, 4)]
        ),
        "(4, 5) with C=3": refuses(ValueError, layer.forward, normal(4, 5), naming=[3, (4, 5)]),
        "(2, 5, 3) with C=3": refuses(
            ValueError, layer.forward, normal(2, 5, 3), naming=[3, (2, 5, 3)]
        ),
        "(4, 5) with C=3, neither parameters nor statistics": refuses(
            ValueError, bare.forward, normal(4, 5), naming=[3, (4, 5)]
        ),
        "(1, 3)": refuses(ValueError, layer.forward, one_value, naming=[one, (1, 3)]),
        "(1, 3, 1)": refuses(ValueError, layer.forward, normal(1, 3, 1), naming=[one, (1, 3, 1)]),
        "(1, 3), untracked, eval": refuses(
            ValueError, untracked.forward, one_value, naming=[one, (1, 3)]
        ),
        "integers": refuses(TypeError, layer.forward, frozen(np.arange(12).reshape(4, 3))),
        "booleans": refuses(TypeError, layer.forward, frozen(normal(4, 3) > 0)),
    }
    layer.eval()
    told["(4, 5) with C=3, eval"] = refuses(
        ValueError, layer.forward, normal(4, 5), naming=[3, (4, 5)]
    )
    return {**told, "running_mean": layer.running_mean, "running_var": layer.running_var}


def in_any_shape(impl, draw):
    """any shape, dtype and parameters: two steps of training, then evaluation"""
    n, c, steps = draw.integer(1, 6), draw.integer(1, 5), draw.integer(0, 5)
    dtype = draw.choice(["float32", "float64"])
    layer = impl.BatchNorm1D(
        c,
        eps=draw.choice([1e-5, 1e-3, 0.3]),
        momentum=draw.choice([0.1, 0.7, 0.0, None]),
        affine=draw.choice([True, False]),
        track_running_stats=draw.choice([True, False]),
    )
    if layer.weight is not None:
        layer.weight, layer.bias = normal(c, mean=1), normal(c, seed=1)
    n = n if n * max(steps, 1) > 1 else 2
    shape = (n, c, steps) if steps else (n, c)
    seed, mean, std = draw.integer(0, 99), draw.integer(-9, 9), draw.choice([0.25, 1, 4])
    first, second = (
        layer.forward(normal(*shape, mean=mean, std=std, seed=s, dtype=dtype))
        for s in (seed, seed + 1)
    )
    evaluated = layer.eval().forward(normal(*shape, mean=-mean, seed=seed + 2, dtype=dtype))
    return {
        "dtype": first.dtype.name,
        "first": first,
        "second": second,
        "eval": evaluated,
        "running_mean": layer.running_mean,
        "running_var": layer.running_var,
    }


def oracle():
    """torch behind the contract of bn1d."""
    import torch

    class BatchNorm1D:
        """nn.BatchNorm1d in float64, its tensors shown as arrays."""

        def __init__(self, *args, **kwargs):
            self.layer = torch.nn.BatchNorm1d(*args, **kwargs).double()

        def __getattr__(self, name):
            value = getattr(self.layer, name)
            if isinstance(value, torch.Tensor):
                return value.detach().numpy() if value.ndim else value.item()
            return value

        def __setattr__(self, name, value):
            if name == "layer":
                return super().__setattr__(name, value)
            getattr(self.layer, name).data = torch.tensor(value, dtype=torch.float64)

        def forward(self, x):
            c = self.layer.num_features
            expected = f"expected (N, {c}) or (N, {c}, L)"
            if x.dtype.kind != "f":
                raise TypeError(f"torch normalizes floating values, got {x.dtype}")
            if x.shape[1:2] != (c,):  # torch lets it pass where it holds no array to compare with
                raise ValueError(f"{expected}, got {x.shape}")
            try:
                y = self.layer(torch.tensor(x, dtype=torch.float64))
            except ValueError as error:
                raise ValueError(f"{error}; {expected}, got {x.shape}") from None
            return y.detach().numpy().astype(x.dtype)

        def train(self, mode=True):
            self.layer.train(mode)
            return self

        def eval(self):
            return self.train(False)

    return SimpleNamespace(BatchNorm1D=BatchNorm1D)


EQUIVALENT_MUTANTS = {
    "wide = x.astype(np.float64).reshape(*x.shape[:2], -1)"
    " -> wide = x.astype(np.float64).reshape(*x.shape[:2], -2)": (
        "NumPy infers a size from any negative number, not from -1 alone"
    ),
}
