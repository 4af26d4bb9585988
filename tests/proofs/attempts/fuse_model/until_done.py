"""One fold at a time, on the graph, until nothing is left to fold; sums in float64."""

import copy

import torch
from torch import nn
from torch.fx import symbolic_trace


def fuse_model(model):
    network = symbolic_trace(copy.deepcopy(model))
    while fold_one(network):
        pass
    network.graph.lint()
    network.recompile()
    for name, module in network.named_modules():
        module.training = model.get_submodule(name).training
    return network


def fold_one(network):
    calls = [node for node in network.graph.nodes if node.op == "call_module"]
    reads = [node.target for node in network.graph.nodes if node.op == "get_attr"]
    for first in calls:
        layer = network.get_submodule(first.target)
        own = {f"{first.target}.{name}" for name in ("weight", "bias")}
        if len(first.users) != 1 or own & set(reads):
            continue
        if sum(call.target == first.target for call in calls) > 1:
            continue
        (second,) = first.users
        if second.op != "call_module":
            continue
        norm = network.get_submodule(second.target)
        if fit(layer, norm) and not norm.training and norm.running_mean is not None:
            fold(layer, norm)
            second.replace_all_uses_with(first)
            network.graph.erase_node(second)
            if not any(call.target == second.target for call in calls if call is not second):
                network.delete_submodule(second.target)
            return True
    return False


def fit(layer, norm):
    if type(layer) is nn.Linear:
        return type(norm) is nn.BatchNorm1d and norm.num_features == layer.out_features
    kinds = {"Conv1d": "BatchNorm1d", "Conv2d": "BatchNorm2d", "Conv3d": "BatchNorm3d"}
    return kinds.get(type(layer).__name__) == type(norm).__name__


def fold(layer, norm):
    dtype = layer.weight.dtype
    kernel = layer.weight.detach().double()
    b, mean, var, gamma, beta = (
        default if values is None else values.detach().double()
        for values, default in (
            (layer.bias, 0.0),
            (norm.running_mean, 0.0),
            (norm.running_var, 1.0),
            (norm.weight, 1.0),
            (norm.bias, 0.0),
        )
    )
    t = gamma / torch.sqrt(var + norm.eps)
    layer.bias = nn.Parameter(((b - mean) * t + beta).to(dtype))
    layer.weight = nn.Parameter((kernel.movedim(0, -1) * t).movedim(-1, 0).contiguous().to(dtype))
