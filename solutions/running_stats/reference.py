"""All three are weighted averages whose weights sum to 1; they differ in who gets how much.

The moving average gives the k-th last batch the weight momentum · (1 - momentum)^k:
with 0.1 the last ten batches hold 65 %. Equal weights are a moving average whose momentum is
1/(count + 1). Both average what they are given, so torch corrects each batch's variance by
m/(m - 1) before; the paper averages biased variances and corrects once, at the end.
"""

import numpy as np


def ema_update(running, batch, momentum):
    _refuse([running, batch], "(C,)")
    if not 0 <= momentum <= 1:
        raise ValueError(f"expected a momentum in [0, 1], got {momentum}")
    return _move(running, batch, momentum)


def cumulative_update(running, batch, count):
    _refuse([running, batch], "(C,)")
    if count < 0:
        raise ValueError(f"expected a count of 0 or more, got {count}")
    # (count · running + batch) / (count + 1), without the product that float16 cannot hold.
    return _move(running, batch, 1 / (count + 1))


def population_stats(batch_means, batch_vars, batch_size):
    _refuse([batch_means, batch_vars], "(k, C)")
    if batch_size < 2:
        raise ValueError(f"expected a batch_size of 2 or more, got {batch_size}")
    mean = batch_means.astype(np.float64).mean(axis=0)
    biased = batch_vars.astype(np.float64).mean(axis=0)
    # E[biased] = σ² · (m - 1) / m, whatever the number of batches.
    var = biased * batch_size / (batch_size - 1)
    return mean.astype(batch_means.dtype), var.astype(batch_means.dtype)


def _move(running, batch, new):
    old, wide = running.astype(np.float64), batch.astype(np.float64)
    return ((1 - new) * old + new * wide).astype(running.dtype)


def _refuse(pair, expected):
    for values in pair:
        if not np.issubdtype(values.dtype, np.floating):
            raise TypeError(f"expected floating values, got {values.dtype}")
    one, other = (values.shape for values in pair)
    if len(one) != len(expected.split()) or one != other:
        raise ValueError(f"expected two arrays of one shape {expected}, got {one} and {other}")
