"""How fast batch norm is: plain, fast_bn2d's references, torch. `python benchmarks/speed.py`
writes the table to benchmarks/speed.md; `--attempt` times solutions/fast_bn2d/attempt.py instead,
once it is graded as correct.

float32. Rivals run in turn in one process, in an order drawn for each round, so that a machine that
slows down slows them all; every number of threads has a process of its own. One thread is judged:
with two, whatever else runs on the machine decides.
"""

import argparse
import gc
import importlib.util
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "solutions" / "fast_bn2d"
SHAPES = ((32, 64, 56, 56), (64, 256, 14, 14))
THREADS = (1, 2)
ROUNDS = 40
FLOOR, TORCH = "copy of the bytes that must move", "torch"
# At most so many times torch's time on one thread: rival -> (forward, backward).
GOALS = {"NumPy, few passes": (0.7, 1.7), "numba": (0.35, 0.9)}


def main():
    """Measure, print the tables and, unless it is for an attempt, write them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--attempt", action="store_true", help="time your own, beside torch")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        measure_all(options.child, options.attempt, options.rounds)
        return
    if options.attempt:
        refuse_a_wrong_attempt()
    found = {threads: in_a_process(threads, options) for threads in THREADS}
    text = "\n".join(report(found, options)) + "\n"
    print(text)
    if not options.attempt:
        (ROOT / "benchmarks" / "speed.md").write_text(text, encoding="utf-8")


def refuse_a_wrong_attempt():
    """Exit with the verdict unless the attempt is correct: a wrong answer has no speed."""
    sys.path.insert(0, str(ROOT))
    from bnbank import exercise as exercises
    from bnbank.grade import grade

    exercise = exercises.get(ROOT, "fast_bn2d")
    if not exercise.attempt.is_file():
        sys.exit("There is no solutions/fast_bn2d/attempt.py yet. Begin: bnbank practice fast_bn2d")
    graded = grade(exercise, exercise.attempt)
    if not graded.solved:
        sys.exit(f"{graded.text()}\nIt is timed once it is correct.")


def in_a_process(threads, options):
    """What `measure_all` finds with that many threads."""
    names = ("OMP", "OPENBLAS", "MKL", "NUMBA")
    many = {f"{name}_NUM_THREADS": str(threads) for name in names}
    command = [sys.executable, __file__, "--child", str(threads), "--rounds", str(options.rounds)]
    command += ["--attempt"] * options.attempt
    done = subprocess.run(command, env=os.environ | many, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure_all(threads, attempt, rounds):
    """Print {shape: {pass: {rival: times}}} as JSON."""
    import torch

    torch.set_num_threads(int(threads))
    found = {"on": machine(), "times": {}}
    for shape in SHAPES:
        forward, backward = rivals(shape, int(threads), attempt)
        found["times"][str(shape)] = {
            "forward": interleaved(forward, rounds),
            "backward": interleaved(backward, rounds),
        }
    print(json.dumps(found))


def machine():
    """What it ran on."""
    import numpy as np
    import torch

    versions = [f"Python {platform.python_version()}", f"NumPy {np.__version__}"]
    versions += [f"torch {torch.__version__}"]
    if importlib.util.find_spec("numba"):
        import numba

        versions += [f"numba {numba.__version__}"]
    else:
        versions += ["without numba"]
    return f"{processor()}, {os.cpu_count()} cores, {platform.system()}; {', '.join(versions)}"


def processor():
    """Its name, with the size of its last cache where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.partition(":")[2].strip() for line in lines if "model name" in line)
        caches = sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size"))
        return f"{name}, last cache {caches[-1].read_text().strip()}" if caches else name
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def rivals(shape, threads, attempt):
    """({name: call}, {name: call}) of forward and backward, all on the same arrays."""
    import numpy as np
    import torch
    from torch.nn.functional import batch_norm

    generator, c = np.random.default_rng(0), shape[1]
    x = generator.standard_normal(shape, np.float32) * 2 + 1
    dy = generator.standard_normal(shape, np.float32)
    weight, bias = generator.standard_normal((2, c), np.float32) + 1
    room = np.empty_like(x)
    tx, tdy, tw, tb = (torch.from_numpy(array) for array in (x, dy, weight, bias))

    implementations = {} if attempt else {"channel loop": ChannelLoop, "naive": Naive}
    implementations["NumPy, few passes"] = load(FOLDER / "reference.py")
    if importlib.util.find_spec("numba"):
        implementations["numba"] = load(FOLDER / "reference_numba.py")
        implementations["numba"].THREADS = threads
    if attempt:
        implementations["your attempt"] = load(FOLDER / "attempt.py")

    forward, backward = {FLOOR: lambda: np.copyto(room, x)}, {FLOOR: lambda: np.add(x, dy, room)}
    for name, module in implementations.items():
        forward[name] = lambda module=module: module.batch_norm_2d(x, weight, bias)
        backward[name] = lambda module=module: module.batch_norm_2d_backward(dy, x, weight)
    layouts = {TORCH: torch.contiguous_format}
    layouts |= {} if attempt else {"torch, channels last": torch.channels_last}
    for name, layout in layouts.items():
        a, g = tx.contiguous(memory_format=layout), tdy.contiguous(memory_format=layout)
        _, mean, inv_std = torch.native_batch_norm(a, tw, tb, None, None, True, 0.1, 1e-5)
        saved = (tw, None, None, mean, inv_std, True, 1e-5, [True, True, True])
        forward[name] = lambda a=a: batch_norm(a, None, None, tw, tb, True)
        backward[name] = lambda a=a, g=g, saved=saved: torch.ops.aten.native_batch_norm_backward(
            g, a, *saved
        )
    prove(forward, backward, tx, tdy, tw, tb)
    return forward, backward


def prove(forward, backward, x, dy, weight, bias):
    """Stop unless every rival gives the float64 answer: a wrong answer has no speed."""
    import numpy as np
    import torch

    leaves = [tensor.double().requires_grad_() for tensor in (x, weight, bias)]
    y = torch.nn.functional.batch_norm(leaves[0], None, None, leaves[1], leaves[2], True)
    gradients = torch.autograd.grad(y, leaves, dy.double())
    for name in forward:
        if name == FLOOR:
            continue
        found = [forward[name](), *backward[name]()]
        for mine, right in zip(found, (y.detach(), *gradients), strict=True):
            off = np.abs(np.asarray(mine) - right.numpy()).max() / right.abs().max().item()
            assert off < 1e-4, f"{name} is off by {off:.1e}"


def load(file):
    """A Python file as a module."""
    spec = importlib.util.spec_from_file_location(f"speed_{file.stem}", file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def interleaved(calls, rounds):
    """{name: its times}; every round in another order, for each leaves its cache to the next."""
    times, names = {name: [] for name in calls}, list(calls)
    order = random.Random(0)
    gc.collect()
    gc.disable()
    for _ in range(rounds):
        order.shuffle(names)
        for name in names:
            start = time.perf_counter()
            answer = calls[name]()
            times[name].append(time.perf_counter() - start)
            del answer
    gc.enable()
    return times


def report(found, options):
    """The lines of the tables."""
    yield "# How fast batch norm is"
    yield ""
    yield f"{found[THREADS[0]]['on']}."
    yield (
        f"float32, {options.rounds} rounds a process, each in another order. `ms` is the shortest "
        "time; `x torch` the median of the ratios to torch in the same round, with the ratio of "
        "the shortest times in brackets, and the larger of the two is judged; `x floor` the "
        "shortest time over that of the copy. The copy reads x and writes y, in the backward pass "
        "reads x and dy and writes dx, into memory that is there already. torch's backward pass is "
        "given the statistics that its forward pass has stored; the others compute them again. "
        "torch's channels last is less exact: it sums in float32, one value after the other."
    )
    verdicts, rows = [], []
    for index, kind in enumerate(("forward", "backward")):
        for shape in SHAPES:
            times = {t: found[t]["times"][str(shape)][kind] for t in THREADS}
            size = 4 * shape[0] * shape[1] * shape[2] * shape[3] * (2 + index)
            yield ""
            yield f"## {kind}, {shape}, {size / 1e6:.1f} MB to move"
            yield ""
            heads = [f"{t} thr.: ms | x torch | x floor" for t in THREADS]
            yield f"| | {' | '.join(heads)} |"
            yield "|---|" + "---|" * 3 * len(THREADS)
            for name in times[THREADS[0]]:
                cells = [cell for t in THREADS for cell in cells_of(times[t], name)]
                yield f"| {name} | {' | '.join(cells)} |"
            floor = min(times[1][FLOOR])
            yield ""
            yield f"The copy moves {size / floor / 1e9:.0f} GB/s on one thread."
            for name in times[1]:
                goal = GOALS.get(name, GOALS["NumPy, few passes"])[index]
                if name in GOALS or name == "your attempt":
                    ratio = max(ratios_of(times[1], name))
                    said = "met" if ratio <= goal else "missed"
                    verdicts.append(
                        f"- {name}, {kind}, {shape}: {ratio:.2f} of torch's time on one thread; "
                        f"at most {goal}: {said}"
                    )
                    what = f"{name}, {kind}, {shape} / torch, one thread"
                    rows.append((what, f"{ratio:.2f}", f"at most {goal}"))
                    copies = f"{min(times[1][name]) / floor:.1f}"
                    rows.append((f"{name}, {kind}, {shape} / copy of the bytes", copies, ""))
    yield ""
    yield "## Goals"
    yield ""
    yield from verdicts
    if not options.attempt:
        import headlines

        headlines.note("speed", rows)


def ratios_of(times, name):
    """Two ratios to torch: the median of those of each round, and that of the shortest times."""
    pairs = zip(times[name], times[TORCH], strict=True)
    return statistics.median(a / b for a, b in pairs), min(times[name]) / min(times[TORCH])


def cells_of(times, name):
    """Three cells: the shortest time, the ratios to torch and that to the floor."""
    pairs, shortest = ratios_of(times, name)
    mine, floor = min(times[name]), min(times[FLOOR])
    return f"{1e3 * mine:.2f}", f"{pairs:.2f} ({shortest:.2f})", f"{mine / floor:.1f}"


class ChannelLoop:
    """One channel after the other; every derivative of the paper on a line of its own."""

    @staticmethod
    def batch_norm_2d(x, weight, bias, eps=1e-5):
        import numpy as np

        y = np.zeros(x.shape, x.dtype)
        for c in range(x.shape[1]):
            mean, var = x[:, c].mean(), x[:, c].var()
            y[:, c] = weight[c] * (x[:, c] - mean) / np.sqrt(var + np.float32(eps)) + bias[c]
        return y

    @staticmethod
    def batch_norm_2d_backward(dy, x, weight, eps=1e-5):
        import numpy as np

        dx, dweight, dbias = (
            np.zeros(x.shape, x.dtype),
            np.zeros_like(weight),
            np.zeros_like(weight),
        )
        for c in range(x.shape[1]):
            v, g = x[:, c], dy[:, c]
            centred = v - v.mean()
            inv_std = 1 / np.sqrt((centred**2).mean() + np.float32(eps))
            x_hat = centred * inv_std
            dweight[c], dbias[c] = (g * x_hat).sum(), g.sum()
            dx_hat = g * weight[c]
            dvar = (dx_hat * centred).sum() * np.float32(-0.5) * inv_std**3
            dmean = -dx_hat.sum() * inv_std
            dx[:, c] = dx_hat * inv_std + dvar * 2 * centred / v.size + dmean / v.size
        return dx, dweight, dbias


class Naive:
    """All channels at once, the formulas as they are written."""

    @staticmethod
    def batch_norm_2d(x, weight, bias, eps=1e-5):
        mean, var = x.mean((0, 2, 3), keepdims=True), x.var((0, 2, 3), keepdims=True)
        x_hat = (x - mean) / (var + x.dtype.type(eps)) ** x.dtype.type(0.5)
        return weight[:, None, None] * x_hat + bias[:, None, None]

    @staticmethod
    def batch_norm_2d_backward(dy, x, weight, eps=1e-5):
        axes, m = (0, 2, 3), x.dtype.type(x.size // x.shape[1])
        mean, var = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
        inv_std = (var + x.dtype.type(eps)) ** x.dtype.type(-0.5)
        x_hat = (x - mean) * inv_std
        dweight, dbias = (dy * x_hat).sum(axes, keepdims=True), dy.sum(axes, keepdims=True)
        dx = weight[:, None, None] * inv_std * (dy - dbias / m - x_hat * dweight / m)
        return dx, dweight.ravel(), dbias.ravel()


if __name__ == "__main__":
    main()
