# ---
# jupyter:
#   bnbank:
#     description: Behind batch norm the length of a weight sets how far a step turns it.
#     cards: [invariances, orthogonal-gradient, weight-decay-of-scale-invariant-weights]
#     exercises: [scale_invariance]
#     sources: [ioffe2015, vanlaarhoven2017, wan2020]
#   jupytext:
#     notebook_metadata_filter: bnbank
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Scale invariance and the effective learning rate
#
# **The claim.** Behind batch norm the length of a weight changes nothing: BN((aW)u) = BN(Wu), and
# the gradient at aW is 1/a of that at W ([`ioffe2015`](https://arxiv.org/abs/1502.03167),
# section 3.3). So weight decay does not regularize such a layer; it sets its *effective learning
# rate* η/‖W‖² ([`vanlaarhoven2017`](https://arxiv.org/abs/1706.05350)), and in equilibrium the
# angle by which a step turns it ([`wan2020`](https://arxiv.org/abs/2006.08419)).
#
# **What would refute it.** Outputs that move with a; a length of W under SGD with weight decay that
# does not settle where theory says, or a step angle that depends on anything but η and λ.
#
# Cards: [the invariances](../questions/foundations/invariances.md),
# [the orthogonal gradient](../questions/backward/orthogonal-gradient.md),
# [weight decay of scale-invariant
# weights](../questions/regularization/weight-decay-of-scale-invariant-weights.md).
# To write it: `pytest solutions/scale_invariance`.

# %% tags=["setup"]
import lab
import numpy as np
import torch
from torch.nn import functional

SEEDS = lab.seeds(5)

# %% [markdown]
# ## The invariance, and where ε ends it
#
# The exercise's reference gives both gradients, at W and at a·W. With ε next to nothing their
# ratio is 1/a to the last digits. ε stands beside the variance of Wu, which is a² of what it was:
# for a small a it takes over.

# %%
weight_gradients = lab.reference("scale_invariance").weight_gradients
SCALES = (1e-3, 1e-2, 0.1, 1, 10, 100)


def gradient_ratio(seed, scale, eps):
    """a·‖gradient at aW‖ / ‖gradient at W‖: 1 where the invariance holds."""
    random = np.random.default_rng(seed)
    w, x, dy = (random.standard_normal(shape) for shape in ((8, 16), (64, 16), (64, 8)))
    w /= np.linalg.norm(w, axis=1, keepdims=True)  # so the variance of Wu is about 1
    at_w, at_scaled = weight_gradients(w, x, dy, scale, eps)
    return scale * np.linalg.norm(at_scaled) / np.linalg.norm(at_w)


ratios = {
    eps: np.array([[gradient_ratio(seed, a, eps) for a in SCALES] for seed in SEEDS])
    for eps in (1e-12, 1e-5)
}
print("a" + " " * 13 + "".join(f"{a:>10g}" for a in SCALES))
for eps, runs in ratios.items():
    print(f"ε = {eps:<10g}" + "".join(f"{ratio:10.4f}" for ratio in runs.mean(0)))

# %% [markdown]
# ## What follows for training
#
# The loss does not change along W, so the gradient is perpendicular to W, and each step makes W
# longer: ‖W‖² grows by η²‖g‖². Weight decay takes 2ηλ‖W‖² away. With g = g̃/‖W‖, where g̃ is the
# gradient at length 1, the two are equal at
#
# $$ \|W\|^4 = \frac{\eta\,\mathrm{E}\|\tilde g\|^2}{2\lambda}, \qquad
# \text{angle per step} = \frac{\eta\|g\|}{\|W\|} = \sqrt{2\eta\lambda}. $$
#
# The angle has neither the data nor the network in it. To see it, the gradient must not fade: a
# fifth of the labels is random and drawn anew in every batch. Two of the settings share ηλ and
# nothing else. Four settings and five seeds run at once.

# %%
SETTINGS = ((0.5, 0.0), (0.5, 0.01), (0.1, 0.05), (0.5, 0.04))  # (η, λ)
WIDTH, BATCH, STEPS = 64, 64, 1500
data = [lab.digits(seed) for seed in SEEDS]
x_train = torch.stack([split[0].flatten(1) for split in data])
y_train = torch.stack([split[1] for split in data])


def normalized(z):
    var, mean = torch.var_mean(z, dim=-2, correction=0, keepdim=True)
    return (z - mean) / (var + 1e-5).sqrt()


def forward(x, parameters):
    """Two layers with batch norm and ReLU, γ and β each, and a linear head."""
    w1, gamma1, beta1, w2, gamma2, beta2, head = parameters
    x = (normalized(x @ w1) * gamma1 + beta1).relu()
    x = (normalized(x @ w2) * gamma2 + beta2).relu()
    return x @ head


def start():
    draws = [torch.Generator().manual_seed(seed) for seed in SEEDS]

    def weight(*shape):
        drawn = torch.stack([torch.randn(*shape, generator=draw) for draw in draws]) / 8
        return drawn.expand(len(SETTINGS), *drawn.shape).clone()

    zeros = torch.zeros(len(SETTINGS), len(SEEDS), 1, WIDTH)
    affine = [(zeros + 1, zeros.clone()) for _ in range(2)]
    return [weight(64, WIDTH), *affine[0], weight(WIDTH, WIDTH), *affine[1], weight(WIDTH, 10)]


def lengths(tensor):
    return tensor.flatten(2).norm(dim=2)


parameters = [p.requires_grad_() for p in start()]
rate, decay = torch.tensor(SETTINGS).T[..., None, None, None]
length, angle, unit_gradient = torch.empty(3, STEPS, len(SETTINGS), len(SEEDS))
random = torch.Generator().manual_seed(SEEDS[0])
for step in lab.progress(range(STEPS), "SGD"):
    rows = torch.randint(x_train.shape[1], (len(SEEDS), BATCH), generator=random)
    x = x_train.take_along_dim(rows[..., None], 1)
    y = y_train.take_along_dim(rows, 1)
    noise = torch.rand(y.shape, generator=random) < 0.2
    y = torch.where(noise, torch.randint(10, y.shape, generator=random), y)
    logits = forward(x, parameters)
    y = y.expand(logits.shape[:-1])
    loss = functional.cross_entropy(logits.flatten(0, 2), y.flatten(), reduction="sum") / BATCH
    gradients = torch.autograd.grad(loss, parameters)
    with torch.no_grad():
        before = parameters[3].clone()
        length[step] = lengths(before)
        unit_gradient[step] = lengths(gradients[3]) * length[step]
        for p, gradient in zip(parameters, gradients, strict=True):
            # Only what batch norm makes scale invariant is decayed.
            p -= rate * (gradient + (decay * p if p is parameters[0] or p is parameters[3] else 0))
        cosine = functional.cosine_similarity(before.flatten(2), parameters[3].flatten(2), dim=2)
        angle[step] = cosine.clamp(max=1).acos()

# %% [markdown]
# ## Where it settles
#
# W is the second layer's weight. The mean over the second half of the training is compared with
# theory, which takes E‖g̃‖² from the run for the length, and nothing from it for the angle.

# %%
settled = slice(STEPS // 2, STEPS)
eta, lam = torch.tensor(SETTINGS).T[..., None]
theory_length = (eta * unit_gradient[settled].square().mean(0) / (2 * lam)) ** 0.25
theory_angle = (2 * eta * lam).sqrt().flatten()
seen_length, seen_angle = length[settled].mean(0), angle[settled].mean(0)
print(f"{'η':>5}{'λ':>6}{'‖W‖ at 0':>10}{'settled':>13}{'theory':>8}{'angle':>16}{'theory':>8}")
for k, (eta_k, lam_k) in enumerate(SETTINGS):
    cells = f"{eta_k:5g}{lam_k:6g}{length[0, k].mean():10.2f}"
    cells += f"{seen_length[k].mean():7.3f}±{seen_length[k].std():.3f}"
    cells += f"{theory_length[k].mean():8.3f}" if lam_k else f"{'grows':>8}"
    cells += f"{seen_angle[k].mean():10.4f}±{seen_angle[k].std():.4f}"
    print(cells + (f"{theory_angle[k]:8.4f}" if lam_k else f"{'falls':>8}"))

# %%
POINTS = np.linspace(0, STEPS - 1, 16).astype(int)


def smooth(values):
    """Means over 50 steps around each point, (seeds, points)."""
    around = [values[max(0, p - 25) : p + 25].mean(0) for p in POINTS]
    return torch.stack(around, dim=1)


def draw(fig):
    scales, norms, angles = fig.subplots(1, 3)
    for eps, runs in ratios.items():
        lab.errorbars(scales, SCALES, runs, f"ε = {eps:g}")
    scales.set(xscale="log", xlabel="a", title="a·‖∇(aW)‖ / ‖∇(W)‖")
    scales.legend()
    for k, (eta_k, lam_k) in enumerate(SETTINGS):
        label = f"η = {eta_k:g}, λ = {lam_k:g}"
        line = lab.errorbars(norms, POINTS, smooth(length[:, k]), label)
        colour = line[0].get_color()
        lab.errorbars(angles, POINTS, smooth(angle[:, k]), label)
        if lam_k:
            norms.axhline(theory_length[k].mean(), color=colour, lw=0.8, ls=(0, (1, 2)))
            angles.axhline(theory_angle[k], color=colour, lw=0.8, ls=(0, (1, 2)))
    norms.set(xlabel="step", yscale="log", title="‖W‖; dotted: theory")
    norms.set_yticks([1, 2, 4, 8], ["1", "2", "4", "8"])
    norms.minorticks_off()
    angles.set(xlabel="step", yscale="log", title="angle per step; dotted: √(2ηλ)")
    angles.set_yticks([0.01, 0.03, 0.1, 0.2], ["0.01", "0.03", "0.1", "0.2"])
    angles.minorticks_off()
    fig.legend(*norms.get_legend_handles_labels(), loc="outside lower center", ncols=4)


lab.figure(
    draw,
    "Left: the gradient ratio is 1 for every scale with a tiny epsilon and falls for small scales "
    "with 1e-5. Middle and right: length of W and angle per step over training settle on the "
    "dotted lines of theory; without weight decay the length grows and the angle falls.",
    size=(10, 3.8),
)

# %% [markdown]
# ## What to read from it
#
# - **Without decay** the length grows, and with η constant the angle falls: the effective learning
#   rate anneals itself.
# - **With decay** the angle forgets where it started and what is learned. η = 0.5, λ = 0.01 and
#   η = 0.1, λ = 0.05 turn W by the same angle per step, with lengths that differ by a factor of 2.
# - **Tuning λ is tuning a learning rate** for such a layer. It acts after about 1/(2ηλ) steps, when
#   the length has followed.
# - **ε ends it.** At a = 0.001 the variance of a·Wu is 10⁻⁶, and ε = 10⁻⁵ is ten times that. Large
#   decay drives W there.
#
# ## Try it
#
# 1. Multiply the start of W by 5. Predict length and angle at the end, with and without decay.
# 2. Set η = 0.05, λ = 0.1. Which of the two lines does its angle join?
# 3. Let the learning rate drop by 10 in the middle of the run. Predict the angle right after the
#    drop and, 1/(2ηλ) steps later, at its new rest.
#
# ## Verdict

# %%
decayed = slice(1, None)
off_length = (seen_length / theory_length - 1)[decayed].abs().max().item()
off_angle = (seen_angle[decayed].mean(1) / theory_angle[decayed] - 1).abs().max().item()
pair = (seen_angle[1].mean() / seen_angle[2].mean()).item()
off_scale = np.abs(ratios[1e-12][:, SCALES.index(0.1) :] - 1).max()
at_small_scale = ratios[1e-5][:, 0].mean()
lab.verdict(
    "Behind batch norm weight decay sets the effective learning rate.",
    f"Length and angle settle within {100 * off_length:.1f} % and {100 * off_angle:.1f} % of "
    f"theory, equal ηλ gives angles in the ratio {pair:.3f}, and without decay ‖W‖ grows from "
    f"{length[0, 0].mean():.1f} to {length[-1, 0].mean():.1f}; with ε = 1e-5 the gradient's ratio "
    f"at a = 0.001 is {at_small_scale:.2f} and not 1.",
    "yes",
    worst_length_error=off_length,
    worst_angle_error=off_angle,
    angle_ratio_at_equal_product=pair,
    gradient_ratio_at_small_scale=at_small_scale,
)
assert off_scale < 1e-8, off_scale
assert 0.15 < at_small_scale < 0.5, at_small_scale
assert off_length < 0.04, off_length
assert off_angle < 0.04, off_angle
assert abs(pair - 1) < 0.02, pair
assert (length[-1, 0] > 1.15 * length[0, 0]).all()
assert (angle[-50:, 0].mean(0) < 0.6 * angle[:50, 0].mean(0)).all()
