"""What the notebooks share: seeds, data, figures in both colour schemes, and the verdict.

Importing it sets one thread. The networks here are tiny: a second thread makes them slower, and
sums that are split among threads depend on how many there are.
"""

import os

for _name in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{_name}_NUM_THREADS", "1")

import importlib.util  # noqa: E402
import io  # noqa: E402
import json  # noqa: E402
from pathlib import Path  # noqa: E402

import matplotlib  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from cycler import cycler  # noqa: E402
from IPython.display import Markdown, display  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from tqdm import tqdm  # noqa: E402

torch.set_num_threads(1)

ROOT = Path(__file__).resolve().parent.parent

# Colours of Okabe and Ito, told apart by people who see red and green alike, and never alone:
# each comes with a marker and a line of its own.
_LINES = cycler(marker=list("osD^vX")) + cycler(
    linestyle=["-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1))]
)
_SCHEMES = {
    "light": ("#1b1b1f", ["#0072b2", "#c04f00", "#00765a", "#a4508b", "#8a6d00", "#444444"]),
    "dark": ("#e4e4ea", ["#56b4e9", "#ee9a3a", "#2fc79d", "#e093c2", "#f0e442", "#bbbbbb"]),
}
_figures = 0


def seeds(n=5):
    """n seeds, different for each base seed `$BNBANK_SEED` (0)."""
    base = int(os.environ.get("BNBANK_SEED", 0))
    return [1000 * base + i for i in range(n)]


def digits(seed, n=None):
    """scikit-learn's 1797 handwritten digits, 8 by 8, split at random into training and test.

    seed    of the split.
    n       images to train with, 1437 if left out; 360 others are the test set, always.

    Returns x_train (n, 1, 8, 8), y_train (n,), x_test (360, 1, 8, 8), y_test (360,): x float32,
    shifted and scaled by the mean and the standard deviation of all pixels; y int64.
    """
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    x = torch.tensor((x - x.mean()) / x.std(), dtype=torch.float32).reshape(-1, 1, 8, 8)
    y = torch.tensor(y)
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))
    test, train = order[:360], order[360:][:n]
    return x[train], y[train], x[test], y[test]


def all_digits(seeds, n=None):
    """`digits` of every seed, stacked: x_train (S, n, 1, 8, 8), y_train (S, n), and so the test."""
    return [torch.stack(parts) for parts in zip(*[digits(s, n) for s in seeds], strict=True)]


def batches(seeds, n, size, steps):
    """Which images each network sees at each step: every epoch in a new order, all images once.

    seeds   one per network: equal seeds give equal orders.
    n       images of each network.
    size    of a batch; images that do not fill one are left out of that epoch.

    Yields `steps` tensors (len(seeds), size), for `take`.
    """
    random = [torch.Generator().manual_seed(seed) for seed in seeds]
    for step in range(steps):
        first = step % (n // size) * size
        if first == 0:
            order = torch.stack([torch.randperm(n, generator=g) for g in random])
        yield order[:, first : first + size]


def take(x, chosen):
    """Of x (S, n, ...) what is chosen (S, size) for each of the S networks: (S, size, ...)."""
    return x[torch.arange(len(x))[:, None], chosen]


class Ensemble:
    """Networks of one kind that train side by side, each as if it were alone.

    make    a function that returns a network (a torch module); called once per seed.
    seeds   one per network, given to torch before `make`.

    `torch.vmap` makes one batched product of S linear layers and one grouped convolution of S
    convolutions, so that S small networks cost far less than S times one.
    `parameters` and `buffers` are {name: (S, ...)}; batch norm updates its buffers in there.
    """

    def __init__(self, make, seeds):
        models = []
        for seed in seeds:
            torch.manual_seed(seed)
            models.append(make())
        self.model = models[0]  # its code is used; its numbers are not
        self.parameters, self.buffers = torch.func.stack_module_state(models)
        self._moving = {name: torch.zeros_like(p) for name, p in self.parameters.items()}

    def __call__(self, x):
        """Outputs (S, N, ...) for inputs x (S, N, ...)."""

        def one(parameters, buffers, x):
            return torch.func.functional_call(self.model, (parameters, buffers), (x,))

        return torch.vmap(one, randomness="different")(self.parameters, self.buffers, x)

    def losses(self, x, y):
        """Cross-entropy of each network, (S,), on its own x (S, N, ...) and labels y (S, N)."""
        each = torch.nn.functional.cross_entropy(
            self(x).flatten(0, 1), y.flatten(), reduction="none"
        )
        return each.unflatten(0, y.shape).mean(1)

    def step(self, x, y, lr, momentum=0.0):
        """One step of SGD in training mode; lr is one number or one per network. Returns losses."""
        self.model.train()
        losses = self.losses(x, y)
        grads = torch.autograd.grad(losses.sum(), list(self.parameters.values()))
        lr = torch.as_tensor(lr, dtype=x.dtype).expand(len(x))
        with torch.no_grad():
            for (name, parameter), grad in zip(self.parameters.items(), grads, strict=True):
                step = grad * lr.view(-1, *[1] * (grad.ndim - 1))
                parameter -= self._moving[name].mul_(momentum).add_(step)
        return losses.detach()

    @torch.no_grad()
    def exact_statistics(self, x):
        """Make the running statistics of all batch norms those of x (S, N, ...), all at once."""
        norms = [m for m in self.model.modules() if hasattr(m, "running_mean")]
        momenta = [norm.momentum for norm in norms]
        self.model.train()
        for norm in norms:
            norm.momentum = 1.0
        self(x)
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum

    @torch.no_grad()
    def accuracy(self, x, y, training=False):
        """The share that each network gets right, (S,); NaN outputs are wrong.

        training    with the statistics of x, which then also go into the running ones; if left
                    out, with the running statistics.
        """
        self.model.train(training)
        outputs = self(x)
        right = (outputs.argmax(2) == y) & outputs.isfinite().all(2)
        return right.float().mean(1)


def progress(iterable, label, total=None):
    """The same items, with a progress bar; total is how many there are, where they have no len."""
    return tqdm(iterable, label, total, ncols=90, mininterval=1)


def reference(id):
    """The module of an exercise's reference, solutions/<id>/reference.py."""
    file = ROOT / "solutions" / id / "reference.py"
    spec = importlib.util.spec_from_file_location(f"reference_{id}", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def figure(draw, alt, size=(7, 3.5)):
    """Show a figure.

    draw    a function of a matplotlib Figure that draws in it; called once per colour scheme.
    alt     what the figure shows, in words, for those who do not see it.
    size    width and height in inches.

    Where `$BNBANK_FIGURES` names a folder, both schemes are written there as `<n>-light.svg` and
    `<n>-dark.svg`, transparent, and the output names both; elsewhere the light one is shown.
    """
    global _figures
    _figures += 1
    folder = os.environ.get("BNBANK_FIGURES")
    if folder is None:
        image = io.BytesIO()
        _drawn(draw, size, "light").savefig(image, format="png", dpi=150, facecolor="white")
        display(_Picture(image.getvalue(), alt))
        return
    lines = []
    for scheme in _SCHEMES:
        file = Path(folder) / f"{_figures}-{scheme}.svg"
        file.parent.mkdir(parents=True, exist_ok=True)
        _drawn(draw, size, scheme).savefig(file, transparent=True, metadata={"Date": None})
        lines.append(f"![{alt}]({file.parent.name}/{file.name}#only-{scheme})")
    display(Markdown("\n".join(lines)))


def errorbars(ax, x, runs, label, median=False, **style):
    """Draw one arm of an experiment: a point per x with what the seeds make of it.

    runs    (seeds, len(x)); NaN where a run has no value.
    median  the median with quartiles; if left out, the mean with the standard deviation.
    style   what else matplotlib's errorbar is to be told; colour, marker and line come by turns.
    """
    runs = np.asarray(runs, dtype=float)
    if median:
        low, middle, high = np.nanquantile(runs, [0.25, 0.5, 0.75], axis=0)
        spread = np.stack([middle - low, high - middle])
    else:
        middle, spread = np.nanmean(runs, axis=0), np.nanstd(runs, axis=0, ddof=1)
    return ax.errorbar(x, middle, spread, label=label, **style)


def verdict(claim, sentence, reproduces, **numbers):
    """Say what came out: the last words of a notebook, and a row of the table of claims.

    claim       what is claimed, in one sentence.
    sentence    what the runs say to it, in one sentence with its numbers.
    reproduces  "yes", "partly" or "no".
    numbers     what the sentence rests on, by name.

    Where `$BNBANK_RESULTS` names a file, all of it is written there, with the processor seconds
    that the notebook took.
    """
    if reproduces not in ("yes", "partly", "no"):
        raise ValueError(f"reproduces is 'yes', 'partly' or 'no', not {reproduces!r}")
    display(_Verdict(claim, sentence, reproduces))
    if file := os.environ.get("BNBANK_RESULTS"):
        numbers = {name: float(f"{float(value):.4g}") for name, value in numbers.items()}
        result = {"claim": claim, "reproduces": reproduces, "sentence": sentence}
        result |= {"numbers": numbers, "seconds": round(sum(os.times()[:4]), 1)}
        text = json.dumps(result, ensure_ascii=False, indent=1)
        Path(file).write_text(text + "\n", encoding="utf-8")


class _Picture:
    """A PNG that Jupyter shows and plain Python describes."""

    def __init__(self, data, alt):
        self.data, self.alt = data, alt

    def _repr_png_(self):
        return self.data

    def __repr__(self):
        return f"[figure: {self.alt}]"


class _Verdict:
    """A verdict that Jupyter sets in bold and plain Python prints."""

    ANSWERS = {"yes": "Reproduces", "partly": "Reproduces partly", "no": "Does not reproduce"}

    def __init__(self, claim, sentence, reproduces):
        self.lines = {"Claim": claim, self.ANSWERS[reproduces]: sentence}

    def _repr_markdown_(self):
        return "\n>\n".join(f"> **{head}.** {text}" for head, text in self.lines.items())

    def __repr__(self):
        return "\n".join(f"{head}. {text}" for head, text in self.lines.items())


def _drawn(draw, size, scheme):
    ink, colours = _SCHEMES[scheme]
    look = {
        "axes.edgecolor": ink,
        "axes.grid": True,
        "axes.labelcolor": ink,
        "axes.prop_cycle": cycler(color=colours) + _LINES,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlesize": 10,
        "axes.titlelocation": "left",
        "errorbar.capsize": 2.5,
        "font.size": 9,
        "grid.alpha": 0.18,
        "grid.color": ink,
        "grid.linewidth": 0.8,
        "legend.frameon": False,
        "lines.linewidth": 1.5,
        "lines.markersize": 4.5,
        "svg.hashsalt": "bnbank",
        "text.color": ink,
        "xtick.color": ink,
        "ytick.color": ink,
    }
    with matplotlib.rc_context(look):
        fig = Figure(figsize=size, layout="constrained")
        draw(fig)
        fig.canvas.draw()
    return fig
