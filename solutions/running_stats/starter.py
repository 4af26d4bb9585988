"""Write the three ways from the statistics of batches to those that evaluation uses.

NumPy alone. A moving average forgets, a cumulative average does not, and the population statistics
of the paper are computed at the end, from batches that the finished network has seen.
"""

import numpy as np


def ema_update(running, batch, momentum):
    """(1 - momentum) * running + momentum * batch, the moving average after one more batch.

    running   (C,) the average so far, float16, float32 or float64.
    batch     (C,) the statistic of the new batch.
    momentum  in [0, 1], the weight of the new batch, as in torch.

    Returns a new array (C,) in the dtype of running, computed in float32 or better.
    Raises ValueError, naming both shapes, if running is not (C,) or batch has not its shape, and,
    naming the value, if momentum is not in [0, 1]; TypeError if one holds integers or booleans.

    Source: torch.nn.BatchNorm1d, momentum.
    """
    raise NotImplementedError


def cumulative_update(running, batch, count):
    """The plain average over all batches, the new one included.

    running  (C,) the average over the batches before this one; it counts for nothing if there were
             none.
    batch    (C,) the statistic of the new batch.
    count    int, how many batches were seen before this one, 0 or more.

    Returns a new array (C,) in the dtype of running, computed in float32 or better.
    Raises ValueError, naming both shapes, if running is not (C,) or batch has not its shape, and,
    naming the value, if count is negative; TypeError if one holds integers or booleans.

    Source: torch.nn.BatchNorm1d with momentum=None.
    """
    raise NotImplementedError


def population_stats(batch_means, batch_vars, batch_size):
    """Mean and variance of the data, from k batches of one size.

    batch_means  (k, C) float16, float32 or float64.
    batch_vars   (k, C) biased variances (divided by m).
    batch_size   m, the number of values per channel in each batch, 2 or more.

    Returns (mean, var), each (C,) in the dtype of batch_means, computed in float32 or better: the
    average of the batches' means, and m / (m - 1) times the average of their variances.
    Raises ValueError, naming both shapes, if batch_means is not (k, C) or batch_vars has not its
    shape, and, naming the value, if batch_size is below 2; TypeError if one holds integers or
    booleans.

    Source: Ioffe and Szegedy 2015, algorithm 2, line 10.
    """
    raise NotImplementedError
