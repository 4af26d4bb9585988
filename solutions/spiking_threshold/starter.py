"""Fold batch normalization into the threshold of a spiking neuron, and add spikes to a residual.

NumPy alone. A neuron without leak and without memory spikes where its input reaches the threshold;
a batch norm in front of it, in evaluation, can be absorbed by another threshold per channel.
"""

import numpy as np


def fold_bn_into_threshold(threshold, running_mean, running_var, weight, bias, eps=1e-5):
    """The thresholds with which the raw x gives the spikes that its batch norm gave.

    The neuron spikes where
    weight * (x - running_mean) / sqrt(running_var + eps) + bias >= threshold, per channel.

    threshold     a number, or (C,).
    running_mean  (C,).
    running_var   (C,).
    weight, bias  (C,), scale and shift of the batch norm; None: without that one.
    eps           added to running_var, inside the square root.

    Returns (threshold, flipped), two new arrays (C,): the neuron spikes where x >= threshold, or
    x <= threshold in a channel that is flipped. threshold has the dtype of running_mean, flipped is
    boolean, true where weight is negative. Where weight is 0, x does not matter: the threshold is
    -inf if the neuron always spikes and inf if it never does.

    The arguments are not modified. The arithmetic is in float32 or better whatever the dtype.

    Raises ValueError, naming what was expected and what was given, if running_mean has not one axis
    or another array not its shape; TypeError if an array holds integers or booleans.

    Source: the comparison itself, solved for x.
    """
    raise NotImplementedError


def sew_add(spikes, residual):
    """What a block of SEW-ResNet with g = ADD passes on: its own spikes added to what came in.

    spikes    any shape, the spikes of the block's last neurons: 0 or 1, floating.
    residual  the same shape, what came into the block: whole numbers from 0, floating.

    Returns a new array of that shape in the dtype of spikes. Raises ValueError, naming both shapes,
    if they differ; TypeError if one of the two holds integers or booleans.

    Source: Fang et al. 2021, Deep residual learning in spiking neural networks, section 3.2.
    """
    raise NotImplementedError
