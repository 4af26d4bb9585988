"""Write weight normalization and its gradients: length and direction of a weight, apart.

NumPy alone. v is a weight of any rank; its slices along the axis `dim` are the vectors that are
normalized, such as the rows of a linear layer or the filters of a convolution (dim=0).
"""


def weight_norm(v, g, dim=0):
    """w = g * v / ||v||, with the Euclidean norm of every slice v[..., i, ...] along the axis dim.

    v    floating array of one axis or more, any view; no slice is 0.
    g    floating array with v's size on the axis dim, and size 1 on every other axis of v.
         It may be negative: the length of a slice of w is |g|.
    dim  the axis that is kept; the norm is taken over all others. 0 <= dim < v.ndim.

    Returns a new array like v, in the dtype of v, computed in float32 or better.

    Raises ValueError, naming what was expected and the shape or value that was given, if dim is out
    of range or g has another shape; TypeError if v or g holds integers or booleans.

    Source: Salimans and Kingma 2016, section 2; torch.nn.utils.parametrizations.weight_norm.
    """
    raise NotImplementedError


def weight_norm_backward(dw, v, g, dim=0):
    """Gradients of a loss with respect to v and g; ||v|| is a function of v.

    dw         gradient of the loss with respect to w, like v.
    v, g, dim  as they were given to weight_norm.

    Returns (dv, dg): dv like v and dg in the shape of g, both new and in the dtype of v, with sums
    in float32 or better. No argument is modified.

    Raises what weight_norm raises; ValueError, naming both shapes, if dw has not the shape of v;
    TypeError if dw holds integers or booleans.

    Source: Salimans and Kingma 2016, section 2.1; torch.autograd.
    """
    raise NotImplementedError
