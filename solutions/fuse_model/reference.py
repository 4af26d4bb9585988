"""What may be folded is a question about the graph of calls, and not about the list of modules.

A layer's output is scaled for everyone who reads it, and a layer's weight for every call of it: the
fold is right only where the batch norm is the one reader of the one call. The order in which
modules were defined says nothing about either; a trace of the forward pass says both.
"""

import copy
from collections import Counter

import torch
from torch import fx, nn

PAIRS = {
    nn.Conv1d: nn.BatchNorm1d,
    nn.Conv2d: nn.BatchNorm2d,
    nn.Conv3d: nn.BatchNorm3d,
    nn.Linear: nn.BatchNorm1d,
}


def fuse_model(model):
    traced = fx.symbolic_trace(copy.deepcopy(model))
    modules = dict(traced.named_modules())
    uses = Counter(_used(node) for node in traced.graph.nodes)
    for node in list(traced.graph.nodes):
        bn = modules[node.target] if node.op == "call_module" else None
        source = node.all_input_nodes[0] if bn else None
        layer = modules[source.target] if bn and source.op == "call_module" else None
        if not _is_pair(layer, bn):
            continue
        if len(source.users) == 1 and uses[source.target] == 1:
            _fold(layer, bn)
            node.replace_all_uses_with(source)
            traced.graph.erase_node(node)
    traced.delete_all_unused_submodules()
    # The trace has made the containers anew, and what is new is in training.
    for name, module in traced.named_modules():
        module.training = model.get_submodule(name).training
    traced.recompile()
    return traced


def _used(node):
    """The name of the module that a node calls, or of which it takes a parameter."""
    return node.target.rpartition(".")[0] if node.op == "get_attr" else node.target


def _is_pair(layer, bn):
    if PAIRS.get(type(layer)) is not type(bn):
        return False
    # In training the batch decides, and without statistics it always does: nothing is constant.
    if bn.training or bn.running_mean is None:
        return False
    # Behind a linear layer on (N, L, I), BatchNorm1d counts L as its channels.
    return bn.num_features == len(layer.weight)


@torch.no_grad()
def _fold(layer, bn):
    t = torch.rsqrt(bn.running_var + bn.eps)
    if bn.weight is not None:
        t = t * bn.weight
    b = 0.0 if layer.bias is None else layer.bias
    beta = 0.0 if bn.bias is None else bn.bias
    # New parameters: another layer may hold the old ones.
    weight = layer.weight * t.reshape(-1, *[1] * (layer.weight.ndim - 1))
    bias = (b - bn.running_mean) * t + beta
    layer.weight, layer.bias = nn.Parameter(weight), nn.Parameter(bias)
