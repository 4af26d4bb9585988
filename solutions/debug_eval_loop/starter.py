"""Mend a validation loop: its scores depend on the batch size, and it changes the model.

On torch.nn modules. There are four defects; the docstring is right, and so is whatever has nothing
to do with them.
"""

import torch


def evaluate(model, batches, loss_function):
    """Mean loss and accuracy of a classifier, as it will be used: no batch is normalized by itself.

    model          any nn.Module that gives logits (N, K) for inputs x.
    batches        an iterable of (x, labels), labels (N,) integers, gone through once. Batches may
                   differ in N.
    loss_function  called with logits and labels, gives the mean loss of a batch, one value.

    Returns (loss, accuracy), two floats: means over all samples, each counting alike, whatever
    batches they come in.

    The model is in evaluation mode meanwhile, all of it, and no gradients are computed. Afterwards
    every module is in the mode that it was in before, also when the model or the loss raises.
    Nothing that the model holds has changed: no parameter, gradient, running statistic or count.

    Raises ValueError if there is no sample.

    Source: torch.nn.Module.eval and torch.no_grad, which do two different things.
    """
    loss, right, count = 0.0, 0.0, 0
    try:
        for x, labels in batches:
            logits = model(x)
            loss += loss_function(logits, labels).item()
            right += (logits.argmax(dim=1) == labels).double().mean().item()
            count += 1
    finally:
        model.train()
    if count == 0:
        raise ValueError("expected at least 1 sample, got 0")
    return loss / count, right / count
