"""How fast the Triton kernels are on a GPU, beside torch: `python benchmarks/triton_bn.py`.

Beside torch eager and torch.compile, as a fraction of what a copy of the same bytes reaches.
Without a GPU it says so and measures nothing. `--attempt` times solutions/triton_bn/attempt.py.
"""

import argparse
import importlib.util
import os
import statistics
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
SHAPES = ((32, 64, 56, 56), (64, 256, 14, 14), (256, 256, 56, 56))
DTYPES = ("float32", "bfloat16")
ROWS = []  # for the table of all benchmarks


def main():
    """Measure, print the table and write it, or say why not."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--attempt", action="store_true", help="time your own")
    options = parser.parse_args()
    if reason := why_not():
        print(f"{reason} Nothing was measured.")
        return
    os.environ.pop("TRITON_INTERPRET", None)  # read when Triton is imported
    text = "\n".join(report(load("attempt" if options.attempt else "reference"))) + "\n"
    print(text)
    if not options.attempt:
        import headlines

        (ROOT / "benchmarks" / "triton_bn.md").write_text(text, encoding="utf-8")
        headlines.note("triton_bn", ROWS)


def why_not():
    """Why nothing can be measured here, or ""."""
    for package in ("torch", "triton"):
        if importlib.util.find_spec(package) is None:
            return f"{package} is not installed."
    import torch

    return "" if torch.cuda.is_available() else f"torch {torch.__version__} finds no GPU here."


def load(name):
    """An implementation of triton_bn as a module."""
    file = ROOT / "solutions" / "triton_bn" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"triton_bn_{name}", file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def report(module):
    """The lines of the table."""
    import torch
    import triton

    device = torch.cuda.get_device_properties(0)
    yield "# How fast batch norm is on a GPU"
    yield ""
    yield (
        f"{device.name}, {device.total_memory / 2**30:.0f} GiB, last cache "
        f"{device.L2_cache_size / 2**20:.0f} MiB; torch {torch.__version__}, Triton "
        f"{triton.__version__}, CUDA {torch.version.cuda}."
    )
    yield (
        "Training, with running statistics; medians, the cache emptied before each call. A "
        "fraction is that of the copy's bandwidth, where the bytes are those that must move: x and "
        "y forward, x, dy and dx backward. Statistics need a trip of their own: what does not "
        "fit the last cache cannot pass 2/3 forward and 3/5 backward."
    )
    for shape in SHAPES:
        for dtype in DTYPES:
            yield from table(module, shape, getattr(torch, dtype))


def table(module, shape, dtype):
    """The rows of one shape and dtype."""
    import torch

    torch.manual_seed(0)
    c = shape[1]
    x = (torch.randn(shape, device="cuda") * 2 + 1).to(dtype).requires_grad_()
    dy = torch.randn(shape, device="cuda").to(dtype)
    weight, bias = ((torch.randn(c, device="cuda") + 1).requires_grad_() for _ in range(2))
    mean, var = torch.zeros(c, device="cuda"), torch.ones(c, device="cuda")

    def eager(x, weight, bias):
        return torch.nn.functional.batch_norm(x, mean, var, weight, bias, True)

    def ours(x, weight, bias):
        return module.batch_norm_triton(x, weight, bias, running_mean=mean, running_var=var)

    torch.compiler.reset()
    calls = {"torch eager": eager, "torch.compile": torch.compile(eager), "Triton": ours}
    leaves = (x, weight, bias)
    prove(calls, leaves, dy)
    size = x.numel() * x.element_size()
    room = torch.empty_like(x)
    copy = milliseconds(lambda: room.copy_(x))
    yield ""
    yield f"## {shape}, {dtype}"
    yield ""
    yield f"The copy takes {copy:.3f} ms, {2 * size / copy / 1e6:.0f} GB/s."
    yield ""
    yield "| | forward: ms | x torch | fraction | backward: ms | x torch | fraction |"
    yield "|---|---|---|---|---|---|---|"
    base = None
    for name, call in calls.items():
        y = call(*leaves)
        with torch.no_grad():
            forward = milliseconds(lambda call=call: call(*leaves))
        backward = milliseconds(lambda y=y: torch.autograd.grad(y, leaves, dy, retain_graph=True))
        base = base or (forward, backward)
        if name == "Triton":
            ratios = f"{forward / base[0]:.2f} and {backward / base[1]:.2f}"
            ROWS.append((f"Triton, forward and backward, {shape}, {dtype} / torch", ratios, ""))
        yield (
            f"| {name} | {forward:.3f} | {forward / base[0]:.2f} | {copy / forward:.2f} "
            f"| {backward:.3f} | {backward / base[1]:.2f} | {1.5 * copy / backward:.2f} |"
        )


def prove(calls, leaves, dy):
    """Stop unless every rival gives the float64 answer: a wrong answer has no speed."""
    import torch

    wide = [leaf.detach().double().requires_grad_() for leaf in leaves]
    y = torch.nn.functional.batch_norm(wide[0], None, None, wide[1], wide[2], True)
    right = [y.detach(), *torch.autograd.grad(y, wide, dy.double())]
    digits = 1e-4 if leaves[0].dtype == torch.float32 else 2e-2
    for name, call in calls.items():
        mine = call(*leaves)
        found = [mine.detach(), *torch.autograd.grad(mine, leaves, dy)]
        for one, other in zip(found, right, strict=True):
            off = ((one.double() - other).abs().max() / other.abs().max()).item()
            assert off < digits, f"{name} is off by {off:.1e}"


def milliseconds(call):
    """The median of many calls; the cache is emptied between them."""
    from triton.testing import do_bench

    return statistics.median(do_bench(call, warmup=50, rep=200, return_mode="all"))


if __name__ == "__main__":
    main()
