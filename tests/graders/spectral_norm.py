"""What is asked of spectral_norm; torch answers with SpectralNorm, with svd at the limit."""

from types import SimpleNamespace

import numpy as np

from bnbank.arrays import frozen, normal, refuses, within

LEVEL = "senior"
MINUTES = 25
AFTER = ["weight_norm"]
CARD = "spectral-norm"


def _named(answer):
    weight, u, sigma = answer
    return {"weight": weight, "u": u, "sigma": sigma}


def iterates_once(impl):
    """one iteration: v from u, then u from v, then sigma and the divided weight"""
    return _named(impl.spectral_norm(normal(4, 6, mean=0.5), normal(4, mean=1)))


def iterates_as_often_as_asked(impl):
    """n_power_iterations: three times, from the u that was given"""
    return _named(impl.spectral_norm(normal(5, 3, std=2), normal(5, mean=1), 3))


def continues_where_it_left_off(impl):
    """u: what came back takes up the iteration, and does not stay where it was"""
    weight, u = normal(4, 6, std=2), normal(4, mean=1)
    _, u, first = impl.spectral_norm(weight, u)
    _, u, second = impl.spectral_norm(weight, u)
    return {"sigma after one call": first, "sigma after two": second, "u after two": u}


def reaches_the_largest_singular_value(impl):
    """the limit: sigma is the largest singular value, and the weight's own becomes 1"""
    weight, u, sigma = impl.spectral_norm(normal(4, 6, std=3), normal(4, mean=1), 300)
    return {"sigma": sigma, "u": u, "largest singular value": np.linalg.norm(weight, 2)}


def reads_a_kernel_as_a_matrix(impl):
    """kernels: the first axis counts the rows of W, all others together its columns"""
    weight = normal(4, 3, 2, 5, mean=0.3)
    return {
        **_named(impl.spectral_norm(weight, normal(4, mean=1))),
        "weight of (3, 4, 2)": impl.spectral_norm(normal(3, 4, 2), normal(3, mean=1), 2)[0],
    }


def eps_is_the_least_length(impl):
    """eps: a vector shorter than eps is divided by eps, a longer one by its length"""
    weight, u = normal(3, 5, std=0.5), normal(3, mean=0.5)
    short = impl.spectral_norm(weight, u, 2, eps=4.0)
    mixed = impl.spectral_norm(normal(3, 4, std=2), frozen([0.01, 0.02, -0.01]), 1, eps=0.5)
    return {
        **{f"{name}, all shorter": value for name, value in _named(short).items()},
        **{f"{name}, v shorter, u longer": value for name, value in _named(mixed).items()},
        "1e16 sigma of faint weight": impl.spectral_norm(weight * 1e-13, u)[2] * 1e16,
    }


def takes_odd_shapes_and_views(impl):
    """shapes: one row, one column, a transposed view, a u of any length"""
    weight = normal(3, 4, 5, mean=0.5)
    return {
        "one row": impl.spectral_norm(normal(1, 6), normal(1, mean=2))[0],
        "one column": impl.spectral_norm(normal(5, 1, 1), normal(5, mean=2))[0],
        "a transposed view": impl.spectral_norm(weight.transpose(2, 0, 1), normal(5))[0],
        "every second row": impl.spectral_norm(weight[::2], normal(3)[::2])[0],
        "a long u": impl.spectral_norm(weight, normal(3, std=100))[0],
    }


def keeps_the_dtype(impl):
    """dtype: weight and u come back in the dtype of weight, sigma is a single number"""
    dtypes = {}
    for name in ("float16", "float32", "float64"):
        for other in ("float16", "float32", "float64"):
            weight, u = normal(4, 3, dtype=name), normal(4, mean=1, dtype=other)
            w, u, sigma = impl.spectral_norm(weight, u)
            dtypes[f"weight {name}, u {other}"] = [w.dtype.name, u.dtype.name, np.ndim(sigma) == 0]
    return {key: " ".join(map(str, value)) for key, value in dtypes.items()}


@within(1e-3)  # float32 and float16 answers of a sum of squares that float16 cannot hold
def survives_narrow_dtypes(impl):
    """precision: float32 with a large mean, and float16 without overflow"""
    far = normal(3, 64, mean=1000, dtype=np.float32)
    half = normal(4, 32, std=600, dtype=np.float16)
    one, other = normal(3, mean=1, dtype=np.float32), normal(4, mean=1, dtype=np.float16)
    w, _, sigma = impl.spectral_norm(far, one, 2)
    w_half, _, sigma_half = impl.spectral_norm(half, other, 2)
    return {
        "float32: weight": w,
        "float32: sigma / 1000": sigma / 1000,
        "float16: weight": np.asarray(w_half, np.float32),
        "float16: sigma / 1000": sigma_half / 1000,
    }


def shares_no_memory(impl):
    """memory: weight and u are neither changed nor handed back, results are left alone"""
    weight, u = normal(4, 6, mean=1), normal(4, mean=1)
    first, first_u, _ = impl.spectral_norm(weight, u)
    kept, kept_u = first.copy(), first_u.copy()
    second, second_u, sigma = impl.spectral_norm(normal(4, 6, std=3, seed=1), u)
    pairs = [(first, weight), (first_u, u), (first, second), (first_u, second_u)]
    return {
        "shares memory": [np.shares_memory(*pair) for pair in pairs],
        "changed by a later call": [bool(np.any(first != kept)), bool(np.any(first_u != kept_u))],
        "sigma of the later call": sigma,
    }


def refuses_what_it_cannot_normalize(impl):
    """refusals: a weight of one axis, a u of another length, no iteration, integers"""
    weight, u = normal(4, 3, 5), normal(4)
    norm = impl.spectral_norm
    rank = r"two axes|O, |\b2\b|two"
    return {
        "weight (4,)": refuses(ValueError, norm, normal(4), u, naming=[rank, (4,)]),
        "u (3,) for 4 rows": refuses(ValueError, norm, weight, normal(3), naming=[4, (3,)]),
        "u (1,) for 4 rows": refuses(ValueError, norm, weight, normal(1), naming=[4, (1,)]),
        "u (4, 4) for 4 rows": refuses(
            ValueError, norm, normal(4, 2, 2), normal(4, 4), naming=[(4, 4)]
        ),
        "0 iterations": refuses(ValueError, norm, weight, u, 0, naming=[0]),
        "-2 iterations": refuses(ValueError, norm, weight, u, -2, naming=["-2"]),
        "weight of integers": refuses(TypeError, norm, frozen(np.arange(12).reshape(4, 3)), u),
        "weight of booleans": refuses(TypeError, norm, frozen(weight > 0), u),
        "u of integers": refuses(TypeError, norm, weight, frozen(np.arange(4))),
    }


def in_any_shape(impl, draw):
    """any shape, dtype, number of iterations and eps"""
    shape = tuple(draw.integer(1, 5) for _ in range(draw.integer(2, 4)))
    seed, dtype = draw.integer(0, 99), draw.choice(["float32", "float64"])
    # Means that keep u off the directions in which W Wᵀ is nearly 0.
    weight = normal(*shape, mean=1, std=draw.choice([0.25, 0.5]), seed=seed, dtype=dtype)
    u = normal(shape[0], mean=3, std=0.5, seed=seed, dtype=dtype)
    times, eps = draw.integer(1, 4), draw.choice([1e-12, 0.5])
    answer = _named(impl.spectral_norm(weight, u, times, eps))
    return {**answer, "dtype": answer["weight"].dtype.name}


def oracle():
    """torch behind the contract of spectral_norm."""
    import torch
    from torch.nn.utils.spectral_norm import SpectralNorm

    def spectral_norm(weight, u, n_power_iterations=1, eps=1e-12):
        for array in (weight, u):
            if array.dtype.kind != "f":
                raise TypeError(f"torch normalizes floating values, got {array.dtype}")
        if weight.ndim < 2 or u.shape != weight.shape[:1]:
            expected = f"expected (O, *rest) of two axes or more and a u of {weight.shape[:1]}"
            raise ValueError(f"{expected}, got {weight.shape} and {u.shape}")
        try:
            hook = SpectralNorm("weight", n_power_iterations, dim=0, eps=eps)
        except ValueError as error:
            raise ValueError(f"{error}; got {n_power_iterations}") from None
        wide = torch.tensor(weight, dtype=torch.float64)
        matrix = hook.reshape_weight_to_matrix(wide)
        layer = SimpleNamespace(weight_orig=wide)
        layer.weight_u = torch.tensor(u, dtype=torch.float64)
        layer.weight_v = torch.zeros(matrix.shape[1], dtype=torch.float64)
        divided = hook.compute_weight(layer, do_power_iteration=True)
        new_u, sigma = layer.weight_u, layer.weight_u @ matrix @ layer.weight_v
        if n_power_iterations >= 300:  # what the iteration is for, without iterating
            left, values, _ = torch.linalg.svd(matrix)
            divided, sigma = wide / values[0], values[0]
            new_u = left[:, 0] * torch.sign(left[:, 0] @ new_u)
        answers = (divided.numpy(), new_u.numpy())
        return *(answer.astype(weight.dtype) for answer in answers), float(sigma)

    return SimpleNamespace(spectral_norm=spectral_norm)


EQUIVALENT_MUTANTS = {
    "matrix = weight.astype(np.float64).reshape(weight.shape[0], -1) -> "
    "matrix = weight.astype(np.float64).reshape(weight.shape[0], -2)": (
        "NumPy takes any negative size for the one that is to be computed"
    ),
    "return a / max(np.linalg.norm(a), eps) -> return a / max(eps, np.linalg.norm(a))": (
        "the larger of two numbers is the same in either order"
    ),
}
