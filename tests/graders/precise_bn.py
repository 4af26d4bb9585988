"""What is asked of precise_bn; torch's way of answering is torch.optim.swa_utils.update_bn."""

from functools import cache, partial
from types import SimpleNamespace

from bnbank.arrays import normal, refuses, uniform

LEVEL = "mid"
MINUTES = 25
AFTER = ["bn2d", "running_stats"]
CARD = "population-statistics"
NEEDS = "torch"
SECONDS = 60  # importing torch takes several of them
BANS = ["torch.optim.swa_utils.update_bn"]

EQUIVALENT_MUTANTS = {
    "for batch in chain([first], batches): -> for batch in chain(batches, [first]):": (
        "an average does not depend on the order of the batches"
    ),
}

_normal, _uniform = cache(partial(normal, mean=0.2, std=0.4)), cache(uniform)


def statistics_are_the_datas(impl):
    """statistics: the average of the batches' means and unbiased variances"""
    model = _network()
    impl.precise_bn(model, _batches(3))
    return _statistics(model)


def one_batch_is_enough(impl):
    """statistics: of one batch they are its mean and its unbiased variance"""
    model = _network()
    impl.precise_bn(model, _batches(1))
    return _statistics(model)


def every_batch_counts_alike(impl):
    """statistics: batches of unequal size count alike"""
    model = _network()
    impl.precise_bn(model, [*_batches(2), *_batches(1, n=2)])
    return _statistics(model)


def nothing_of_the_past_is_left(impl):
    """momentum: whatever it is, nothing of earlier statistics is left, and it is as before"""
    told = {}
    for momentum in (0.1, 0.9, None):
        model = _network()
        for layer in (model.norm, model.deep[1], model.last):
            layer.momentum = momentum
        for batch in _batches(2):
            model.train()(batch + 50)
        impl.precise_bn(model, _batches(3))
        told |= {f"{name}, momentum={momentum}": v for name, v in _statistics(model).items()}
        told[f"momentum is still {momentum}"] = str(model.last.momentum)
    return told


def modes_are_restored(impl):
    """modes: it takes the statistics in any mode, and gives every module its own mode back"""
    told = {}
    for name, put in _modes().items():
        model = put(_network())
        impl.precise_bn(model, _batches(2))
        told[f"modules in training of a model {name}"] = _training(model)
        told[f"running_var of a model {name}"] = model.deep[1].running_var.numpy()
        told[f"y of a model {name}"] = _y(model)
    return told


def restores_what_it_changed_when_the_model_raises(impl):
    """modes: and momenta are given back, too, when the model raises"""
    model = _modes()["in parts"](_network())
    model.norm.momentum = 0.3
    before = _training(model)
    told = refuses(RuntimeError, impl.precise_bn, model, [*_batches(1), _batches(1)[0][:, :2]])
    return {
        "passes the error on": told,
        "modules in training": _training(model),
        "modes as before": _training(model) == before,
        "momentum": model.norm.momentum,
    }


def takes_any_iterable(impl):
    """batches: a list, a generator that can be gone through once, pairs of input and label"""
    import torch

    labels = torch.zeros(5)
    given = {
        "a generator": (batch for batch in _batches(3)),
        "tuples": [(batch, labels) for batch in _batches(3)],
        "lists": iter([[batch, labels] for batch in _batches(3)]),
    }
    told = {}
    for name, batches in given.items():
        model = _network()
        impl.precise_bn(model, batches)
        told |= {f"{entry} from {name}": value for entry, value in _statistics(model).items()}
    return told


def only_the_statistics_move(impl):
    """the rest: parameters, their gradients and the input stay; no gradients are computed"""
    import torch

    model, batches = _network().train(), _batches(2)
    seen = []
    model.out.register_forward_hook(lambda module, given, y: seen.append(y.requires_grad))
    for i, p in enumerate(model.parameters()):
        p.grad = torch.full_like(p, i)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    returned = impl.precise_bn(model, batches)
    moved = [k for k, v in model.state_dict().items() if not torch.equal(v, before[k])]
    return {
        "returns the model": returned is model,
        "moved": ", ".join(moved),
        "gradients": [p.grad.flatten()[0].item() for p in model.parameters()],
        "needs gradients": [p.requires_grad for p in model.parameters()],
        "outputs with a graph": seen,
        "gradients still enabled": torch.is_grad_enabled(),
        "batches changed": [
            not torch.equal(*pair) for pair in zip(batches, _batches(2), strict=True)
        ],
    }


def finds_every_kind_of_layer(impl):
    """layers: 1d, 2d, 3d and Sync; without running statistics; one that is the model itself"""
    import torch
    from torch import nn

    kinds = {
        "BatchNorm1d": (nn.BatchNorm1d(3), (6, 3)),
        "BatchNorm3d": (nn.BatchNorm3d(3), (3, 3, 2, 1, 4)),
        "SyncBatchNorm": (nn.SyncBatchNorm(3), (5, 3, 4)),
        "affine=False": (nn.BatchNorm2d(3, affine=False), (4, 3, 2, 5)),
        "track_running_stats=False": (nn.BatchNorm2d(3, track_running_stats=False), (4, 3, 2, 5)),
    }
    told = {}
    for name, (layer, shape) in kinds.items():
        layer = layer.double().eval()
        impl.precise_bn(layer, [torch.tensor(normal(*shape, mean=2, seed=i)) for i in range(2)])
        tracks = layer.running_mean is not None
        told[f"{name} has statistics"] = tracks
        if tracks:
            told |= {f"{k} of {name}": v.numpy() for k, v in layer.state_dict().items()}
    model = nn.Sequential(nn.Linear(3, 2)).double()
    impl.precise_bn(model, [torch.zeros(2, 3, dtype=torch.float64)])
    return {**told, "modules in training without batch norm": _training(model)}


def a_shared_layer_sees_all_of_its_inputs(impl):
    """layers: one that is used twice takes every use for a batch"""
    from torch import nn

    shared = nn.BatchNorm2d(4)
    model = _filled(nn.Sequential(nn.Conv2d(3, 4, 1), shared, nn.ReLU(), shared))
    impl.precise_bn(model, _batches(2))
    return {name: value.numpy() for name, value in shared.state_dict().items()}


def refuses_no_batches(impl):
    """refusals: without a batch nothing changes"""
    told = {}
    for name, batches in (("a list", []), ("a generator", iter(()))):
        model = _network().eval()
        model.norm.train()
        told[f"{name} of nothing"] = refuses(ValueError, impl.precise_bn, model, batches)
        told |= {f"{entry}, {name}": value for entry, value in _statistics(model).items()}
        told[f"modules in training, {name}"] = _training(model)
    return told


def in_any_shape(impl, draw):
    """any number of batches of any size, any momentum, any mode"""
    model = _modes()[draw.choice(sorted(_modes()))](_network())
    model.norm.momentum = draw.choice([0.1, 0.5, None])
    sizes = [draw.integer(2, 6) for _ in range(draw.integer(1, 4))]
    batches = [_batches(1, n=n, seed=i)[0] for i, n in enumerate(sizes)]
    impl.precise_bn(model, batches)
    return {**_statistics(model), "modules in training": _training(model)}


def _network():
    """A small network with three batch norm layers, one of them in a part called deep."""
    from collections import OrderedDict

    from torch import nn

    parts = {
        "first": nn.Conv2d(3, 4, 2),
        "norm": nn.BatchNorm2d(4),
        "relu": nn.ReLU(),
        "deep": nn.Sequential(nn.Conv2d(4, 5, 2), nn.BatchNorm2d(5, momentum=0.4), nn.ReLU()),
        "flat": nn.Flatten(),
        "wide": nn.Linear(30, 6),
        "last": nn.BatchNorm1d(6),
        "out": nn.Linear(6, 2),
    }
    return _filled(nn.Sequential(OrderedDict(parts)))


def _modes():
    """Ways to put a model into some mode."""

    def in_parts(model):
        model.train().deep.eval()
        model.last.eval()
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
        else:
            value.fill_(7)
    return model


def _batches(number, n=5, seed=0):
    import torch

    return [
        torch.tensor(normal(n, 3, 5, 4, mean=1 + i, std=2 + i, seed=seed + i))
        for i in range(number)
    ]


def _statistics(model):
    """Everything a layer remembers, by layer and name."""
    state = model.state_dict()
    names = [name for name in state if "running" in name or "tracked" in name]
    return {name: state[name].numpy() for name in names}


def _y(model):
    """The output in evaluation; the model is not needed afterwards."""
    return model.eval()(_batches(1)[0]).detach().numpy()


def oracle():
    """torch behind the contract of precise_bn."""
    from torch.nn.modules.batchnorm import _BatchNorm
    from torch.optim.swa_utils import update_bn

    def precise_bn(model, batches):
        batches = list(batches)
        if not batches:
            raise ValueError("expected at least 1 batch, got none")
        modes = {module: module.training for module in model.modules()}
        layers = [module for module in modes if isinstance(module, _BatchNorm)]
        momenta = {layer: layer.momentum for layer in layers}
        try:
            update_bn(batches, model)
        finally:
            for module, mode in modes.items():
                module.training = mode
            for layer, momentum in momenta.items():
                layer.momentum = momentum
        return model

    return SimpleNamespace(precise_bn=precise_bn)
