"""A train() of one's own freezes only what it is told to freeze, and only if it is told.

A default that says "do not freeze" needs a caller who says otherwise. Statistics and parameters are
two switches, not one inside the other. All batch norms have one base class; BatchNorm2d is one of
its children. And train() returns its module: model = model.eval() relies on it.
"""

from functools import partial

from torch.nn.modules.batchnorm import _BatchNorm


def freeze_bn(model, stats=True, affine=True):
    unfreeze_bn(model)
    for layer in _layers(model):
        if stats:
            layer.asked_for = layer.training
            layer.train = partial(_train, layer, freeze=True)
            layer.train(layer.training)
        if affine:
            for parameter in layer.parameters():
                parameter.requires_grad = False
                parameter.grad = None
    return model


def unfreeze_bn(model):
    mode = getattr(model, "asked_for", model.training)
    for layer in _layers(model):
        vars(layer).pop("train", None)
        vars(layer).pop("asked_for", None)
        layer.train(mode)
        for parameter in layer.parameters():
            parameter.requires_grad = True
    return model


def _layers(model):
    return [layer for layer in model.modules() if isinstance(layer, _BatchNorm)]


def _train(layer, mode=True, freeze=False):
    """What a layer does when train() is called on it or on a module that it is in."""
    layer.asked_for = mode
    layer.training = mode and not freeze
    return layer
