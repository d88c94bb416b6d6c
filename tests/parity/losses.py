"""Compares the losses of localis with PyTorch's, in value and gradient.

    losses.py PROGRAM

PROGRAM (losses.cpp) and PyTorch compute the mean loss of one batch of 64 samples with 10 outputs, some of them large, and
its gradient. Measure: norm(a - b) / norm(b), against PyTorch in double: in double at most 1e-13; in float at most 3 times
what PyTorch in float is off, or 1e-6 where that is less.
"""

import sys

import torch
from torch import nn

from compare import compare

SAMPLES, OUTPUTS = 64, 10


def losses(batch):
    rows, shares, distributions, labels = (batch[n] for n in ("rows", "shares", "distributions", "labels"))
    return {
        "mean_squared_error": lambda z: nn.functional.mse_loss(z, rows),
        "huber": lambda z: nn.functional.huber_loss(z, rows),
        "huber_narrow": lambda z: nn.functional.huber_loss(z, rows, delta=0.3),
        "binary": lambda z: nn.functional.binary_cross_entropy_with_logits(z, shares),
        "cross_entropy": lambda z: nn.functional.cross_entropy(z, labels),
        "cross_entropy_rows": lambda z: nn.functional.cross_entropy(z, distributions),
        "smooth": lambda z: nn.functional.cross_entropy(z, labels, label_smoothing=0.1),
        "smooth_rows": lambda z: nn.functional.cross_entropy(z, distributions, label_smoothing=0.1),
    }


def torch_run(batch, dtype):
    batch = {name: value.to(dtype) if value.is_floating_point() else value for name, value in batch.items()}
    found = {}
    for name, loss in losses(batch).items():
        outputs = batch["outputs"].clone().requires_grad_()
        value = loss(outputs)
        value.backward()
        found["loss." + name] = value.detach().double()
        found["gradient." + name] = outputs.grad.double()
    return found


def main():
    program = sys.argv[1]
    torch.manual_seed(1)
    # Values of float, so that both precisions see the same batch.
    outputs = torch.randn(SAMPLES, OUTPUTS) * torch.tensor([0.1, 1.0, 10.0, 100.0]).repeat(SAMPLES // 4)[:, None]
    batch = {
        "outputs": outputs,
        "rows": outputs + torch.randn(SAMPLES, OUTPUTS),
        "shares": torch.rand(SAMPLES, OUTPUTS),
        # Their sums are exactly 1: of other rows PyTorch's gradient is sum(t) softmax(z) - t, ours softmax(z) - t.
        "distributions": torch.distributions.Multinomial(1024, torch.ones(SAMPLES, OUTPUTS)).sample() / 1024,
        "labels": torch.randint(0, OUTPUTS, (SAMPLES,)),
    }
    expected = torch_run(batch, torch.float64)
    theirs = torch_run(batch, torch.float32)
    off = lambda found, name: float((found[name].double() - expected[name]).norm() / expected[name].norm())
    compare(program, batch, expected, theirs, off, 1e-13)


main()
