"""Evaluation is a mode, not a loop: it is put on before, and taken off again as it was.

In training mode dropout drops, and batch norm normalizes each batch with itself and remembers it,
under no_grad, too: the score depends on how the data are cut, and looking at the model changes it.
model.train() at the end is no way back: a part that was frozen in evaluation would train from then
on. And a mean of means is a mean only if all batches are of one size, which the last seldom is.
"""

import torch


@torch.no_grad()
def evaluate(model, batches, loss_function):
    modes = [(module, module.training) for module in model.modules()]
    loss, right, count = 0.0, 0.0, 0
    model.eval()
    try:
        for x, labels in batches:
            logits = model(x)
            loss += loss_function(logits, labels).item() * len(x)
            right += (logits.argmax(dim=1) == labels).double().mean().item() * len(x)
            count += len(x)
    finally:
        for module, mode in modes:
            module.training = mode
    if count == 0:
        raise ValueError("expected at least 1 sample, got 0")
    return loss / count, right / count
