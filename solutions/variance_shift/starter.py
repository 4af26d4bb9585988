"""Write how dropout changes a variance between training and evaluation.

NumPy alone. Dropout is inverted: in training a value is set to 0 with probability p, or else
divided by 1 - p; in evaluation it passes as it is.
"""


def dropout_variances(mean, var, p):
    """Variances of what dropout hands on, over values and masks.

    mean, var  mean and variance of the values that go in: floats, or floating arrays whose shapes
               broadcast together; var is at least 0. Neither is modified.
    p          probability that a value is dropped, a number from 0 up to, but not including, 1.

    Returns (train_var, eval_var), both new, both in the shape to which mean and var broadcast and,
    where mean or var is an array, in the dtype to which they promote; a number each if both are
    numbers. All is computed in float32 or better, without cancellation where the mean is much
    larger than the spread.

    Raises ValueError, naming the bound and the given number, if p is outside [0, 1) or a var is
    below 0; TypeError if mean or var is an array of integers or booleans.

    Source: Li, Chen, Hu and Yang 2019, Understanding the Disharmony between Dropout and Batch
    Normalization by Variance Shift; torch.nn.Dropout.
    """
    raise NotImplementedError


def variance_shift(mean, var, p):
    """eval_var / train_var: the variance behind a batch norm in evaluation, where 1 is expected.

    Arguments, shape, dtype and refusals as in dropout_variances. Not asked for where mean and var
    are both 0.
    """
    raise NotImplementedError
