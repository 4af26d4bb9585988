"""Fold every batch norm of a network that stands behind a convolution or a linear layer, in a copy.

With torch. The network is a whole model: branches, layers that are called twice and batch norms
with statistics that still move have to come out as they went in.
"""

import torch
from torch import fx, nn


def fuse_model(model):
    """A copy of the model with every pair of layer and batch norm folded into the layer.

    model  an nn.Module that torch.fx.symbolic_trace can trace.

    A pair is a layer and the batch norm that is called with its output, in whatever order the two
    were defined: Conv1d and BatchNorm1d, Conv2d and BatchNorm2d, Conv3d and BatchNorm3d, or Linear
    and BatchNorm1d with as many features as the linear layer puts out. Linear layers are called
    with (N, features): of (N, L, features) a batch norm takes L for the channels, and a trace
    cannot see that. A pair is folded if
    - nothing but the batch norm uses the layer's output,
    - the layer is called once, and its weight and bias are not used elsewhere in the forward pass,
    - the batch norm is in evaluation and has running statistics.
    Two layers may share one Parameter; folding one of them leaves the other as it is.

    Returns an nn.Module that computes what the model computes, to rounding. In it the batch norm of
    a folded pair is gone; the layer has a weight and a bias that are nn.Parameters, and keeps its
    name and its dtype. Everything else, modes included, is as in the model. The model itself is not
    changed, and the two share no memory.

    Source: torch.fx.experimental.optimization.fuse, which folds layers that are called twice, too.
    """
    raise NotImplementedError
