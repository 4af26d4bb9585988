"""The exercises on speed: the second reference, what an attempt may load, and the benchmarks."""

import importlib.util
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from bnbank import exercise as exercises
from bnbank.arrays import normal
from bnbank.grade import grade

needs_numba = pytest.mark.skipif(
    importlib.util.find_spec("numba") is None, reason="numba is not installed"
)
needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="torch is not installed"
)
needs_triton = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None, reason="triton is not installed"
)


@pytest.fixture
def fast_bn2d(root):
    return exercises.get(root, "fast_bn2d")


@needs_numba
def test_the_second_reference_gives_torchs_answers(fast_bn2d):
    graded = grade(fast_bn2d, fast_bn2d.folder / "reference_numba.py", seconds=300)
    assert graded.solved, graded.text()


@needs_numba
def test_the_second_reference_has_the_contracts_signatures(fast_bn2d, tmp_path):
    import inspect

    one = exercises.import_file(fast_bn2d.reference, "fast_bn2d_numpy")
    other = _numba_reference(fast_bn2d, tmp_path)
    for name in ("batch_norm_2d", "batch_norm_2d_backward"):
        assert inspect.signature(getattr(one, name)) == inspect.signature(getattr(other, name))


@needs_numba
def test_two_threads_give_what_one_gives(fast_bn2d, tmp_path):
    module = _numba_reference(fast_bn2d, tmp_path)
    x, dy = (normal(5, 13, 40, 41, seed=seed, dtype=np.float32) for seed in (0, 1))
    weight = normal(13, mean=2, dtype=np.float32)
    found = []
    for module.THREADS in (1, 2):
        y = module.batch_norm_2d(x, weight, None)
        found.append((y, *module.batch_norm_2d_backward(dy, x, weight)))
    assert all(np.array_equal(one, other) for one, other in zip(*found, strict=True))


def _numba_reference(exercise, tmp_path):
    import numba

    numba.config.CACHE_DIR = str(tmp_path)
    return exercises.import_file(exercise.folder / "reference_numba.py", "fast_bn2d_numba")


def test_raw_moments_are_refused(fast_bn2d, tmp_path):
    source = fast_bn2d.reference.read_text(encoding="utf-8")
    raw = source.replace(
        "np.subtract(x, _written_out(_sums(x[:1]) / x.shape[2], d), out=d)", "np.copyto(d, x)"
    )
    assert raw != source
    attempt = tmp_path / "attempt.py"
    attempt.write_text(raw, encoding="utf-8")
    graded = grade(fast_bn2d, attempt)
    assert graded.verdicts["survives_a_mean_of_10000"].state == "differs"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("import torch", "imports torch"),
        ("import scipy", "imports scipy"),
        ("import ctypes; ctypes.CDLL(None)", "loads a C library"),
        ("import subprocess; subprocess.run(['true'])", "starts another process"),
    ],
)
def test_what_numba_may_do_the_attempt_may_not(fast_bn2d, tmp_path, line, reason):
    attempt = tmp_path / "attempt.py"
    attempt.write_text(f"{line}\n", encoding="utf-8")
    assert reason in grade(fast_bn2d, attempt).run.stopped


@needs_torch
def test_the_benchmarks_rivals_give_torchs_answers(root):
    command = [sys.executable, root / "benchmarks" / "speed.py", "--child", "1", "--rounds", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    times = json.loads(done.stdout.splitlines()[-1])["times"]
    assert len(times) == 2
    for passes in times.values():
        assert {"naive", "NumPy, few passes", "torch"} <= set(passes["forward"])
        assert set(passes["forward"]) == set(passes["backward"])


@needs_torch
def test_an_attempt_is_timed_only_if_it_is_there_and_correct(root, bank):
    for folder in ("solutions/fast_bn2d", "tests/graders", "tests/answers", "benchmarks"):
        (bank / folder).mkdir(exist_ok=True)
    for file in (
        "solutions/fast_bn2d/starter.py", "solutions/fast_bn2d/reference.py",
        "solutions/fast_bn2d/mistakes.toml", "tests/graders/fast_bn2d.py",
        "tests/answers/fast_bn2d.npz", "benchmarks/speed.py",
    ):  # fmt: skip
        (bank / file).write_bytes((root / file).read_bytes())
    command = [sys.executable, bank / "benchmarks" / "speed.py", "--attempt"]
    missing = subprocess.run(command, capture_output=True, text=True)
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "There is no solutions/fast_bn2d/attempt.py yet" in missing.stderr
    starter = (bank / "solutions/fast_bn2d/starter.py").read_text(encoding="utf-8")
    (bank / "solutions/fast_bn2d/attempt.py").write_text(starter, encoding="utf-8")
    wrong = subprocess.run(command, capture_output=True, text=True)
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert "It is timed once it is correct" in wrong.stderr


def test_without_a_gpu_nothing_is_measured(root):
    command = [sys.executable, root / "benchmarks" / "triton_bn.py"]
    hidden = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, capture_output=True, text=True, env=hidden, check=True)
    assert "Nothing was measured" in done.stdout


COMPILE = """
import importlib.util, sys, triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

spec = importlib.util.spec_from_file_location("kernels", sys.argv[1])
kernels = importlib.util.module_from_spec(spec)
sys.modules["kernels"] = kernels
spec.loader.exec_module(kernels)
types = dict.fromkeys(("c", "length", "m", "parts", "size"), "i32")
types |= {"eps": "fp32", "momentum": "fp32"}
constants = {"BLOCK": kernels.BLOCK, "PARTS": kernels.PARTS}
compiled = 0
for dtype, missing in (("bf16", ()), ("fp32", ("weight", "bias", "running_mean", "running_var"))):
    types |= dict.fromkeys(("x", "y", "dy", "dx"), f"*{dtype}")
    for kernel in vars(kernels).values():
        if not isinstance(kernel, triton.runtime.JITFunction):
            continue
        given = {**constants, **dict.fromkeys(missing)}
        signature = {
            name: "constexpr" if name in given else types.get(name, "*fp32")
            for name in kernel.arg_names
        }
        fixed = {(i,): given[n] for i, n in enumerate(kernel.arg_names) if n in given}
        source = ASTSource(fn=kernel, signature=signature, constexprs=fixed)
        assert triton.compile(source, target=GPUTarget("cuda", 90, 32)).asm["cubin"]
        compiled += 1
print(compiled)
"""


@needs_torch
@needs_triton
def test_the_kernels_compile_for_a_gpu(root, tmp_path):
    """The interpreter takes more than the compiler does; no GPU is needed to compile for one."""
    environment = os.environ | {"TRITON_INTERPRET": "0", "TRITON_CACHE_DIR": str(tmp_path)}
    file = root / "solutions" / "triton_bn" / "reference.py"
    done = subprocess.run(
        [sys.executable, "-c", COMPILE, file], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == 10
