"""Write precise batch norm: running statistics from the data, with the weights as they are now.

On torch.nn modules.
"""


def precise_bn(model, batches):
    """Replace the running statistics of every batch norm layer by those of the given batches.

    model    any nn.Module; its batch norm layers are those of 1, 2 and 3 dimensions and
             SyncBatchNorm, at any depth; it may be such a layer itself.
    batches  an iterable, gone through once, of at least one input of the model; a batch may also be
             a tuple or a list whose first item is the input.

    running_mean becomes the average of the batches' means and running_var that of their unbiased
    variances (divided by m - 1), every batch counting alike; num_batches_tracked becomes the
    number of batches. Nothing of the former statistics is left. Each layer normalizes with its
    batch while the statistics are taken, as in training.

    It does not matter in which mode the model or a layer is, nor what momentum a layer has. Both
    are as before afterwards, module by module, also when the model raises. No gradients are
    computed; parameters and their gradients stay as they are. Layers without statistics stay
    without. Which mode layers of other kinds are in meanwhile is not asked.

    Returns the model.
    Raises ValueError if there is no batch; the statistics are then as before.

    Source: Wu and Johnson 2021, Rethinking "Batch" in BatchNorm, section 3; Ioffe and Szegedy 2015,
    algorithm 2; torch.optim.swa_utils.update_bn.
    """
    raise NotImplementedError
