"""Write batch normalization in training as Triton kernels, forward and backward.

torch and Triton. The exercise is graded in Triton's interpreter on the CPU (TRITON_INTERPRET=1), so
that it needs no GPU; `python benchmarks/triton_bn.py` runs and times the kernels where there is
one. What is done to every value of x, y and dy is done in kernels.
"""


def batch_norm_triton(x, weight, bias, eps=1e-5, running_mean=None, running_var=None, momentum=0.1):
    """y = weight * (x - mean) / sqrt(var + eps) + bias, per channel, differentiable.

    x             (N, C, *spatial) tensor of float16, bfloat16 or float32, any view; 2 to 5 axes.
                  mean and the biased variance are those of the m = N * spatial values of a channel.
    weight        (C,) tensor, or None for ones.
    bias          (C,) tensor, or None for zeros.
    eps           added to the variance, inside the square root.
    running_mean  (C,) float32 tensor or None: moves in place by `momentum` towards mean.
    running_var   (C,) float32 tensor or None: moves in place by `momentum` towards the unbiased
                  variance (divide by m - 1); m has to be at least 2 then.

    Returns y, a new tensor like x, in the dtype of x; y.backward(dy) gives x, weight and bias their
    gradients, each in the dtype of its tensor. The statistics are made of one pass over x, in
    float32, without cancellation where the mean is much larger than the spread.

    Raises ValueError, naming what was expected and the shape that was given, if x has not two to
    five axes, if another argument is not (C,), or if running_var is given and m is 1; TypeError if
    x has another dtype. A refused x changes no statistics.

    Source: Ioffe and Szegedy 2015, algorithm 1 and section 3; torch.nn.functional.batch_norm.
    """
    raise NotImplementedError
