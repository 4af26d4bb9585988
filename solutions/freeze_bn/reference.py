"""Four things move a batch norm layer, and each has a switch of its own.

The forward pass in training moves the statistics: evaluation mode stops that, neither requires_grad
nor no_grad does. Every model.train() sets the mode again, so the layer itself has to decline. The
optimizer moves weight and bias: requires_grad stops new gradients, but zeros left behind as
gradients are still moved by momentum and weight decay; None is passed over.
"""

from functools import partial

from torch.nn.modules.batchnorm import _BatchNorm


def freeze_bn(model, stats=True, affine=True):
    unfreeze_bn(model)
    for layer in _layers(model):
        if stats:
            layer.mode_asked_for = layer.training
            layer.eval()
            # An attribute of the instance is found before the class's method, by the train() of the
            # module around it, too. A partial can be copied and pickled with its layer.
            layer.train = partial(_stay, layer)
        if affine:
            for parameter in layer.parameters():
                parameter.requires_grad = False
                parameter.grad = None
    return model


def unfreeze_bn(model):
    mode = getattr(model, "mode_asked_for", model.training)
    for layer in _layers(model):
        vars(layer).pop("train", None)
        vars(layer).pop("mode_asked_for", None)
        layer.train(mode)
        for parameter in layer.parameters():
            parameter.requires_grad = True
    return model


def _layers(model):
    # The common base of 1d, 2d, 3d and Sync; instance norm is not among its children.
    return [layer for layer in model.modules() if isinstance(layer, _BatchNorm)]


def _stay(layer, mode=True):
    layer.mode_asked_for = mode
    return layer
