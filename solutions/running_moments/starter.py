"""Write the mean and variance of rows that arrive in pieces and are not kept.

NumPy alone. Two such accounts can be merged, as devices put their batch statistics together.
"""

import numpy as np


class RunningMoments:
    """Count, mean and variance, per column, of all rows seen so far.

    The rows themselves are not kept: what an instance holds does not grow with their number. Sums
    are kept in float64, and the variance does not suffer where the mean is much larger than the
    spread. Two instances share nothing, before and after a merge.

    count  int, the number of rows so far, at first 0.

    Source: Welford 1962; Chan, Golub and LeVeque 1983.
    """

    def __init__(self):
        raise NotImplementedError

    def update(self, x):
        """Take in more rows.

        x  (n, D) float16, float32 or float64. It is not modified, and may be any view. n may be 0;
           D is set by the first rows.

        Raises ValueError, naming what was expected and the shape that was given, if x has not two
        axes or not D columns; TypeError if x holds integers or booleans. A refused x changes
        nothing.
        """
        raise NotImplementedError

    def merge(self, other):
        """Take in all rows that another RunningMoments has seen; it stays as it is.

        Either may be empty; other may be self, whose rows then count twice. Afterwards self is what
        it would be had it seen the rows of both.

        Raises ValueError, naming both, if the two have another D; self is unchanged then.
        """
        raise NotImplementedError

    @property
    def mean(self):
        """A new array (D,), in the dtype of the rows. Raises ValueError while count is 0."""
        raise NotImplementedError

    def var(self, ddof=0):
        """A new array (D,), in the dtype of the rows: squared distances divided by count - ddof.

        Raises ValueError, naming ddof and count, unless ddof is below count.
        """
        raise NotImplementedError
