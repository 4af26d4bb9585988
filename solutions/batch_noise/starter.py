"""Write how much the statistics of a batch move from batch to batch.

NumPy alone. A sample's normalization depends on its batch-mates: this says by how much.
"""


def statistics_noise(var, batch_size, kurtosis=3.0):
    """Standard deviations, over random batches, of a batch's mean and of its biased variance.

    var         variance of the values that batches are drawn from, independently: a float, or a
                floating array of any shape, at least 0. It is not modified.
    batch_size  m, the number of values in a batch, at least 1.
    kurtosis    E[(x - mean)⁴] / var² of these values, a number of at least 1; 3 for normal ones.

    Returns (std_of_mean, std_of_var), both new, in the shape and dtype of var, a number each if var
    is a number:
    std_of_mean  of the mean of m values.
    std_of_var   of their variance as batch norm normalizes with it, which divides by m; exact for
                 every m, not only for large ones.
    All is computed in float32 or better.

    Raises ValueError, naming the bound and the given number, if batch_size or kurtosis is below 1
    or a var below 0; TypeError if var is an array of integers or booleans.

    Source: Cramér 1946, Mathematical Methods of Statistics, section 27.4, the variance of the
    second sample moment; Luo, Wang, Shao and Peng 2019 for what it does to a network.
    """
    raise NotImplementedError
