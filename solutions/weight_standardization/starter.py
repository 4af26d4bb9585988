"""Write weight standardization: what batch normalization does to activations, done to filters.

NumPy alone. Each output channel's filter is centred and scaled by itself before it is used.
"""


def standardize_weight(weight, eps=1e-5):
    """w = (weight - mean) / sqrt(var + eps), per output channel.

    weight  (O, I, kH, kW) float16, float32 or float64, the kernel of a convolution. It is not
            modified, and may be any view.
    eps     added to the variance, inside the square root.

    mean and var are those of the I·kH·kW numbers of one filter; the variance is biased (divide by
    their number). A filter of a single number becomes 0.

    Returns a new array like weight, in its dtype; the statistics are computed in float32 or better,
    without cancellation where the mean is much larger than the spread.

    Raises ValueError, naming the expected axes and the given shape, if weight has not four axes;
    TypeError if it holds integers or booleans.

    Source: Qiao, Wang, Liu, Shen and Yuille 2019 (arXiv:1903.10520), their definition of Ŵ, with
    eps where batch normalization has it.
    """
    raise NotImplementedError
