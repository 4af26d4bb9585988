"""Write spectral normalization: a kernel divided by its largest singular value, by power iteration.

NumPy alone. The kernel is read as the matrix W (O, I·kH·kW) that it is for each patch of an image.
"""


def spectral_norm(weight, u, n_power_iterations=1, eps=1e-12):
    """Divide weight by an estimate of its largest singular value, and sharpen the estimate.

    weight              (O, *rest) float16, float32 or float64, with at least two axes; W is weight
                        as an (O, product of rest) matrix.
    u                   (O,) floating, the left singular vector as far as it is known.
    n_power_iterations  how often v = normalized(Wᵀ u), then u = normalized(W v); at least 1.
    eps                 normalized(a) = a / max(‖a‖, eps).

    Neither array is modified, and both may be any view.

    Returns (weight, u, sigma):
    weight  weight / sigma, a new array like weight, in its dtype.
    u       (O,) the last u of the iteration, a new array in the dtype of weight, for the next call.
    sigma   uᵀ W v with the last u and v, a number.
    All is computed in float32 or better.

    Raises ValueError, naming what was expected and the shape or number that was given, if weight
    has fewer than two axes, u has not O values on one axis or n_power_iterations is below 1;
    TypeError if weight or u holds integers or booleans.

    Source: Miyato, Kataoka, Koyama and Yoshida 2018, section 2 and algorithm 1;
    torch.nn.utils.spectral_norm.
    """
    raise NotImplementedError
