"""Three numbers per channel say all that a shard has to tell: count, mean and variance.

The variance of a whole is the variance within its parts plus that of the parts' means, weighted by
the counts; whoever averages only the variances forgets the second. On the way back two sums per
channel cross, Σdy and Σdy·x̂, the gradients of bias and weight: dx needs nothing else of the others.
"""

import numpy as np


def merge_moments(counts, means, variances):
    _refuse_integers([*means, *variances])
    if not len(counts) == len(means) == len(variances):
        given = f"{len(counts)}, {len(means)} and {len(variances)}"
        raise ValueError(f"expected as many means and variances as counts, got {given}")
    shapes = {np.shape(moment) for moment in (*means, *variances)}
    if [len(shape) for shape in shapes] != [1]:
        raise ValueError(f"expected means and variances of one shape (C,), got {sorted(shapes)}")
    if min(counts) < 1:
        raise ValueError(f"expected counts of at least 1, got {min(counts)}")
    n, total = np.array(counts)[:, None], sum(counts)
    mu, var_within = np.array(means, np.float64), np.array(variances, np.float64)
    mean = (n * mu).sum(axis=0) / total
    # Σ(x − mean)² within a part is n·var around its own mean and n·(mean_i − mean)² more around
    # the common one. Nothing is squared before it is centred, so nothing cancels.
    var = (n * (var_within + (mu - mean) ** 2)).sum(axis=0) / total
    return int(total), mean.astype(means[0].dtype), var.astype(means[0].dtype)


def sync_forward(shards, weight, bias, eps=1e-5):
    _refuse_integers(shards)
    shapes = [x.shape for x in shards]
    if not shards or any(len(s) < 2 or s[1:2] != shapes[0][1:2] for s in shapes):
        raise ValueError(f"expected shards (N, C, *spatial) with one C, got {shapes}")
    c = shapes[0][1]
    for name, parameter in (("weight", weight), ("bias", bias)):
        if parameter is not None and np.shape(parameter) != (c,):
            raise ValueError(f"expected {name} ({c},), got {np.shape(parameter)}")
    # float64 leaves room for every dtype's sums, and for float16's squares.
    wide = [x.astype(np.float64) for x in shards]
    counts = [x.size // c for x in wide]
    means = [x.mean(axis=_all_but_channels(x)) for x in wide]
    variances = [x.var(axis=_all_but_channels(x)) for x in wide]
    # Here the shards meet, in 2C + 1 numbers each.
    count, mean, var = merge_moments(counts, means, variances)
    if count == 1:
        raise ValueError(f"expected more than 1 value per channel in all shards, got {shapes}")
    inv_std = 1 / np.sqrt(var + eps)
    x_hats = [(x - _beside(x, mean)) * _beside(x, inv_std) for x in wide]
    scale = np.ones(c) if weight is None else weight.astype(np.float64)
    shift = np.zeros(c) if bias is None else bias.astype(np.float64)
    outputs = [x_hat * _beside(x_hat, scale) + _beside(x_hat, shift) for x_hat in x_hats]
    dtypes = [x.dtype for x in shards]
    return _cast(outputs, dtypes), (x_hats, count, scale * inv_std, dtypes)


def sync_backward(dys, cache):
    x_hats, count, slope, dtypes = cache
    _refuse_integers(dys)
    expected, given = [x.shape for x in x_hats], [dy.shape for dy in dys]
    if given != expected:
        raise ValueError(f"expected dys of the shapes {expected}, got {given}")
    pairs = [(dy.astype(np.float64), x_hats[i]) for i, dy in enumerate(dys)]
    # Here they meet again, in 2C numbers each.
    dbias = sum(dy.sum(axis=_all_but_channels(dy)) for dy, x_hat in pairs)
    dweight = sum((dy * x_hat).sum(axis=_all_but_channels(dy)) for dy, x_hat in pairs)
    # dx = γ/σ · (dy − mean(dy) − x̂·mean(dy·x̂)), the means over all values of all shards.
    mean_dy, mean_dy_x_hat = dbias / count, dweight / count
    dxs = [
        _beside(dy, slope) * (dy - _beside(dy, mean_dy) - x_hat * _beside(dy, mean_dy_x_hat))
        for dy, x_hat in pairs
    ]
    return _cast(dxs, dtypes), dweight, dbias


def _cast(arrays, dtypes):
    return [array.astype(dtypes[i]) for i, array in enumerate(arrays)]


def _refuse_integers(arrays):
    for array in arrays:
        if not np.issubdtype(np.asarray(array).dtype, np.floating):
            raise TypeError(f"expected floating values, got {np.asarray(array).dtype}")


def _all_but_channels(x):
    return (0, *range(2, x.ndim))


def _beside(x, values):
    """(C,) in the shape that broadcasts along axis 1 of x."""
    return values.reshape(values.size, *(1 for _ in x.shape[2:]))
