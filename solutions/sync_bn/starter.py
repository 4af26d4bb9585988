"""Write batch normalization of a batch that lies in shards on several devices, both ways.

NumPy alone, forward and backward. A shard is the part of the batch on one device: (N, C, *spatial).
Shards have the same C; N and the spatial sizes may differ from shard to shard.

Only per-channel sums, or numbers made of them, may cross from one shard to another: no operation
takes the values of two shards, as np.concatenate does.
"""


def merge_moments(counts, means, variances):
    """Count, mean and variance of all values together, from those of each part.

    counts     k whole numbers: how many values per channel each part has, each at least 1.
    means      k arrays (C,), floating: the mean of each part.
    variances  k arrays (C,), floating: the biased variance of each part (divided by its count).

    Returns (count, mean, var): count an int, mean (C,) and var (C,) in the dtype of the means, var
    biased. Where the means are much larger than the spread, float32 loses nothing by cancellation.

    Raises ValueError, naming what was expected and what was given, if the three have not the same
    length of at least 1, a mean or a variance has another shape than (C,), or a count is below 1;
    TypeError if means or variances hold integers or booleans.

    Source: Chan, Golub and LeVeque 1979, updating formulae for computing sample variances.
    """
    raise NotImplementedError


def sync_forward(shards, weight, bias, eps=1e-5):
    """y = weight * (x - mean) / sqrt(var + eps) + bias, mean and var those of all shards together.

    shards  a list of arrays (N, C, *spatial), floating, with no or more spatial axes.
    weight  (C,) or None, which stands for ones.
    bias    (C,) or None, which stands for zeros.
    eps     added to the biased variance, inside the square root.

    Returns (outputs, cache): outputs a list of new arrays, each with the shape and the dtype of its
    shard; cache whatever sync_backward needs. The shards are not modified.

    Raises ValueError, naming what was expected and the shape that was given, if there is no shard,
    a shard has fewer than two axes or another C than the first, weight or bias is not (C,), or all
    shards together offer one value per channel; TypeError if a shard holds integers or booleans.

    Source: torch.nn.SyncBatchNorm, which has one shard on each device.
    """
    raise NotImplementedError


def sync_backward(dys, cache):
    """Gradients with respect to every shard and to the parameters that all shards share.

    dys    a list of arrays: the gradient of the loss with respect to each output.
    cache  what sync_forward returned beside the outputs.

    Returns (dxs, dweight, dbias): dxs a list of arrays like the shards, in their dtypes; dweight
    and dbias (C,), summed over all shards, and as if weight were ones and bias zeros where None.

    Raises ValueError, naming what was expected and what was given, if the number of dys or a shape
    is not that of the outputs; TypeError if a dy holds integers or booleans.

    Source: Ioffe and Szegedy 2015, section 3, the six derivatives, for the batch of all shards.
    """
    raise NotImplementedError
