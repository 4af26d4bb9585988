"""Hooks: evaluation for the time of each forward pass, whatever train() has said."""

from torch import nn

KINDS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)


def freeze_bn(model, stats=True, affine=True):
    for layer in model.modules():
        if not isinstance(layer, KINDS):
            continue
        for hook in layer.__dict__.pop("freezing_hooks", ()):
            hook.remove()
        if stats:
            layer.freezing_hooks = (
                layer.register_forward_pre_hook(go_to_evaluation),
                layer.register_forward_hook(come_back, always_call=True),
            )
        else:
            layer.train(model.training)
        for p in layer.parameters(recurse=False):
            p.requires_grad_(not affine)
            if affine:
                p.grad = None
    return model


def unfreeze_bn(model):
    return freeze_bn(model, stats=False, affine=False)


def go_to_evaluation(layer, inputs):
    layer.asked_for = layer.training
    layer.training = False


def come_back(layer, inputs, output):
    layer.training = layer.__dict__.pop("asked_for", layer.training)
