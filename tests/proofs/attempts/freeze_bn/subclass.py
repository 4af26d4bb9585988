"""A frozen layer gets another class, made from its own, whose train() only takes note."""

from torch.nn.modules.batchnorm import _BatchNorm

FROZEN = {}


def frozen(kind):
    if kind not in FROZEN:

        class Frozen(kind):
            thawed = kind

            def train(self, mode=True):
                self.wanted = mode
                return super().train(False)

        FROZEN[kind] = Frozen
    return FROZEN[kind]


def freeze_bn(model, stats=True, affine=True):
    for layer in batch_norms(unfreeze_bn(model)):
        if stats:
            mode = layer.training
            layer.__class__ = frozen(type(layer))
            layer.train(mode)
        if affine:
            for p in (layer.weight, layer.bias):
                if p is not None:
                    p.requires_grad_(False).grad = None
    return model


def unfreeze_bn(model):
    mode = getattr(model, "wanted", model.training)
    for layer in batch_norms(model):
        if hasattr(layer, "thawed"):
            layer.__class__ = layer.thawed
            del layer.wanted
        layer.train(mode)
        layer.requires_grad_(True)
    return model


def batch_norms(model):
    return [m for m in model.modules() if isinstance(m, _BatchNorm)]
