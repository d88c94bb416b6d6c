"""Compares the optimizers of localis, and its clipping of gradients, with PyTorch's.

    optimizers.py PROGRAM

PROGRAM (optimizers.cpp) and PyTorch take 50 steps from the same weights with the same gradients, some of which are small.
Measure: norm(a - b) / norm(b) of the change of the weights, against PyTorch in double: in double at most 1e-12; in float at
most 3 times what PyTorch in float is off, or 1e-6 where that is less.
"""

import sys

import torch
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

from compare import compare

SIZE, STEPS = 64, 50

OPTIMIZERS = {
    "sgd": lambda w: torch.optim.SGD(w, 0.1, momentum=0.9, weight_decay=0.01),
    "nesterov": lambda w: torch.optim.SGD(w, 0.1, momentum=0.8, nesterov=True, weight_decay=0.01),
    "adam": lambda w: torch.optim.Adam(w, 0.01, weight_decay=0.01),
    "adamw": lambda w: torch.optim.AdamW(w, 0.01, weight_decay=0.1),
    "rmsprop": lambda w: torch.optim.RMSprop(w, 0.01, alpha=0.9, weight_decay=0.01),
    "rmsprop_momentum": lambda w: torch.optim.RMSprop(w, 0.01, momentum=0.7),
}
# Of the gradients, 30 have a norm above 40, and 17 have one above 8.5 once their values are limited.
CLIPPING = {
    "clip_value": lambda w: clip_grad_value_(w, 2),
    "clip_norm": lambda w: clip_grad_norm_(w, 40),
    "clip_value_and_norm": lambda w: (clip_grad_value_(w, 2), clip_grad_norm_(w, 8.5)),
}
OPTIMIZERS |= {name: lambda w: torch.optim.SGD(w, 0.1, momentum=0.9) for name in CLIPPING}


def torch_run(series, dtype):
    found = {}
    for name, make in OPTIMIZERS.items():
        weights = series["weights"].to(dtype).clone().requires_grad_()
        optimizer = make([weights])
        for gradient in series["gradients"].to(dtype):
            weights.grad = gradient.clone()
            if name in CLIPPING:
                CLIPPING[name]([weights])
            optimizer.step()
        found[name] = weights.detach().double()
    return found


def main():
    program = sys.argv[1]
    torch.manual_seed(1)
    # Values of float, so that both precisions see the same series.
    scale = torch.tensor([1e-3, 0.1, 1.0, 10.0]).repeat(SIZE // 4)
    series = {"weights": torch.randn(SIZE), "gradients": torch.randn(STEPS, SIZE) * scale}
    start = series["weights"].double()
    expected = torch_run(series, torch.float64)
    theirs = torch_run(series, torch.float32)
    off = lambda found, name: float((found[name].double() - expected[name]).norm() / (expected[name] - start).norm())
    compare(program, series, expected, theirs, off, 1e-12)


main()
