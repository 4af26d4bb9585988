"""What is asked of fuse_model: the network computes what it did, with as few batch norms as can be.

The oracle is torch.fx.experimental.optimization.fuse, kept from what it would fold wrongly.
"""

from types import SimpleNamespace

import numpy as np

from bnbank.arrays import normal, uniform, within

LEVEL = "senior"
MINUTES = 60
AFTER = ["fuse_conv_bn", "fuse_linear_bn"]
CARD = "fuse-a-model"
NEEDS = "torch"
SECONDS = 60  # importing torch and tracing take several of them
BANS = [
    "torch.fx.experimental.optimization.fuse",
    "torch.nn.utils.fuse_conv_bn_eval",
    "torch.nn.utils.fuse_conv_bn_weights",
    "torch.nn.utils.fuse_linear_bn_eval",
    "torch.nn.utils.fuse_linear_bn_weights",
    "torch.nn.utils.fusion.fuse_conv_bn_eval",
    "torch.nn.utils.fusion.fuse_conv_bn_weights",
    "torch.nn.utils.fusion.fuse_linear_bn_eval",
    "torch.nn.utils.fusion.fuse_linear_bn_weights",
]


def folds_a_convolution(impl):
    """pairs: Conv2d and BatchNorm2d become one Conv2d with a bias"""
    from torch import nn

    model = nn.Sequential(nn.Conv2d(3, 5, 3, bias=False), nn.BatchNorm2d(5), nn.ReLU())
    return _observed(impl, _filled(model), normal(2, 3, 6, 5))


def folds_a_linear_layer(impl):
    """pairs: Linear and BatchNorm1d become one Linear"""
    from torch import nn

    model = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 2))
    return _observed(impl, _filled(model), normal(7, 4))


def folds_every_kind_of_pair(impl):
    """pairs: one and three kernel axes, groups, a large eps, no scale and shift"""
    from torch import nn

    one = nn.Sequential(nn.Conv1d(4, 6, 3, padding=1), nn.BatchNorm1d(6, eps=0.5))
    two = nn.Sequential(
        nn.Conv2d(4, 6, (3, 2), stride=2, padding=1, groups=2),
        nn.BatchNorm2d(6, affine=False, eps=0.2),
    )
    three = nn.Sequential(
        nn.Conv3d(4, 4, 2, groups=4, padding_mode="circular", padding=1, bias=False),
        nn.BatchNorm3d(4, eps=1e-3),
    )
    return {
        **_observed(impl, _filled(one), normal(2, 4, 7), "1-d: "),
        **_observed(impl, _filled(two), normal(2, 4, 6, 7), "2-d: "),
        **_observed(impl, _filled(three), normal(2, 4, 3, 4, 5), "3-d: "),
    }


@within(1e-5)
def a_residual_network(impl):
    """networks: a ResNet-18 with narrow layers gives the same, and no batch norm is left"""
    import torch

    model = _filled(_resnet(), torch.float32)
    return _observed(impl, model, normal(2, 3, 32, 32, dtype=np.float32))


@within(1e-5)
def a_mobile_network(impl):
    """networks: a small MobileNetV2 gives the same, and no batch norm is left"""
    import torch

    model = _filled(_mobilenet(), torch.float32)
    return _observed(impl, model, normal(2, 3, 32, 32, dtype=np.float32))


def calls_make_a_pair(impl):
    """pairs: what is called with what decides, not what was defined behind what"""
    from torch import nn

    crossed = _network(
        lambda m, x: m.bn2(m.conv2(m.bn1(m.conv1(x)).relu())),
        bn1=nn.BatchNorm2d(4),
        conv1=nn.Conv2d(4, 4, 1),
        conv2=nn.Conv2d(4, 4, 1),
        bn2=nn.BatchNorm2d(4),
    )
    apart = _network(
        lambda m, x: m.bn2(m.conv2(m.bn1(m.conv1(x).relu()))),
        conv1=nn.Conv2d(4, 4, 1),
        bn1=nn.BatchNorm2d(4),
        conv2=nn.Conv2d(4, 4, 1),
        bn2=nn.BatchNorm2d(4),
    )
    first = _network(
        lambda m, x: m.conv(m.bn(x)), conv=nn.Conv2d(4, 4, 3, padding=1), bn=nn.BatchNorm2d(4)
    )
    return {
        **_observed(impl, _filled(crossed), normal(2, 4, 3, 5), "another order: "),
        **_observed(impl, _filled(apart), normal(2, 4, 3, 5), "a ReLU between: "),
        **_observed(impl, _filled(first), normal(2, 4, 3, 5), "batch norm first: "),
    }


def branches_are_left_alone(impl):
    """branches: a layer whose output has another reader stays; a batch norm may have several"""
    from torch import nn

    def layers():
        return {"conv": nn.Conv2d(4, 4, 1), "bn": nn.BatchNorm2d(4)}

    def forked(m, x):
        z = m.conv(x)
        return m.bn(z).relu() + z

    def returned(m, x):
        z = m.conv(x)
        return m.bn(z), z

    def rejoined(m, x):
        z = m.bn(m.conv(x))
        return z.relu() + z

    def two_norms(m, x):
        z = m.conv(x)
        return m.bn(z) + m.bn2(z).relu()

    x = normal(2, 4, 3, 5)
    branched = _network(two_norms, bn2=nn.BatchNorm2d(4), **layers())
    return {
        **_observed(impl, _filled(_network(forked, **layers())), x, "conv read twice: "),
        **_observed(impl, _filled(_network(returned, **layers())), x, "conv returned: "),
        **_observed(impl, _filled(_network(rejoined, **layers())), x, "bn read twice: "),
        **_observed(impl, _filled(branched), x, "two batch norms: "),
    }


def shared_layers_are_left_alone(impl):
    """sharing: a layer that is called twice, or whose weight is read elsewhere, stays as it is"""
    from torch import nn
    from torch.nn import functional

    twice = _network(
        lambda m, x: m.bn2(m.conv(m.bn1(m.conv(x)).relu())),
        conv=nn.Conv2d(4, 4, 1),
        bn1=nn.BatchNorm2d(4),
        bn2=nn.BatchNorm2d(4),
    )
    tied = _network(
        lambda m, x: functional.linear(m.bn(m.encode(x)).relu(), m.encode.weight.t()),
        encode=nn.Linear(4, 6),
        bn=nn.BatchNorm1d(6),
    )
    return {
        **_observed(impl, _filled(twice), normal(2, 4, 3, 5), "called twice: "),
        **_observed(impl, _filled(tied), normal(7, 4), "weight read elsewhere: "),
    }


def shared_parameters_are_not_changed(impl):
    """sharing: two layers with one Parameter between them are folded apart"""
    from torch import nn

    both = _network(
        lambda m, x: m.bn1(m.conv1(x)).relu() + m.bn2(m.conv2(x)) + m.conv3(x),
        conv1=nn.Conv2d(4, 4, 1),
        bn1=nn.BatchNorm2d(4),
        conv2=nn.Conv2d(4, 4, 1),
        bn2=nn.BatchNorm2d(4),
        conv3=nn.Conv2d(4, 4, 1),
    )
    for layer in (both.conv2, both.conv3):
        layer.weight, layer.bias = both.conv1.weight, both.conv1.bias
    return _observed(impl, _filled(both), normal(2, 4, 3, 5))


def moving_statistics_are_left_alone(impl):
    """modes: a batch norm in training, or without running statistics, stays, and so do all modes"""
    import torch
    from torch import nn

    def layers():
        return nn.Sequential(
            nn.Conv2d(4, 6, 1), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 5, 1), nn.BatchNorm2d(5)
        )

    training, mixed = _filled(layers()).train(), _filled(layers()).train()
    mixed[1].eval()
    untracked = _filled(
        nn.Sequential(nn.Conv2d(4, 6, 1), nn.BatchNorm2d(6, track_running_stats=False))
    )
    x, found = torch.tensor(normal(3, 4, 2, 5)), {}
    for name, model in (("training", training), ("one of two", mixed), ("untracked", untracked)):
        fused = impl.fuse_model(model)
        found[f"{name}: y"] = fused(x).detach().numpy()
        found[f"{name}: batch norms left"] = len(_norms(fused))
        found[f"{name}: the model is in training"] = fused.training
        for norm in _norms(fused):
            if norm.running_mean is not None:
                found[f"{name}: running_mean after a step"] = norm.running_mean.numpy()
    return found


def other_layers_are_left_alone(impl):
    """the rest: functional batch norm, a linear layer on sequences, layer norm, dropout"""
    from torch import nn
    from torch.nn import functional

    def normalizes_itself(m, x):
        z, bn = m.conv(x), m.bn
        return functional.batch_norm(z, bn.running_mean, bn.running_var, bn.weight, bn.bias)

    by_hand = _filled(_network(normalizes_itself, conv=nn.Conv2d(4, 4, 1), bn=nn.BatchNorm2d(4)))
    sequences = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(5), nn.LayerNorm(6), nn.Dropout(0.5))
    return {
        # A trace may keep the numbers of a batch norm that is never called, without the module.
        "functional: y": _observed(impl, by_hand, normal(2, 4, 3, 5))["y"],
        **_observed(impl, _filled(sequences), normal(2, 5, 4), "Linear on (N, 5, 4): "),
    }


def the_copy_is_independent(impl):
    """memory: the model is as it was, and what is done to it later does not reach the copy"""
    import torch

    model = _filled(_resnet(), torch.float32)
    x = torch.tensor(normal(1, 3, 32, 32, dtype=np.float32))
    with torch.no_grad():
        before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        y = model(x)
        fused = impl.fuse_model(model)
        state = model.state_dict()
        changed = [name for name in before if not torch.equal(before[name], state[name])]
        moved = not torch.equal(model(x), y)
        ours = {tensor.data_ptr() for tensor in fused.state_dict().values()}
        shared = sum(tensor.data_ptr() in ours for tensor in state.values())
        left, modes = len(_norms(model)), {m.training for m in model.modules()}
        y_fused = fused(x).clone()
        for tensor in (*model.parameters(), *model.buffers()):
            tensor.zero_()
        reached = not torch.equal(fused(x), y_fused)
    return {
        "tensors of the model that have changed": len(changed) + (before.keys() != state.keys()),
        "the model's output has changed": moved,
        "batch norms left in the model": left,
        "the model is in evaluation": modes == {False},
        "tensors in common": shared,
        "a change of the model reaches the copy": reached,
    }


def keeps_dtype_and_parameters(impl):
    """parameters: what was folded is nn.Parameters in the layer's dtype and under its name"""
    import torch
    from torch import nn

    def model():
        pair = nn.Sequential(nn.Conv2d(3, 5, 2, bias=False), nn.BatchNorm2d(5))
        return nn.Sequential(pair, nn.Flatten())

    found = {}
    for dtype in (torch.float32, torch.float64):
        fused = impl.fuse_model(_filled(model(), dtype))
        found[f"{dtype}"] = sorted({str(p.dtype) for p in fused.parameters()})
        found[f"{dtype}: names"] = sorted(name for name, _ in fused.named_parameters())
        found[f"{dtype}: in evaluation"] = all(not m.training for m in _kept(fused))
    return found


def in_any_shape(impl, draw):
    """any chain of layers, batch norms and activations"""
    from torch import nn

    axes = draw.integer(1, 3)
    conv = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[axes - 1]
    norm = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)[axes - 1]
    layers, width = [], 4
    for _ in range(draw.integer(1, 5)):
        kind = draw.choice(["conv", "norm", "relu"])
        if kind == "conv":
            groups = draw.choice([1, 2])
            layers.append(conv(width, 6, 1, groups=groups, bias=draw.choice([True, False])))
            width = 6
        elif kind == "norm":
            affine = draw.choice([True, False])
            layers.append(norm(width, eps=draw.choice([1e-5, 0.3]), affine=affine))
        else:
            layers.append(nn.ReLU())
    x = normal(2, 4, *[3] * axes, seed=draw.integer(0, 99))
    return _observed(impl, _filled(nn.Sequential(*layers)), x)


def _observed(impl, model, x, label=""):
    """What a folded network computes, how far that is from the network, and what it is made of."""
    import torch

    x = torch.tensor(x)
    with torch.no_grad():
        fused = impl.fuse_model(model)
        y, expected = fused(x), model(x)
        if isinstance(y, tuple):
            y, expected = torch.cat(y), torch.cat(expected)
        scale = expected.abs().max().clamp(min=1)
    return {
        f"{label}y": y.numpy(),
        f"{label}largest difference from the network": float((y - expected).abs().max() / scale),
        f"{label}batch norms left": len(_norms(fused)),
        f"{label}numbers in its parameters": sum(p.numel() for p in fused.parameters()),
    }


def _kept(model):
    """All modules but an nn.Identity, which may have taken the place of a batch norm."""
    from torch import nn

    return [module for module in model.modules() if not isinstance(module, nn.Identity)]


def _norms(model):
    from torch import nn

    return [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]


def _filled(model, dtype=None):
    """The model in evaluation, its parameters and statistics filled with numbers of numpy's."""
    import torch

    with torch.no_grad():
        for seed, (name, tensor) in enumerate(model.state_dict().items()):
            shape = tuple(tensor.shape)
            if name.endswith("running_var"):
                values = uniform(*shape, low=0.5, seed=seed)
            elif tensor.ndim > 1:
                values = normal(*shape, std=1.5 / np.sqrt(tensor[0].numel()), seed=seed)
            elif tensor.ndim == 1:
                values = normal(*shape, mean=name.endswith("weight"), std=0.4, seed=seed)
            else:
                continue
            tensor.copy_(torch.tensor(values))
    return model.to(dtype or torch.float64).eval()


def _network(forward, **layers):
    """A module with these children, in this order, and this forward pass."""
    from torch import nn

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            for name, layer in layers.items():
                setattr(self, name, layer)

        def forward(self, x):
            return forward(self, x)

    return Network()


def _resnet():
    """ResNet-18 with an eighth of its channels, for small images."""
    from torch import nn

    def norm_of(inputs, outputs, size, stride=1):
        conv = nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, bias=False)
        return conv, nn.BatchNorm2d(outputs)

    def block(inputs, outputs, stride):
        conv1, bn1 = norm_of(inputs, outputs, 3, stride)
        conv2, bn2 = norm_of(outputs, outputs, 3)
        same = inputs == outputs and stride == 1
        down = None if same else nn.Sequential(*norm_of(inputs, outputs, 1, stride))

        def forward(m, x):
            z = m.bn2(m.conv2(m.relu(m.bn1(m.conv1(x)))))
            return m.relu(z + (x if m.down is None else m.down(x)))

        children = {"conv1": conv1, "bn1": bn1, "relu": nn.ReLU(inplace=True)}
        return _network(forward, **children, conv2=conv2, bn2=bn2, down=down)

    blocks, width = [], 8
    for outputs in (8, 16, 32, 64):
        blocks += [block(width, outputs, 1 + (outputs > 8)), block(outputs, outputs, 1)]
        width = outputs
    return nn.Sequential(
        *norm_of(3, 8, 3),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2, padding=1),
        *blocks,
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, 10),
    )


def _mobilenet():
    """MobileNetV2 with five blocks of few channels: expand, depthwise, project, add."""
    from torch import nn

    def step(inputs, outputs, size=1, stride=1, groups=1):
        conv = nn.Conv2d(
            inputs, outputs, size, stride, padding=size // 2, groups=groups, bias=False
        )
        return conv, nn.BatchNorm2d(outputs, eps=1e-3)

    def block(inputs, outputs, stride, expansion):
        hidden = inputs * expansion
        layers = [*step(inputs, hidden), nn.ReLU6()] if expansion > 1 else []
        layers += [*step(hidden, hidden, 3, stride, hidden), nn.ReLU6(), *step(hidden, outputs)]
        adds = stride == 1 and inputs == outputs
        return _network(
            lambda m, x: x + m.layers(x) if adds else m.layers(x), layers=nn.Sequential(*layers)
        )

    return _network(
        lambda m, x: m.classifier(m.features(x).mean([2, 3])),
        features=nn.Sequential(
            *step(3, 8, 3, 2),
            nn.ReLU6(),
            block(8, 8, 1, 1),
            block(8, 12, 2, 4),
            block(12, 12, 1, 4),
            block(12, 16, 2, 4),
            block(16, 16, 1, 4),
            *step(16, 48),
            nn.ReLU6(),
        ),
        classifier=nn.Sequential(nn.Dropout(0.2), nn.Linear(48, 10)),
    )


def oracle():
    """torch.fx.experimental.optimization.fuse, from which is hidden what it would fold wrongly.

    It folds pairs of exact classes only. So a layer that is used twice, and a batch norm that is in
    training or counts another axis than its linear layer, are of a subclass while it looks.
    """
    import copy
    from collections import Counter

    from torch import fx, nn
    from torch.fx.experimental import optimization

    def fuse_model(model):
        model = copy.deepcopy(model)
        modes = {name: module.training for name, module in model.named_modules()}
        graph, modules = fx.symbolic_trace(model).graph, dict(model.named_modules())
        uses = Counter()
        for node in graph.nodes:
            if node.op == "call_module":
                uses[node.target] += 1
            elif node.op == "get_attr":
                uses[node.target.rpartition(".")[0]] += 1
        hidden = [modules[name] for name, count in uses.items() if name in modules and count > 1]
        hidden += [norm for norm in _norms(model) if norm.training]
        for node in graph.nodes:
            if node.op == "call_module" and node.all_input_nodes[0].op == "call_module":
                layer, norm = modules[node.all_input_nodes[0].target], modules[node.target]
                if isinstance(layer, nn.Linear) and isinstance(norm, nn.BatchNorm1d):
                    hidden += [norm] * (layer.out_features != norm.num_features)
        for module in {id(module): module for module in hidden}.values():
            # A class of torch.nn by name, so that the tracer takes it for a layer, too.
            kind = type(module)
            module.__class__ = type("Hidden", (kind,), {"__module__": "torch.nn", "kind": kind})
        for module in model.modules():
            module.training = module in hidden and module.training
        fused = optimization.fuse(model)
        for name, module in fused.named_modules():
            module.__class__ = getattr(module, "kind", module.__class__)
            module.training = modes.get(name, module.training)
        return fused

    return SimpleNamespace(fuse_model=fuse_model)
