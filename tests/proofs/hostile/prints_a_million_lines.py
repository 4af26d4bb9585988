"""Not solved yet"""

import numpy as np


class BatchNorm2D:
    def __init__(self, *args, **kwargs):
        self.weight = self.bias = self.running_mean = self.running_var = np.zeros(3)
        self.num_batches_tracked, self.training = 0, True

    def forward(self, x):
        print("line\n" * 1_000_000)

    def train(self, mode=True):
        return self

    def eval(self):
        return self
