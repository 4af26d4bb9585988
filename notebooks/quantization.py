# ---
# jupyter:
#   bnbank:
#     description: Folding saves a rounding; ReLU6 helps where no batch norm bounds the range.
#     cards: [folding-in-quantization-aware-training, per-channel-scales, relu6-and-precision]
#     exercises: [quantize_fused, fuse_conv_bn]
#     sources: [krishnamoorthi2018, jacob2018, sandler2018]
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
# # int8: does folding batch norm help, and does ReLU6?
#
# **Two claims.**
#
# 1. Batch norm should be folded into the convolution before a network is quantized
#    ([`krishnamoorthi2018`](https://arxiv.org/abs/1806.08342);
#    [`jacob2018`](https://arxiv.org/abs/1712.05877)).
# 2. ReLU6 suits low precision better than ReLU: MobileNetV2 uses it "because of its robustness
#    when used with low-precision computation"
#    ([`sandler2018`](https://arxiv.org/abs/1801.04381), section 4).
#
# **What would refute them.** A folded network whose quantized outputs lie no closer to those of the
# float network; and a network with ReLU that quantizes as well as the same with ReLU6.
#
# Two controls: the scale of the weights, one per tensor or one per output channel, since the
# folding changes the weights' ranges; and networks *without* batch norm, where nothing else bounds
# what a ReLU lets through.
#
# Cards: [folding in quantization-aware
# training](../questions/inference/folding-in-quantization-aware-training.md),
# [per-channel scales](../questions/inference/per-channel-scales.md),
# [ReLU6 and precision](../questions/inference/relu6-and-precision.md).
# To write it: `pytest solutions/quantize_fused`, `pytest solutions/fuse_conv_bn`.

# %% tags=["setup"]
import lab
import torch
from torch import nn
from torch.nn import functional

SEEDS = lab.seeds(5)
S, BATCH, EPOCHS = len(SEEDS), 60, 8
BITS = (8, 6, 4)

# %% [markdown]
# ## Four networks, five seeds each
#
# A small MobileNet: depthwise 3×3 and pointwise 1×1 convolutions, each with batch norm (or a bias)
# and ReLU or ReLU6. The seeds stand side by side as groups; no network knows of another.

# %%
data = [lab.digits(seed, n=1200) for seed in SEEDS]
x_train, x_test = (torch.cat([split[k] for split in data], dim=1) for k in (0, 2))
y_train, y_test = (torch.stack([split[k] for split in data], dim=1) for k in (1, 3))
# (inputs, outputs, kernel, stride, depthwise) of one seed
LAYERS = (
    (1, 16, 3, 1, False),
    (16, 16, 3, 2, True),
    (16, 32, 1, 1, False),
    (32, 32, 3, 2, True),
    (32, 32, 1, 1, False),
)


def network(norm, activation):
    """A list of (convolution, batch norm or None, activation), and the last without both."""
    blocks = nn.ModuleList()
    for inputs, outputs, kernel, stride, depthwise in LAYERS:
        groups = S * (inputs if depthwise else 1)
        sizes = S * inputs, S * outputs, kernel, stride, kernel // 2
        conv = nn.Conv2d(*sizes, groups=groups, bias=not norm)
        nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
        bn = nn.BatchNorm2d(S * outputs) if norm else nn.Identity()
        blocks.append(nn.ModuleList([conv, bn, activation()]))
    last = nn.Conv2d(S * LAYERS[-1][1], S * 10, 1, groups=S)
    blocks.append(nn.ModuleList([last, nn.Identity(), nn.Identity()]))
    return blocks


def forward(blocks, x, step=lambda kind, k, values: values):
    """Logits (images, S, 10). `step` sees every tensor that would be stored, and may change it."""
    x = step("input", 0, x)
    for k, (conv, bn, activation) in enumerate(blocks):
        z = conv._conv_forward(x, step("weight", k, conv.weight), conv.bias)
        if isinstance(bn, nn.BatchNorm2d):
            z = bn(step("conv", k, z))
        x = step("output", k, activation(z))
        if k == len(blocks) - 2:
            x = step("pool", k, x.mean((2, 3), keepdim=True))
    return x.reshape(len(x), S, 10)


def train(blocks, rate):
    optimizer = torch.optim.SGD(blocks.parameters(), rate, momentum=0.9)
    steps = EPOCHS * (len(x_train) // BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(x_train)).split(BATCH):
            logits = forward(blocks, x_train[rows])
            loss = S * functional.cross_entropy(logits.flatten(0, 1), y_train[rows].flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return blocks.eval()


NETS = {
    "BN, ReLU": (True, nn.ReLU, 0.1),
    "BN, ReLU6": (True, nn.ReLU6, 0.1),
    "no BN, ReLU": (False, nn.ReLU, 0.05),
    "no BN, ReLU6": (False, nn.ReLU6, 0.05),
}
nets = {}
for name, (norm, activation, rate) in lab.progress(NETS.items(), "training"):
    torch.manual_seed(SEEDS[0])
    nets[name] = train(network(norm, activation), rate)


@torch.no_grad()
def accuracy(logits):
    return 100 * (logits.argmax(-1) == y_test).float().mean(0)


with torch.no_grad():
    exact = {name: forward(net, x_test) for name, net in nets.items()}
for name, logits in exact.items():
    print(f"{name:14}{accuracy(logits).mean():6.1f}±{accuracy(logits).std():.1f} %")


# %% [markdown]
# ## Quantized after training
#
# Weights are rounded symmetrically, with a scale per tensor or per output channel; activations
# between the smallest and the largest value that 600 training images give. Everything is computed
# with the rounded values in float32, which is exact enough to stand for integers.
#
# *Not folded* stores the convolution's output as integers, too, before batch norm reads it. The
# third way keeps that output in float: what is left is the difference in the weights alone.


# %%
def folded(blocks):
    fuse = lab.reference("fuse_conv_bn").fuse_conv_bn
    fused = nn.ModuleList()
    for conv, bn, activation in blocks:
        if isinstance(bn, nn.BatchNorm2d):
            tensors = conv.weight, bn.running_mean, bn.running_var, bn.weight, bn.bias
            kernel, *rest = (tensor.detach().numpy() for tensor in tensors)
            kernel, bias = fuse(kernel, None, *rest, eps=bn.eps)
            stride, padding, groups = conv.stride, conv.padding, conv.groups
            sizes = conv.in_channels, conv.out_channels, conv.kernel_size
            conv = nn.Conv2d(*sizes, stride, padding, groups=groups)
            conv.weight, conv.bias = (nn.Parameter(torch.from_numpy(a)) for a in (kernel, bias))
            bn = nn.Identity()
        fused.append(nn.ModuleList([conv, bn, activation]))
    return fused.eval()


def ranges(blocks):
    """Smallest and largest value of every activation, per seed, on training images."""
    seen = {}

    def look(kind, k, values):
        if kind != "weight":
            by_seed = values.unflatten(1, (S, -1)).transpose(0, 1).flatten(1)
            seen[kind, k] = by_seed.amin(1).clamp(max=0), by_seed.amax(1).clamp(min=0)
        return values

    forward(blocks, x_train[:600], look)
    return seen


def quantizer(bits, per_channel, seen, keep=()):
    """What to hand to `forward` as `step`; the kinds in `keep` stay in float."""

    def step(kind, k, values):
        if kind in keep or (kind, k) == ("output", len(LAYERS)):  # the logits stay
            return values
        if kind == "weight":
            rows = values.flatten(1) if per_channel else values.reshape(S, -1)
            largest = 2 ** (bits - 1) - 1
            scale = rows.abs().amax(1, keepdim=True).clamp(min=1e-12) / largest
            return ((rows / scale).round() * scale).reshape(values.shape)
        low, high = (bound[:, None, None, None] for bound in seen[kind, k])
        scale = (high - low).clamp(min=1e-12) / (2**bits - 1)
        zero = (-low / scale).round()
        x = values.unflatten(1, (S, -1))
        whole = ((x / scale).round() + zero).clamp(0, 2**bits - 1)
        return ((whole - zero) * scale).flatten(1, 2)

    return step


def quality(logits, right):
    """Signal to quantization noise of the logits, in dB, per seed."""
    signal, noise = right.square().sum((0, 2)), (logits - right).square().sum((0, 2))
    return 10 * (signal / noise).log10()


FOLDED, FLOAT_Z, UNFOLDED = "folded", "not folded, float z", "not folded"
SCALES = {"tensor": False, "channel": True}


@torch.no_grad()
def quantized(name):
    """{(way, scale, bits): (dB, accuracy), per seed each}"""
    net = nets[name]
    ways = {FOLDED: (folded(net), ())}
    if NETS[name][0]:
        ways |= {FLOAT_Z: (net, ("conv",)), UNFOLDED: (net, ())}
    found = {}
    for way, (blocks, keep) in ways.items():
        seen = ranges(blocks)
        for scale, per_channel in SCALES.items():
            for bits in BITS:
                logits = forward(blocks, x_test, quantizer(bits, per_channel, seen, keep))
                found[way, scale, bits] = quality(logits, exact[name]), accuracy(logits)
    return found


found = {name: quantized(name) for name in NETS}
print(f"{'dB of the logits (test %)':42}" + "".join(f"{f'int{bits}':>20}" for bits in BITS))
for name, results in found.items():
    for way, scale in dict.fromkeys(key[:2] for key in results):
        cells = [results[way, scale, bits] for bits in BITS]
        words = [f"{q.mean():.1f}±{q.std():.1f} ({a.mean():.1f})" for q, a in cells]
        print(f"{f'{name}, {way}, per {scale}':42}" + "".join(f"{word:>20}" for word in words))


# %%
def draw(fig):
    left, right = fig.subplots(1, 2, sharey=True)
    for k, way in enumerate((FOLDED, FLOAT_Z, UNFOLDED)):
        for scale in SCALES:
            runs = torch.stack([found["BN, ReLU"][way, scale, bits][0] for bits in BITS])
            x = [bits + 0.05 * (2 * k - 2 + (scale == "channel")) for bits in BITS]
            lab.errorbars(left, x, runs.T, f"{way}, per {scale}")
    for k, (name, results) in enumerate(found.items()):
        runs = torch.stack([results[FOLDED, "channel", bits][0] for bits in BITS])
        lab.errorbars(right, [bits + 0.06 * (k - 1.5) for bits in BITS], runs.T, name)
    left.set(title="BN, ReLU: signal / noise of the logits, dB")
    right.set(title="folded, per channel")
    for ax in (left, right):
        ax.set(xlabel="bits", xticks=BITS)
        ax.legend(fontsize=7.5)


lab.figure(
    draw,
    "Left: over the bits, folded and not folded with a float output lie together, not folded lies "
    "4 to 6 dB lower, in both kinds of scale. Right: ReLU and ReLU6 lie together with batch norm; "
    "without batch norm ReLU6 is some dB higher.",
    size=(9.5, 4),
)

# %% [markdown]
# ## What to read from it
#
# - **Folding gains 4 to 6 dB**, about a bit, at every width. It changes the accuracy only where the
#   bits are few: at int8 nothing is lost in any way of doing it.
# - **The reason is one rounding less**, not better weights. With the convolution's output kept in
#   float, the unfolded network is as good: per channel to the last decimal, because a factor per
#   channel scales the grid with the weights; per tensor now the one is ahead and now the other.
# - **ReLU6 does nothing next to batch norm.** Batch norm holds nearly all values below 6 as it is.
# - **Without batch norm it helps**, by 2 to 4 dB: now something else has to bound the range. The
#   price is paid in training, where the float accuracy is no better.
#
# ## Try it
#
# 1. Multiply γ and β of a few channels of one batch norm by 30 and divide the next layer's weights
#    for these channels by 30: with ReLU the float network stays the same. Predict the dB of the
#    folded network, per tensor and per channel.
# 2. Take the 0.1 and 99.9 % quantiles for `ranges`. Which of the four networks gains most?
# 3. Use `BITS = (8, 7, 6, 5, 4)`. How many dB is a bit, and why about 6?
#
# ## Verdict

# %%


def gap(name, other, way, other_way, scale):
    """dB of one over the other, the mean over bits, per seed."""
    pairs = [(found[name][way, scale, b][0], found[other][other_way, scale, b][0]) for b in BITS]
    return torch.stack([a - b for a, b in pairs]).mean(0)


BN, BN6, BARE, BARE6 = NETS
fold_gain = gap(BN, BN, FOLDED, UNFOLDED, "channel")
fold_gain_tensor = gap(BN, BN, FOLDED, UNFOLDED, "tensor")
weights_alone = gap(BN, BN, FOLDED, FLOAT_Z, "channel")
six = gap(BN6, BN, FOLDED, FOLDED, "channel")
six_bare = gap(BARE6, BARE, FOLDED, FOLDED, "channel")
lost_int8 = (accuracy(exact[BN]) - found[BN][UNFOLDED, "tensor", 8][1]).mean()
int4 = (found[BN][FOLDED, "channel", 4][1] - found[BN][UNFOLDED, "channel", 4][1]).mean()
lab.verdict(
    "Fold batch norm before quantizing, and prefer ReLU6.",
    f"Folding gains {fold_gain.mean():.1f} ± {fold_gain.std():.1f} dB per channel, "
    f"{weights_alone.abs().mean():.1f} where the convolution's output stays in float, and "
    f"{int4:.0f} points of accuracy at int4, none at int8; ReLU6 gains "
    f"{six.mean():.1f} ± {six.std():.1f} dB beside batch norm and {six_bare.mean():.1f} ± "
    f"{six_bare.std():.1f} without.",
    "partly",
    fold_gain_db=fold_gain.mean(),
    fold_gain_db_per_tensor=fold_gain_tensor.mean(),
    fold_gain_db_weights_alone=weights_alone.mean(),
    accuracy_gain_int4=int4,
    accuracy_lost_int8_unfolded=lost_int8,
    relu6_gain_db=six.mean(),
    relu6_gain_db_without_bn=six_bare.mean(),
)
# Over four base seeds: 5.8 to 6.2 dB, 0.0 to 0.3 dB beside batch norm, 2.2 to 3.5 dB without.
assert fold_gain.mean() > 4, fold_gain
assert fold_gain_tensor.mean() > 2, fold_gain_tensor
assert weights_alone.abs().max() < 0.5, weights_alone
assert int4 > 4, int4
assert abs(lost_int8) < 1.5, lost_int8
assert abs(six.mean()) < 1.2, six
assert six_bare.mean() > 1, six_bare
