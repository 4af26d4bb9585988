"""What is asked of debug_eval_loop; torch answers with a copy and all samples at once."""

from functools import cache, partial
from types import SimpleNamespace

import numpy as np

from bnbank.arrays import normal, refuses, uniform

LEVEL = "mid"
MINUTES = 15
AFTER = []
CARD = "validation-in-training-mode"
NEEDS = "torch"
SECONDS = 60  # importing torch takes several of them

STARTS_BROKEN = True

_normal, _uniform = cache(partial(normal, mean=0.2, std=0.8)), cache(uniform)


def scores_a_data_set(impl):
    """score: mean loss and accuracy of a model in evaluation"""
    loss, accuracy = _evaluate(impl, _network().eval(), _batches(6, 6), _loss())
    floats = [type(loss) is float, type(accuracy) is float]
    return {"loss": loss, "accuracy": accuracy, "floats": floats}


def every_sample_counts_alike(impl):
    """score: the last batch may be smaller; every sample counts alike"""
    loss, accuracy = _evaluate(impl, _network().eval(), _batches(6, 6, 1), _loss())
    return {"loss": loss, "accuracy": accuracy}


def puts_the_model_into_evaluation(impl):
    """mode: a model in training is scored as it will be used, however the data are cut"""
    told = {}
    for sizes in ((12,), (4, 4, 4), (1,) * 12):
        loss, accuracy = _evaluate(impl, _network().train(), _batches(*sizes), _loss())
        cut = f"in batches of {sizes[0]}"
        told |= {f"loss {cut}": loss, f"accuracy {cut}": accuracy}
    return told


def leaves_the_model_as_it_was(impl):
    """state: no running statistic, parameter or gradient moves, whatever the mode"""
    import torch

    told = {}
    for name, put in _modes().items():
        model = put(_network())
        for i, p in enumerate(model.parameters()):
            p.grad = torch.full_like(p, i)
        before = {k: v.clone() for k, v in model.state_dict().items()}
        _evaluate(impl, model, _batches(5, 3), _loss())
        now = model.state_dict()
        moved = [k for k in now if not torch.equal(now[k], before[k])]
        told[f"moved in a model {name}"] = ", ".join(moved) or "nothing"
        told[f"gradients in a model {name}"] = [p.grad.mean().item() for p in model.parameters()]
    return told


def gives_every_module_its_mode_back(impl):
    """modes: afterwards every module is in its own, a part that was frozen, too"""
    told = {}
    for name, put in _modes().items():
        model = put(_network())
        _evaluate(impl, model, _batches(5, 3), _loss())
        told[f"modules in training of a model {name}"] = _training(model)
    return told


def gives_the_modes_back_when_something_raises(impl):
    """modes: also when the model or the loss raises"""
    told = {}
    x, labels = _batches(4)[0]
    broken = {"the model": (x[:, :2], labels), "the loss": (x, labels[:-1])}
    for name, batch in broken.items():
        model = _modes()["in parts"](_network())
        kind = RuntimeError if name == "the model" else ValueError
        told[f"{name} raises"] = refuses(
            kind, _evaluate, impl, model, [*_batches(3), batch], _loss()
        )
        told[f"modules in training after {name} raised"] = _training(model)
    return told


def computes_no_gradients(impl):
    """gradients: no graph is built, and gradients are as enabled afterwards as before"""
    import torch

    seen = []

    def loss(logits, labels):
        seen.append(logits.requires_grad)
        return _loss()(logits, labels)

    _evaluate(impl, _network().train(), _batches(4, 2), loss)
    return {"outputs have a graph": any(seen), "gradients still enabled": torch.is_grad_enabled()}


def takes_any_iterable(impl):
    """batches: a generator, which can be gone through once"""
    batches = _batches(5, 5, 2)
    loss, accuracy = _evaluate(impl, _network().train(), (batch for batch in batches), _loss())
    return {"loss": loss, "accuracy": accuracy}


def uses_the_loss_it_is_given(impl):
    """loss: any function of logits and labels"""
    import torch

    loss = partial(torch.nn.functional.cross_entropy, label_smoothing=0.3)
    return {"loss": _evaluate(impl, _network().train(), _batches(5, 2), loss)[0]}


def refuses_no_samples(impl):
    """refusals: a score of nothing is none, and the modes are as before"""
    model = _modes()["in parts"](_network())
    told = {
        "no batches": refuses(ValueError, _evaluate, impl, model, [], _loss()),
        "an empty generator": refuses(ValueError, _evaluate, impl, model, iter(()), _loss()),
    }
    return {**told, "modules in training": _training(model)}


def in_any_shape(impl, draw):
    """any number of batches of any size, in any mode"""
    model = _modes()[draw.choice(sorted(_modes()))](_network())
    sizes = [draw.integer(1, 6) for _ in range(draw.integer(1, 5))]
    loss, accuracy = _evaluate(impl, model, _batches(*sizes), _loss())
    modes = _training(model)
    return {"loss": loss, "accuracy": accuracy, "modules in training": modes}


def _evaluate(impl, *args):
    """One call, before which the dice for dropout are always the same."""
    import torch

    torch.manual_seed(0)
    return impl.evaluate(*args)


def _network():
    """A small classifier of 3 classes with batch norm, dropout and a part called deep."""
    from collections import OrderedDict

    from torch import nn

    parts = {
        "first": nn.Conv2d(3, 4, 2),
        "norm": nn.BatchNorm2d(4),
        "relu": nn.ReLU(),
        "deep": nn.Sequential(nn.Conv2d(4, 5, 2), nn.BatchNorm2d(5), nn.ReLU()),
        "flat": nn.Flatten(),
        "drop": nn.Dropout(0.5),
        "out": nn.Linear(30, 3),
    }
    return _filled(nn.Sequential(OrderedDict(parts)))


def _modes():
    """Ways to put a model into some mode."""

    def in_parts(model):
        model.train().deep.eval()
        return model

    return {
        "in training": lambda model: model.train(),
        "in evaluation": lambda model: model.eval(),
        "in parts": in_parts,
    }


def _training(model):
    """The names of the modules that are in training."""
    names = [name or "the model" for name, part in model.named_modules() if part.training]
    return ", ".join(names) or "none"


def _filled(model):
    """The model in float64, with parameters and statistics that nothing else has."""
    import torch

    for i, (name, value) in enumerate(model.double().state_dict().items()):
        if value.is_floating_point():
            draw = _uniform if name.endswith("running_var") else _normal
            value.copy_(torch.tensor(draw(*value.shape, seed=i)))
    return model


def _batches(*sizes):
    """The first samples of one data set, cut into batches of these sizes."""
    import torch

    drift = np.arange(40).reshape(-1, 1, 1, 1) / 10
    x = torch.tensor(normal(40, 3, 5, 4, mean=drift, std=1 + drift))
    labels = torch.tensor(normal(40, 3, seed=1)).argmax(1)
    total = sum(sizes)
    return list(zip(x[:total].split(sizes), labels[:total].split(sizes), strict=True))


def _loss():
    import torch

    return torch.nn.functional.cross_entropy


def oracle():
    """torch behind the contract of debug_eval_loop."""
    from copy import deepcopy

    import torch

    def evaluate(model, batches, loss_function):
        batches = list(batches)
        if not batches:
            raise ValueError("expected at least 1 sample, got none")
        x, labels = (torch.cat(parts) for parts in zip(*batches, strict=True))
        with torch.inference_mode():
            logits = deepcopy(model).eval()(x)
            loss = loss_function(logits, labels)
        return loss.item(), (logits.argmax(1) == labels).double().mean().item()

    return SimpleNamespace(evaluate=evaluate)
