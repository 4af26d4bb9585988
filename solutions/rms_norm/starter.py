"""Write root mean square normalization over the last axes of an array.

NumPy alone. Values are scaled to a root mean square of 1; nothing is subtracted and nothing added.
"""


def rms_norm(x, normalized_shape, weight=None, eps=1e-6):
    """y = weight * x / sqrt(mean(x²) + eps), over the last axes of x.

    x                 (*, *normalized_shape) float16, float32 or float64. It is not modified, and
                      may be any view.
    normalized_shape  the sizes of the axes that are normalized together, which are the last ones of
                      x: a tuple of at least one, or an int for the last axis alone.
    weight            normalized_shape floating, one number for each element that is normalized;
                      None leaves that step out.
    eps               added to the mean square, inside the square root.

    Returns a new array like x, in the dtype of x whatever that of weight; the mean square is
    computed in float32 or better.

    Raises ValueError, naming the expected and the given shape, if x does not end in
    normalized_shape, or if weight has another shape than that; TypeError if x holds integers or
    booleans.

    Source: Zhang and Sennrich 2019, section 4; torch.nn.functional.rms_norm.
    """
    raise NotImplementedError
