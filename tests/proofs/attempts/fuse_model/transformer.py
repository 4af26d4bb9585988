"""The pairs are listed first; an fx.Transformer then writes the graph anew and skips the norms."""

import copy

import torch
from torch import fx, nn

NORM_OF = {
    nn.Conv1d: nn.BatchNorm1d,
    nn.Conv2d: nn.BatchNorm2d,
    nn.Conv3d: nn.BatchNorm3d,
    nn.Linear: nn.BatchNorm1d,
}


class Skipping(fx.Transformer):
    """Where a batch norm was called stands what it was called with."""

    def __init__(self, traced, layer_of):
        super().__init__(traced)
        self.layer_of = layer_of

    def run_node(self, node):
        if node in self.layer_of:
            return self.env[self.layer_of[node]]
        return super().run_node(node)


def fuse_model(model):
    traced = fx.symbolic_trace(copy.deepcopy(model))
    layer_of = {}
    for node in traced.graph.nodes:
        if is_pair(traced, node):
            layer_of[node] = node.args[0]
    for norm, layer in layer_of.items():
        fold(traced.get_submodule(layer.target), traced.get_submodule(norm.target))
    fused = Skipping(traced, layer_of).transform()
    for name, module in fused.named_modules():
        module.training = model.get_submodule(name).training
    return fused


def is_pair(traced, node):
    if node.op != "call_module" or not node.args or node.args[0].op != "call_module":
        return False
    before = node.args[0]
    layer, norm = traced.get_submodule(before.target), traced.get_submodule(node.target)
    if type(layer) not in NORM_OF or type(norm) is not NORM_OF[type(layer)]:
        return False
    if norm.training or norm.running_var is None or norm.num_features != layer.weight.shape[0]:
        return False
    uses = [
        other
        for other in traced.graph.nodes
        if other.op in ("call_module", "get_attr")
        and (other.target == before.target or other.target.startswith(before.target + "."))
    ]
    return list(before.users) == [node] and uses == [before]


def fold(layer, norm):
    with torch.no_grad():
        gamma = torch.ones_like(norm.running_var) if norm.weight is None else norm.weight
        beta = torch.zeros_like(norm.running_mean) if norm.bias is None else norm.bias
        scale = gamma / (norm.running_var + norm.eps).sqrt()
        shift = -norm.running_mean if layer.bias is None else layer.bias - norm.running_mean
        layer.weight = nn.Parameter(torch.einsum("o...,o->o...", layer.weight, scale))
        layer.bias = nn.Parameter(shift * scale + beta)
