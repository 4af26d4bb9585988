"""Write the freezing of a network's batch norm layers, whatever is trained around them.

On torch.nn modules.
"""


def freeze_bn(model, stats=True, affine=True):
    """Freeze every batch norm layer of a model, in place.

    model   any nn.Module; its batch norm layers are those of 1, 2 and 3 dimensions and
            SyncBatchNorm, at any depth, affine or not, tracking statistics or not; it may be such a
            layer itself.
    stats   True: the layers normalize with their running statistics, which do not move (nor does
            num_batches_tracked), in whichever mode the model is. False: as the model's mode says.
    affine  True: weight and bias do not move. False: they are trained.

    After it the layers are in the one of four states that was asked for, whatever state they were
    in before. They stay in it through any later train() or eval() of the model, of a part of it or
    of a layer, and through steps of an optimizer with momentum and weight decay, whether it was
    made before or after, and whether zero_grad sets gradients to None or to zeros. What is frozen
    stays as it was, bit for bit.

    Gradients still pass through the layers. All other layers, their modes, the model's own mode,
    the names in state_dict() and the parameter objects stay as they are; train() and eval() still
    return their module.

    Returns the model.

    Source: MMDetection's norm_eval and requires_grad; torch.nn.modules.batchnorm.
    """
    raise NotImplementedError


def unfreeze_bn(model):
    """Undo freeze_bn: the layers take the model's mode, and weight and bias are trained again.

    model  as above, frozen once, several times or not at all.

    If the model is a frozen layer itself, its mode becomes the one that train() or eval() last
    asked for, while it was frozen or before.

    Returns the model.
    """
    raise NotImplementedError
