"""Write dynamic tanh, which takes the place of a normalization and computes no statistics.

NumPy alone. Every value is squashed by itself; a learned number says how steeply.
"""


def dynamic_tanh(x, alpha, weight, bias):
    """y = weight * tanh(alpha * x) + bias, weight and bias along the last axis.

    x       (*, D) float16, float32 or float64, at least one axis, values of any size. It is not
            modified, and may be any view.
    alpha   one number for the whole layer: a float, or an array that holds a single value.
    weight  (D,) floating, or None, which leaves that step out.
    bias    (D,) floating, or None, which leaves that step out, whatever weight is.

    Returns a new array like x, in the dtype of x whatever those of alpha, weight and bias; computed
    in float32 or better.

    Raises ValueError, naming the expected and the given shape, if x has no axis, alpha holds more
    than one value, or weight or bias has not D values on one axis; TypeError if x holds integers or
    booleans.

    Source: Zhu, Chen, He, LeCun and Liu 2025, Transformers without Normalization, DyT.
    """
    raise NotImplementedError
