"""A moving average follows weights that move, and is late; with the weights at rest it is exact.

One pass in training mode shows every layer the data as the network makes it now. With momentum None
the k-th batch counts 1/k, which makes the moving average the plain one: nothing of the initial
values, and nothing of the former weights, is left in it.
"""

from itertools import chain

import torch
from torch.nn.modules.batchnorm import _BatchNorm


@torch.no_grad()
def precise_bn(model, batches):
    batches = iter(batches)
    try:
        first = next(batches)
    except StopIteration:
        raise ValueError("expected at least 1 batch, got 0") from None
    layers = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    modes = [(module, module.training) for module in model.modules()]
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None
        layer.train()
    try:
        for batch in chain([first], batches):
            model(batch[0] if isinstance(batch, (tuple, list)) else batch)
    finally:
        for module, mode in modes:
            module.training = mode
        for i, layer in enumerate(layers):
            layer.momentum = momenta[i]
    return model
