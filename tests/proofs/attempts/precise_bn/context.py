"""A context manager that sets momentum to None and gives everything back."""

from contextlib import contextmanager

import torch
from torch.nn.modules.batchnorm import _BatchNorm


@contextmanager
def measuring(model):
    modes = {m: m.training for m in model.modules()}
    momenta = {m: m.momentum for m in modes if isinstance(m, _BatchNorm)}
    for layer in momenta:
        layer.training = True
        layer.momentum = None
        if layer.running_mean is not None:
            layer.running_mean.zero_()
            layer.running_var.fill_(1)
            layer.num_batches_tracked.zero_()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode
        for layer, momentum in momenta.items():
            layer.momentum = momentum


def precise_bn(model, batches):
    remaining = iter(batches)
    batch = next(remaining, None)
    if batch is None:
        raise ValueError("at least one batch is needed, there was none")
    with torch.no_grad(), measuring(model):
        while batch is not None:
            model(batch if isinstance(batch, torch.Tensor) else batch[0])
            batch = next(remaining, None)
    return model
