"""What is asked of sync_bn_distributed, by two real processes that torchrun starts.

This file is also what each of the two runs: it waits for jobs, of which every one has the source of
an implementation, its own process group, and shards to normalize. torch's way of answering is one
F.batch_norm on the whole batch, in one process.
"""

import atexit
import builtins
import os
import re
import secrets
import socket
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np

from bnbank.arrays import frozen, normal, refuses, within

LEVEL = "senior"
MINUTES = 60
AFTER = ["sync_bn", "bn_autograd"]
CARD = "sync-batch-norm"
NEEDS = "torch"
ALLOWS = ["subprocess"]
SECONDS = 60  # two processes import torch, and one waits for another that does not come
BANS = [
    "torch.nn.SyncBatchNorm",
    "torch.nn.functional.batch_norm",
    "torch.batch_norm",
    "torch.native_batch_norm",
]

EQUIVALENT_MUTANTS = {
    "ctx.mark_non_differentiable(mean, var, m) -> ctx.mark_non_differentiable(var, mean, m)": (
        "a set: the order says nothing"
    ),
    "return y.unflatten(1, (len(x), *x.shape[2:])).transpose(0, 1).to(x.dtype)"
    " -> return y.unflatten(1, (len(x), *x.shape[2:])).transpose(1, 0).to(x.dtype)": (
        "two axes are swapped, whichever is named first"
    ),
    "wide = x.transpose(0, 1).flatten(1).to(torch.promote_types(x.dtype, torch.float32))"
    " -> wide = x.transpose(1, 0).flatten(1).to(torch.promote_types(x.dtype, torch.float32))": (
        "two axes are swapped, whichever is named first"
    ),
    "wide = x.transpose(0, 1).flatten(1).to(torch.promote_types(x.dtype, torch.float32))"
    " -> wide = x.transpose(0, 1).flatten(1).to(torch.promote_types(torch.float32, x.dtype))": (
        "the wider of two types, whichever is named first"
    ),
}

FAR = np.array([2.0, -5.0, 9.0])
PATIENCE = 6  # seconds that a collective waits for the other process
TO_MEET = 30  # seconds until both processes are there, however busy the machine is


def alone_it_is_batch_norm(impl):
    """one process: without a process group it is batch norm, in training and in evaluation"""
    told = {}
    for shape in ((5, 3), (4, 3, 2, 5)):
        layer = _layer(impl, {"momentum": 0.3}, _PARAMETERS)
        y, dx = _there_and_back(layer, normal(*shape, mean=3, std=2), normal(*shape, seed=1))
        told |= {f"y of {shape}": y, f"dx of {shape}": dx}
        told |= {f"{name} after {shape}": value for name, value in _held(layer).items()}
        layer.eval()
        y, dx = _there_and_back(layer, normal(*shape, mean=-1), normal(*shape, seed=2))
        told |= {f"y of {shape} in evaluation": y, f"dx of {shape} in evaluation": dx}
    return told


def normalizes_with_everyones_statistics(impl):
    """forward: shards of unequal size are normalized as one batch"""
    return _each("y", _on_processes(impl, _job()))


def remembers_everyones_statistics(impl):
    """running statistics: those of the whole batch, the same in every process"""
    steps = [_step(seed=seed) for seed in range(3)]
    told = _each("held", _on_processes(impl, _job(*steps, layer={"momentum": 0.3})))
    names = ("running_mean", "running_var", "num_batches_tracked")
    return {key: value for key, value in told.items() if key.startswith(names)}


def gives_the_input_its_gradient(impl):
    """backward: dx holds what x does to the outputs of the other process, too"""
    return _each("dx", _on_processes(impl, _job()))


def leaves_the_parameters_sum_to_others(impl):
    """backward: weight.grad and bias.grad are this process's share of the gradient"""
    answers = _on_processes(impl, _job())
    told = _each("held", answers)
    total = {
        f"{name} in all": sum(np.asarray(answer["held"][name]) for answer in answers)
        for name in ("dweight", "dbias")
    }
    return {**total, **{key: told[key] for key in told if key.startswith("d")}}


def talks_once_each_way(impl):
    """collectives: one in forward, one in backward, none in evaluation"""
    training, evaluation = _step(), _step(training=False)
    told = {}
    for answer in _on_processes(impl, _job(training, evaluation)):
        rank = answer["rank"]
        (there, back), (alone, back_alone) = answer["collectives"]
        told[f"more than one, forward, process {rank}"] = there > 1
        told[f"more than one, backward, process {rank}"] = back > 1
        told[f"any in evaluation, process {rank}"] = alone + back_alone > 0
    return told


def evaluates_with_the_running_statistics(impl):
    """evaluation: the running statistics normalize, and do not move"""
    steps = [_step(), _step(training=False, seed=3)]
    answers = _on_processes(impl, _job(*steps))
    held = {k: v for k, v in _each("held", answers).items() if "running" in k or "tracked" in k}
    return {**_each("y", answers), **_each("dx", answers), **held}


def eps_and_affine(impl):
    """eps stands inside the root; without affine there are no parameters"""
    step = _step(x=[normal(4, 3, std=0.5), normal(2, 3, mean=1, std=0.7)])
    answers = _on_processes(impl, _job(step, layer={"eps": 0.5}))
    plain = _on_processes(impl, _job(layer={"affine": False}, parameters={}))
    told = {**_each("y", answers), **_each("dx", answers)}
    told |= {f"{name}, affine=False": value for name, value in _each("dx", plain).items()}
    return told


def a_shard_may_have_one_value(impl):
    """shards: one process may have a single value per channel, as long as there are more in all"""
    answers = _on_processes(impl, _job(_step(x=[normal(1, 3, mean=4), normal(4, 3, 2, std=3)])))
    held = {k: v for k, v in _each("held", answers).items() if "running_var" in k}
    return {**_each("y", answers), **_each("dx", answers), **held}


@within(1e-3)
def keeps_dtype_and_precision(impl):
    """dtype: kept; large means do not cancel, half precision does not overflow"""
    mean = np.array([1000, -3000, 10])[:, None, None]
    far = [normal(n, 3, 6, 5, mean=mean, seed=n, dtype=np.float32) for n in (8, 3)]
    half = [normal(n, 3, 4, std=600, seed=n, dtype=np.float16) for n in (4, 9)]
    told = {}
    for name, shards in (("float32", far), ("float16", half)):
        for answer in _on_processes(impl, _job(_step(x=shards), parameters={})):
            rank, y = answer["rank"], answer["y"]
            told[f"y in {name} of process {rank}"] = y.astype(np.float32)
            told[f"dtypes in {name} of process {rank}"] = [y.dtype.name, answer["dx"].dtype.name]
    return told


def talks_to_its_group_only(impl):
    """process_group: statistics are shared within the group that it is given"""
    return _each("y", _on_processes(impl, _job(group="itself")))


def does_not_wait_for_ever(impl):
    """a missing process: late in forward or dead in backward, it ends in an error"""
    late = _on_processes(impl, _job(late="forward", patience=0.3), may_raise=True)[0]
    dead = _on_processes(impl, _job(dead="backward", patience=4), may_raise=True)[0]
    return {
        "late in forward": refuses(RuntimeError, _raise, late, naming=["2 processes"]),
        "dead in backward": refuses(RuntimeError, _raise, dead),
        "running_mean afterwards": late["held"].get("running_mean", "nothing"),
        "num_batches_tracked afterwards": late["held"].get("num_batches_tracked", "nothing"),
    }


def refuses_what_is_no_shard(impl):
    """refusals: axes, channels, integers; one value per channel in all processes"""
    import torch

    layer = _layer(impl, {}, {})
    one = "more than 1 value|more than one|one value|1 value"
    one_value = torch.tensor(normal(1, 3, 1))
    given = {"(3,)": normal(3), "(2, 5, 4)": normal(2, 5, 4)}
    told = {
        name: refuses(ValueError, layer, torch.tensor(x), naming=[3, x.shape])
        for name, x in given.items()
    }
    pixels = torch.tensor(frozen(np.arange(24).reshape(4, 3, 2)))
    told["integers"] = refuses(TypeError, layer, pixels)
    told["booleans"] = refuses(TypeError, layer, pixels > 3)
    told["one value per channel"] = refuses(ValueError, layer, one_value, naming=[one])
    told |= {f"{k} afterwards": v for k, v in _held(layer).items() if "running" in k}
    return {**told, "one value in evaluation": layer.eval()(one_value).detach().numpy()}


def in_any_shape(impl, draw):
    """any two shards, any eps and momentum, with and without parameters, one step or two"""
    c = draw.integer(1, 4)
    shards = [
        normal(
            draw.integer(1 + i, 4),
            c,
            *(draw.integer(1, 4) for _ in range(draw.integer(0, 2))),
            mean=draw.integer(-4, 4),
            std=draw.choice([0.5, 1, 3]),
            seed=i,
        )
        for i in range(2)
    ]
    affine = draw.choice([True, False])
    parameters = {"weight": normal(c, mean=1), "bias": normal(c, seed=1)} if affine else {}
    layer = {"eps": draw.choice([1e-3, 0.3]), "momentum": draw.choice([0.1, 0.7]), "affine": affine}
    steps = [_step(x=shards), _step(x=shards, training=draw.choice([True, False]))]
    answers = _on_processes(impl, _job(*steps, layer=layer, parameters=parameters))
    return {**_each("y", answers), **_each("dx", answers), **_each("held", answers)}


_PARAMETERS = {"weight": normal(3, mean=2), "bias": normal(3, mean=-1, seed=1)}


def _step(x=None, training=True, seed=0):
    """One forward and one backward pass: a shard and a gradient for each of the two processes."""
    if x is None:
        x = [
            normal(4, 3, 2, 5, mean=FAR[:, None, None] * (1 + seed), std=2, seed=seed),
            normal(7, 3, 3, mean=FAR[::-1, None], std=0.5 + seed, seed=seed),
        ]
    return {
        "x": x,
        "dy": [normal(*a.shape, mean=0.3, seed=7 + seed) for a in x],
        "training": training,
    }


def _job(*steps, layer=None, parameters=_PARAMETERS, group=None, **others):
    """What the processes are to do.

    steps       each as made by _step.
    layer       arguments of SyncBatchNorm beside the number of channels.
    parameters  weight and bias, if not those that a layer begins with.
    group       None: all processes. "itself": each has a group of its own.
    late, dead  "forward" or "backward": where the last process does not come, or hangs up.
    patience    seconds that a collective waits.
    """
    return {
        "steps": steps or [_step()],
        "layer": layer or {},
        "parameters": parameters,
        "group": group,
        "late": None,
        "dead": None,
        "patience": PATIENCE,
        **others,
    }


def _on_processes(impl, job, may_raise=False):
    """The answer of every process: what the last step gave, and what the layer holds after it."""
    if hasattr(impl, "on_processes"):
        return impl.on_processes(job)
    answers = _processes().do({**job, "source": impl.__source__, "file": impl.__file__})
    for answer in answers:
        if answer["raised"] and not may_raise:
            _raise(answer)
    return answers


def _each(what, answers):
    """One entry of every answer, named by its process."""
    told = {}
    for answer in answers:
        values = answer[what] if isinstance(answer[what], dict) else {what: answer[what]}
        told |= {f"{name} of process {answer['rank']}": value for name, value in values.items()}
    return told


def _raise(answer):
    """Raise here what was raised in a process."""
    if answer["raised"]:
        kind, text, where = answer["raised"]
        print(f"process {answer['rank']}: {where}")
        raise getattr(builtins, kind, RuntimeError)(text)


def _layer(impl, arguments, parameters, channels=3):
    """A layer in float64, with these parameters."""
    import torch

    layer = impl.SyncBatchNorm(channels, **arguments).double()
    with torch.no_grad():
        for name, values in parameters.items():
            getattr(layer, name).copy_(torch.tensor(values))
    return layer


def _there_and_back(layer, x, dy):
    """The output and the input's gradient, as arrays."""
    import torch

    x = torch.tensor(x, requires_grad=True)
    y = layer(x)
    y.backward(torch.tensor(dy))
    return y.detach().numpy(), x.grad.numpy()


def _held(layer):
    """What a layer holds: its statistics, and its parameters' gradients, as arrays."""
    names = ("running_mean", "running_var", "num_batches_tracked")
    held = {name: getattr(layer, name).cpu().numpy().copy() for name in names}
    for name in ("weight", "bias"):
        parameter = getattr(layer, name)
        if parameter is not None and parameter.grad is not None:
            held[f"d{name}"] = parameter.grad.cpu().numpy().copy()
    return held


class _Processes:
    """Two processes, started by torchrun, that do jobs until the line to them is cut."""

    SIZE = 2
    TO_START = 60  # seconds

    def __init__(self):
        from multiprocessing.connection import Connection

        token = secrets.token_hex(16)
        self.lines, self.number, self.said = {}, 0, b""
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.torchrun = self._start(server.getsockname()[1], token)
            threading.Thread(target=self._listen, daemon=True).start()
            server.settimeout(0.2)
            deadline = time.monotonic() + self.TO_START
            while len(self.lines) < self.SIZE:
                if self.torchrun.poll() is not None or time.monotonic() > deadline:
                    self.close()
                    last = self.said.decode(errors="replace").strip().splitlines()[-1:]
                    raise RuntimeError(f"torchrun started no {self.SIZE} processes: {last}")
                try:
                    line = Connection(server.accept()[0].detach())
                except TimeoutError:
                    continue
                if line.recv_bytes() == token.encode():
                    self.lines[line.recv()] = line
        atexit.register(self.close)

    def _start(self, port, token):
        # torchrun needs no name of this machine: everything stays on the loopback.
        options = ["--nnodes=1", f"--nproc-per-node={self.SIZE}", "--max-restarts=0"]
        options += ["--rdzv-backend=c10d", "--rdzv-endpoint=127.0.0.1:0", "--local-addr=127.0.0.1"]
        options += [f"--log-dir={os.devnull}"]
        loopback = "lo0" if sys.platform == "darwin" else "lo"
        return subprocess.Popen(
            [sys.executable, "-B", "-m", "torch.distributed.run", *options, __file__],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={
                **os.environ,
                "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
                "PYTHONDONTWRITEBYTECODE": "1",
                "OMP_NUM_THREADS": "1",
                "GLOO_SOCKET_IFNAME": loopback,
                "TORCH_NCCL_BLOCKING_WAIT": "1",  # so that its timeout raises, as gloo's does
                "BNBANK_LINE": f"{port} {token}",
            },
        )

    def _listen(self):
        """Keep the end of what torchrun says, so that it never waits for a reader."""
        for line in self.torchrun.stderr:
            self.said = (self.said + line)[-4000:]

    def are_well(self):
        """Whether all are there. Between jobs they say nothing: what can be read is their end."""
        return self.torchrun.poll() is None and not any(w.poll(0) for w in self.lines.values())

    def do(self, job):
        """Have a job done. Returns one answer a process, in their order.

        Raises TimeoutError if a process ends or does not come back, at once for whatever the same
        source is asked to do next.
        """
        from multiprocessing.connection import wait

        if job["source"] in _lost:
            raise TimeoutError(_lost[job["source"]])
        self.number += 1
        for line in self.lines.values():
            line.send({**job, "number": self.number})
        deadline = time.monotonic() + 2 * job["patience"] + 20
        waiting, answers = {line: rank for rank, line in self.lines.items()}, {}
        while waiting:
            ready = wait(waiting, max(0, deadline - time.monotonic()))
            try:
                for line in ready:
                    answers[waiting[line]] = line.recv()
                    del waiting[line]
            except EOFError:
                self._give_up(job, f"process {waiting[line]} has ended, and the others with it")
            if not ready:
                self._give_up(job, f"process {min(waiting.values())} does not come back")
        return [answers[rank] for rank in sorted(answers)]

    def _give_up(self, job, why):
        self.close()
        _lost[job["source"]] = why
        raise TimeoutError(why)

    def close(self):
        """Cut the lines, upon which the processes end, and torchrun with them."""
        global _started
        _started = None
        for line in self.lines.values():
            line.close()
        try:
            self.torchrun.wait(5 if self.lines else 0)
        except subprocess.TimeoutExpired:
            self.torchrun.kill()
            self.torchrun.wait()


_started = None
_lost = {}  # sources that have cost the processes, and how


def _processes():
    """The two processes. They are started once, for every check and every implementation."""
    global _started
    if _started is not None and not _started.are_well():
        _started.close()
    if _started is None:
        _started = _Processes()
    return _started


def _serve():
    """The life of one of the processes: do what comes down the line, until the line is cut."""
    import queue
    from multiprocessing.connection import Connection

    import torch.distributed as dist

    port, token = os.environ["BNBANK_LINE"].split()
    line = Connection(socket.create_connection(("127.0.0.1", int(port))).detach())
    store, rank, size = next(dist.rendezvous("env://"))
    line.send_bytes(token.encode())
    line.send(rank)
    jobs = queue.SimpleQueue()

    def listen():
        while True:
            try:
                jobs.put(line.recv())
            except (EOFError, OSError):
                os._exit(0)  # whatever hangs, in a collective or in an attempt

    threading.Thread(target=listen, daemon=True).start()
    _ban()
    while True:
        line.send(_work(jobs.get(), store, rank, size))


def _ban():
    """Put an error in the place of ready-made functions, as the grader does in its own process."""
    import importlib

    for dotted in BANS:
        owner, _, name = dotted.rpartition(".")

        def refuse(*args, dotted=dotted, **kwargs):
            raise RuntimeError(f"calls {dotted}, which is what the exercise asks you to write")

        setattr(importlib.import_module(owner), name, refuse)


def _work(job, store, rank, size):
    """Do one job, in a process group that is made for it and goes with it."""
    import torch
    import torch.distributed as dist

    on_gpus = torch.cuda.device_count() >= size and dist.is_nccl_available()
    device = torch.device("cuda", rank) if on_gpus else torch.device("cpu")
    here, kind = dist.PrefixStore(str(job["number"]), store), "nccl" if on_gpus else "gloo"
    to_meet = timedelta(seconds=TO_MEET)
    dist.init_process_group(kind, store=here, rank=rank, world_size=size, timeout=to_meet)
    dist.distributed_c10d._set_pg_timeout(timedelta(seconds=job["patience"]))
    answer = {"rank": rank, "raised": None, "held": {}, "collectives": []}
    try:
        _steps(job, rank, size, device, answer)
    except Exception as error:
        answer["raised"] = _described(error, job["file"])
    # Whoever is done first must not hang up while the others are still listening.
    here.set(f"done {rank}", "")
    try:
        done = [f"done {other}" for other in range(size)]
        here.wait(done, timedelta(seconds=job["patience"] + 10))
    except RuntimeError:
        pass  # the other one hangs, and will be told so
    if dist.is_initialized():
        dist.destroy_process_group()
    return answer


def _steps(job, rank, size, device, answer):
    import torch
    import torch.distributed as dist

    module = ModuleType("attempt")
    exec(compile(job["source"], job["file"], "exec"), vars(module))
    groups = [dist.new_group([i]) for i in range(size)] if job["group"] else [None] * size
    channels = job["steps"][0]["x"][rank].shape[1]
    arguments = {**job["layer"], "process_group": groups[rank]}
    layer = _layer(module, arguments, job["parameters"], channels).to(device)
    for step in job["steps"]:
        x = torch.tensor(step["x"][rank], device=device, requires_grad=True)
        if x.dtype != torch.float64:
            layer.float()
        dy = torch.tensor(step["dy"][rank], device=device, dtype=x.dtype)
        layer.train(step["training"]).zero_grad()
        answer["held"] = _held(layer)
        if _stays_away(job, "forward", rank, size):
            return
        with _counted() as there:
            y = layer(x)
        answer["held"] = _held(layer)
        if _stays_away(job, "backward", rank, size):
            return
        with _counted() as back:
            y.backward(dy)
        answer |= {"y": y.detach().cpu().numpy(), "dx": x.grad.cpu().numpy(), "held": _held(layer)}
        answer["collectives"].append((there.number, back.number))


def _stays_away(job, way, rank, size):
    """Whether this process takes no part; if it is to be dead, it hangs up, too."""
    import torch.distributed as dist

    away = rank == size - 1 and way in (job["late"], job["dead"])
    if away and job["dead"]:
        dist.destroy_process_group()
    return away


def _counted():
    """A context that counts collectives, whichever function of torch.distributed starts them."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Counted(TorchDispatchMode):
        number = 0

        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            name = str(function)
            if name.startswith(("c10d.", "_c10d_functional.")) and "wait" not in name:
                self.number += 1
            return function(*args, **(kwargs or {}))

    return Counted()


def _described(error, file):
    """An exception as plain data: its class, its text, and the place with all that was said.

    How a collective words its failure depends on who is quicker; of that the text tells nothing.
    """
    import traceback

    own = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    said = re.sub(r"\[[^\]]*\](:\d+)?", "", str(error)).strip()
    text = re.sub(r"(?s)(Timed out|Read error|Write error|Connection|Broken pipe).*", "...", said)
    return type(error).__name__, text, f"line {own[-1].lineno}: {said}" if own else said


def oracle():
    """torch behind the contract of sync_bn_distributed: one process that has the whole batch."""
    import torch

    class SyncBatchNorm(torch.nn.modules.batchnorm._BatchNorm):
        def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=True, process_group=None):
            super().__init__(num_features, eps, momentum, affine)

        def _check_input_dim(self, x):
            if not x.is_floating_point():
                raise TypeError(f"torch normalizes floating values, got {x.dtype}")
            if x.ndim < 2 or x.shape[1] != self.num_features:
                raise ValueError(f"expected (N, {self.num_features}, ...), got {tuple(x.shape)}")
            if self.training and x[:, 0].numel() == 1:
                raise ValueError(f"expected more than 1 value per channel, got {tuple(x.shape)}")

    def on_processes(job):
        if job["late"] or job["dead"]:
            layer = _layer(oracle(), job["layer"], job["parameters"])
            said = ("RuntimeError", "a process is missing among 2 processes", "torch")
            return [{"rank": 0, "raised": said, "held": _held(layer)}]
        shards = range(len(job["steps"][0]["x"]))
        if job["group"]:
            return [one for rank in shards for one in together(job, [rank])]
        return together(job, shards)

    def together(job, ranks):
        """One process that has these processes' shards."""
        c = job["steps"][0]["x"][0].shape[1]
        layer = _layer(oracle(), job["layer"], job["parameters"], c)
        for step in job["steps"]:
            layer.train(step["training"])
            given = [step["x"][rank] for rank in ranks]
            x = [torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in given]
            dy = [torch.tensor(step["dy"][rank]) for rank in ranks]
            flat = [t.transpose(0, 1).flatten(1) for t in x]
            whole = layer(torch.cat(flat, 1)[None])[0]
            parts = whole.split([t.shape[1] for t in flat], 1)
            y = [
                p.unflatten(1, (len(t), *t.shape[2:])).transpose(0, 1)
                for p, t in zip(parts, x, strict=True)
            ]
            dx = torch.autograd.grad(y, x, dy, retain_graph=True)
        answers = []
        for i, rank in enumerate(ranks):
            layer.zero_grad()
            if job["parameters"]:
                y[i].backward(dy[i], retain_graph=True)
            dtype = given[i].dtype
            answers.append(
                {
                    "rank": rank,
                    "y": y[i].detach().numpy().astype(dtype),
                    "dx": dx[i].numpy().astype(dtype),
                    "held": _held(layer),
                    "collectives": [(0, 0)] * len(job["steps"]),
                }
            )
        return answers

    return SimpleNamespace(SyncBatchNorm=SyncBatchNorm, on_processes=on_processes)


if __name__ == "__main__":
    _serve()
