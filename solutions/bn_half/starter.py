"""Write batch normalization of half precision values that does not compute in half precision.

NumPy alone. This is what mixed precision training does: float16 between the layers, float32 inside.
"""

import numpy as np


def batch_norm_half(x, weight, bias, eps=1e-5):
    """y = weight * (x - mean) / sqrt(var + eps) + bias, per channel, in training.

    x       (N, C, *spatial) float16, with any number of spatial axes. It is not modified, and may
            be any view. One value per channel is normalized to bias.
    weight  (C,) float32, or None for ones.
    bias    (C,) float32, or None for zeros.
    eps     added to the variance, inside the square root; may be smaller than any float16.

    mean and var are those of the channel's m values; var divides by m. Everything is computed in
    float32 or better, and rounded to float16 once: at the end.

    Returns a new array like x, float16.

    Raises ValueError, naming the expected and the given shape, if x has less than two axes or
    weight or bias is not (C,); TypeError if x is not float16.

    Source: Micikevicius et al. 2018, Mixed Precision Training; torch.nn.functional.batch_norm.
    """
    raise NotImplementedError
