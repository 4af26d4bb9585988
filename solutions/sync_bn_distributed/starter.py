"""Write a batch norm layer whose batch is that of all processes together.

torchrun starts the processes; each has its own shard of the batch, and they talk through
torch.distributed (gloo between CPUs, nccl between GPUs). torch.nn.SyncBatchNorm does the same, and
refuses CPUs.
"""

from torch import nn


class SyncBatchNorm(nn.Module):
    """y = weight * (x - mean) / sqrt(var + eps) + bias, per channel, mean and var those of all.

    num_features   C, the number of channels.
    eps            added to the variance, inside the square root.
    momentum       weight of the new batch in the running statistics.
    affine         False: weight and bias are None.
    process_group  the processes that share statistics; None: all of them.

    Parameters and buffers, under the names that torch gives them, in float32 until the layer is
    moved: weight and bias (C,), at first 1 and 0; running_mean and running_var (C,), at first 0 and
    1; num_batches_tracked, an integer.

    In training, mean and biased variance (divided by m) of the values of all processes normalize,
    m being the number of values per channel in all of them; shards may be of unequal size. The
    running statistics move by `momentum` towards the mean and the unbiased variance (divided by
    m - 1), in the same way in every process. In evaluation they normalize, nothing moves, and
    nobody talks.

    There is one collective in forward and one in backward. The input's gradient is that of the
    whole batch. weight.grad and bias.grad are this process's share, whose sum over the processes is
    the gradient: summing them up is the business of DistributedDataParallel, as for all parameters.

    Without a process group that has been initialized, the layer is batch norm of one process.

    Source: torch.nn.SyncBatchNorm; Ioffe and Szegedy 2015, section 3.
    """

    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=True, process_group=None):
        raise NotImplementedError

    def forward(self, x):
        """Normalize this process's shard.

        x  (N, C, *spatial) float16, float32 or float64, on the device of the layer. It is not
           modified.

        Returns a new tensor like x, in the dtype of x. Statistics are in float32 or better, without
        cancellation where the mean is much larger than the spread.

        Raises ValueError, naming what was expected and the shape that was given, if x has fewer
        than two axes, has not C channels, or if, in training, there is one value per channel in all
        processes together; TypeError if x does not hold floating values. Raises RuntimeError, in
        forward or in backward, if another process does not come, at the latest when the group's
        timeout is over: in forward with a text that says for how many processes it waited, as in
        "2 processes", and before any statistic has moved.
        """
        raise NotImplementedError
