"""What is asked of freeze_bn: which state moves over real training steps, compared bit for bit.

The oracle freezes with F.batch_norm and training=False, whatever mode the layer is in.
"""

from functools import cache, partial
from types import SimpleNamespace

from bnbank.arrays import normal, uniform

LEVEL = "senior"
MINUTES = 40
AFTER = ["bn2d"]
CARD = "freezing"
NEEDS = "torch"
SECONDS = 60  # importing torch and its optimizers takes several of them

STATES = [(True, True), (True, False), (False, True), (False, False)]

_normal, _uniform = cache(partial(normal, mean=0.2, std=0.4)), cache(uniform)


def frozen_layers_do_not_move(impl):
    """freeze_bn: over training steps nothing of a batch norm layer moves, everything else does"""
    model = _network().train()
    before = _state(model)
    impl.freeze_bn(model)
    _steps(model)
    return _moved(model, before)


def frozen_layers_use_their_statistics(impl):
    """stats: a frozen layer normalizes with its running statistics, in training mode, too"""
    model = impl.freeze_bn(_network().train(), affine=False)
    y = _y(model)
    _steps(model)
    return {"y": y, "y after training": _y(model)}


def there_are_four_states(impl):
    """stats and affine: four states, and what moves in each"""
    told = {}
    for stats, affine in STATES:
        model = _network().train()
        impl.freeze_bn(model, stats=stats, affine=affine)
        before = _state(model)
        _steps(model)
        state = f"stats={stats}, affine={affine}"
        told[f"moved with {state}"] = _moved(model, before)["deep.1"]
        told[f"y with {state}"] = _y(model)
    return told


def stays_frozen_whoever_calls_train(impl):
    """train(): a later call on the model, a part of it or a layer changes nothing"""
    calls = {
        "model.train()": lambda m: m.train(),
        "model.train(mode=True)": lambda m: m.train(mode=True),
        "model.eval().train(True)": lambda m: m.eval().train(True),
        "part.train()": lambda m: m.deep.train(),
        "layer.train()": lambda m: m.deep[1].train(),
    }
    told = {}
    for name, call in calls.items():
        model = impl.freeze_bn(_network().train())
        before = _state(model)
        call(model)
        _steps(model)
        told[f"moved after {name}"] = _moved(model, before)["deep.1"]
        told[f"y after {name}"] = _y(model)
    layer = model.deep[1]
    returned = [layer.train(), layer.eval(), layer.train(mode=False)]
    told["train() and eval() return the layer"] = [module is layer for module in returned]
    return told


def optimizers_leave_alone_what_is_frozen(impl):
    """optimizer: momentum and weight decay do not move frozen parameters, zero_grad or not"""
    import torch

    makers = {
        "SGD": partial(torch.optim.SGD, lr=0.05, momentum=0.9, weight_decay=0.1),
        "AdamW": partial(torch.optim.AdamW, lr=0.01, weight_decay=0.1),
    }
    told = {}
    for name, make in makers.items():
        for to_none in (True, False):
            model = _network().train()
            optimizer = make(model.parameters())
            _steps(model, optimizer, to_none=to_none)
            impl.freeze_bn(model, stats=False)
            before = _state(model)
            _steps(model, optimizer, to_none=to_none)
            way = f"{name}, zero_grad(set_to_none={to_none})"
            told[f"moved by {way}"] = _moved(model, before)["deep.1"]
    return told


def freezes_every_kind_of_layer(impl):
    """layers: 1d, 2d, 3d and Sync, without weight and bias, without running statistics"""
    told = {}
    for name in _kinds():
        model, x = _behind_a_linear(name)
        impl.freeze_bn(model)
        before = _state(model)
        _steps(model, x=x)
        told[f"{name}: moved"] = _moved(model, before).get("1", "nothing")
        told[f"{name}: y"] = _y(model, x)
    return told


def gradients_pass_through(impl):
    """gradients: reach the input and the layers below; the statistics are constants to them"""
    import torch

    model = impl.freeze_bn(_network().train())
    x = torch.tensor(_x(), requires_grad=True)
    (model(x) * torch.tensor(normal(6, 2, seed=9))).sum().backward()
    return {"dx": x.grad.numpy(), "dweight of the first layer": model.first.weight.grad.numpy()}


def leaves_other_layers_alone(impl):
    """other layers: their modes, parameters and statistics are none of its business"""
    told = {}
    for mode in (True, False):
        model = _mixed(mode)
        impl.freeze_bn(model)
        others = [model, *model[1:]]
        when = "training" if mode else "evaluation"
        told[f"modes, frozen in {when}"] = [module.training for module in others]
        trainable = [p.requires_grad for module in model[1:] for p in module.parameters()]
        told[f"requires_grad, frozen in {when}"] = trainable
        before = _state(model)
        _steps(model.train(), x=normal(5, 4, 2, 3))
        told |= {f"moved, {name}, {when}": moved for name, moved in _moved(model, before).items()}
        told[f"modes, unfrozen in {when}"] = [m.training for m in impl.unfreeze_bn(model.eval())]
    return told


def changes_the_model_in_place(impl):
    """in place: the same model comes back, with the same parameters under the same names"""
    model = _network().train()
    before, names, parameters = _state(model), _names(model), list(model.parameters())
    told = {}
    for name, call in (("freeze_bn", impl.freeze_bn), ("unfreeze_bn", impl.unfreeze_bn)):
        told[f"{name} returns the model"] = call(model) is model
        told[f"{name} keeps names"] = _names(model) == names
        told[f"{name} keeps parameters"] = all(map(_is, model.parameters(), parameters))
        told |= {f"moved by {name}, {k}": moved for k, moved in _moved(model, before).items()}
    return told


def unfreezing_gives_everything_back(impl):
    """unfreeze_bn: the layers take the model's mode, and all of them is trained again"""
    told = {}
    for mode in (True, False):
        model = impl.freeze_bn(_network().train(not mode))
        _steps(model.train(mode))
        impl.unfreeze_bn(model)
        when = f"unfrozen in {'training' if mode else 'evaluation'}"
        told[f"{when}: modules in training"] = _training(model)
        before = _state(model)
        _steps(model)
        told[f"{when}: moved"] = _moved(model, before)["deep.1"]
        for then in (not mode, mode):
            name = "training" if then else "evaluation"
            told[f"{when}: y in {name}"] = _y(model.train(then))
    model = impl.unfreeze_bn(_network().eval())
    return {**told, "never frozen: modules in training": _training(model)}


def the_last_call_counts(impl):
    """again: a second freeze_bn replaces the first, and one unfreeze_bn undoes both"""
    told = {}
    for stats, affine in STATES:
        model = impl.freeze_bn(_network().train())
        impl.freeze_bn(model, stats=stats, affine=affine)
        before = _state(model)
        _steps(model)
        state = f"stats={stats}, affine={affine}"
        told[f"moved with {state} after True, True"] = _moved(model, before)["deep.1"]
        before = _state(impl.unfreeze_bn(model))
        _steps(model)
        told[f"moved unfrozen from {state}"] = _moved(model, before)["deep.1"]
    return told


def a_layer_may_be_the_model(impl):
    """a single layer: frozen, and given back in the mode that it was last asked for"""
    import torch

    freeze = impl.freeze_bn
    calls = {
        "frozen in training": freeze,
        "frozen in evaluation": lambda m: freeze(m.eval()),
        "frozen, then eval()": lambda m: freeze(m).eval(),
        "frozen twice in evaluation, then train()": lambda m: freeze(freeze(m.eval())).train(),
        "unfrozen, then eval(), then frozen": lambda m: freeze(impl.unfreeze_bn(freeze(m)).eval()),
    }
    told = {}
    for name, call in calls.items():
        model = _filled(torch.nn.BatchNorm2d(3))
        before = _state(model)
        call(model)
        _steps(model, x=normal(4, 3, 2, 5, mean=2))
        told[f"moved, {name}"] = _moved(model, before)[""]
        told[f"mode once unfrozen, {name}"] = impl.unfreeze_bn(model).training
    return told


def in_any_shape(impl, draw):
    """any kind of layer, any state, any way to train: what moves, and what comes out"""
    import torch

    model, x = _behind_a_linear(draw.choice(sorted(_kinds())))
    stats, affine = draw.choice(STATES)
    options = {"momentum": draw.choice([0, 0.9]), "weight_decay": draw.choice([0, 0.1])}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, **options)
    to_none = draw.choice([True, False])
    if draw.choice([True, False]):
        _steps(model, optimizer, x=x, to_none=to_none)
    impl.freeze_bn(model, stats=stats, affine=affine)
    before = _state(model)
    _steps(model.train(draw.choice([True, False])), optimizer, x=x, to_none=to_none)
    moved = _moved(model, before).get("1", "nothing")
    if draw.choice([True, False]):
        impl.unfreeze_bn(model)
        _steps(model, optimizer, x=x, to_none=to_none)
    return {"moved": moved, "y": _y(model, x)}


def _network():
    """A small network with three batch norm layers, one of them in a part called deep."""
    from collections import OrderedDict

    from torch import nn

    parts = {
        "first": nn.Conv2d(3, 4, 2),
        "norm": nn.BatchNorm2d(4),
        "relu": nn.ReLU(),
        "deep": nn.Sequential(nn.Conv2d(4, 5, 2), nn.BatchNorm2d(5), nn.ReLU()),
        "flat": nn.Flatten(),
        "wide": nn.Linear(30, 6),
        "last": nn.BatchNorm1d(6),
        "out": nn.Linear(6, 2),
    }
    return _filled(nn.Sequential(OrderedDict(parts)))


def _mixed(mode):
    """Batch norm among other layers; some of these are not in the model's mode, or not trained."""
    from torch import nn

    instance = nn.InstanceNorm2d(4, affine=True, track_running_stats=True)
    others = [instance, nn.GroupNorm(2, 4), nn.Dropout(0.0), nn.LayerNorm(3), nn.Conv2d(4, 4, 1)]
    model = _filled(nn.Sequential(nn.BatchNorm2d(4), *others)).train(mode)
    model[1].train(not mode)
    model[2].weight.requires_grad = False
    return model


def _kinds():
    """Every kind of layer, with the shape of an input."""
    from torch import nn

    return {
        "BatchNorm1d": (nn.BatchNorm1d(3), (6, 3)),
        "BatchNorm2d": (nn.BatchNorm2d(3), (4, 3, 2, 5)),
        "BatchNorm3d": (nn.BatchNorm3d(3), (3, 3, 2, 1, 4)),
        "SyncBatchNorm": (nn.SyncBatchNorm(3), (5, 3, 4)),
        "affine=False": (nn.BatchNorm2d(3, affine=False), (4, 3, 2, 5)),
        "track_running_stats=False": (nn.BatchNorm2d(3, track_running_stats=False), (4, 3, 2, 5)),
    }


def _behind_a_linear(kind):
    """A layer of that kind behind a linear one, in training, and an input."""
    from torch import nn

    layer, shape = _kinds()[kind]
    linear = nn.Linear(shape[-1], shape[-1])
    return _filled(nn.Sequential(linear, layer)).train(), normal(*shape, mean=1, std=2)


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


def _x():
    return normal(6, 3, 5, 4, mean=1, std=2)


def _steps(model, optimizer=None, x=None, to_none=True):
    """Two steps of training, in whatever mode the model is."""
    import torch

    if optimizer is None:
        parameters = model.parameters()
        optimizer = torch.optim.SGD(parameters, lr=0.05, momentum=0.9, weight_decay=0.1)
    for step in range(2):
        # The input asks for a gradient, so that there is one to compute if nothing else does.
        given = torch.tensor(_x() if x is None else x, requires_grad=True)
        y = model(given + step)
        optimizer.zero_grad(set_to_none=to_none)
        ((y - torch.tensor(normal(*y.shape, seed=step))) ** 2).mean().backward()
        optimizer.step()


def _y(model, x=None):
    """The output, in whatever mode the model is."""
    import torch

    with torch.no_grad():
        return model(torch.tensor(_x() if x is None else x)).numpy()


def _names(model):
    return list(model.state_dict())


def _state(model):
    """A copy of all parameters and buffers, by name."""
    return {name: value.clone() for name, value in model.state_dict().items()}


def _moved(model, before):
    """For every layer the names of what is not the same, bit for bit, as it was before."""
    import torch

    moved = {}
    for name, now in model.state_dict().items():
        layer, _, entry = name.rpartition(".")
        here = moved.setdefault(layer, [])
        if not torch.equal(now, before[name]):
            here.append(entry)
    return {layer: ", ".join(entries) or "nothing" for layer, entries in moved.items()}


def _is(one, other):
    return one is other


def oracle():
    """torch behind the contract of freeze_bn."""
    from torch.nn.functional import batch_norm
    from torch.nn.modules.batchnorm import _BatchNorm

    def freeze_bn(model, stats=True, affine=True):
        unfreeze_bn(model)
        for layer in filter(is_batch_norm, model.modules()):
            if stats:
                layer.forward = partial(with_statistics, layer)
            for parameter in layer.parameters():
                parameter.requires_grad_(not affine)
                parameter.grad = None
        return model

    def unfreeze_bn(model):
        for layer in filter(is_batch_norm, model.modules()):
            vars(layer).pop("forward", None)
            layer.train(model.training).requires_grad_(True)
        return model

    def is_batch_norm(module):
        return isinstance(module, _BatchNorm)

    def with_statistics(layer, x):
        mean, var, w, b = layer.running_mean, layer.running_var, layer.weight, layer.bias
        return batch_norm(x, mean, var, w, b, training=mean is None, eps=layer.eps)

    return SimpleNamespace(freeze_bn=freeze_bn, unfreeze_bn=unfreeze_bn)
