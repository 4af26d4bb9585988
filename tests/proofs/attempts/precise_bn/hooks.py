"""Own sums of what goes into each layer, collected by hooks; the layers' buffers are set last."""

import torch
from torch import nn

KINDS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)


def precise_bn(model, batches):
    layers = [m for m in model.modules() if isinstance(m, KINDS) and m.running_mean is not None]
    seen = {layer: [] for layer in layers}

    def look(layer, inputs):
        values = inputs[0].transpose(0, 1).flatten(1)
        seen[layer].append(torch.var_mean(values, dim=1))

    modes = [(m, m.training) for m in model.modules()]
    former = [[buffer.clone() for buffer in layer.buffers()] for layer in layers]
    hooks = [layer.register_forward_pre_hook(look) for layer in layers]
    number = 0
    try:
        model.train()
        with torch.no_grad():
            for batch in batches:
                model(batch if torch.is_tensor(batch) else batch[0])
                number += 1
    finally:
        for hook in hooks:
            hook.remove()
        for module, mode in modes:
            module.training = mode
        for layer, buffers in zip(layers, former):
            for buffer, value in zip(layer.buffers(), buffers):
                buffer.copy_(value)
    if number == 0:
        raise ValueError("0 batches were given, at least 1 is needed")
    for layer, moments in seen.items():
        if moments:
            layer.running_var.copy_(sum(var for var, _ in moments) / len(moments))
            layer.running_mean.copy_(sum(mean for _, mean in moments) / len(moments))
            layer.num_batches_tracked.fill_(len(moments))
    return model
