"""Compares single layers with PyTorch's, in double: output, gradient of the input, gradient of every parameter.

    layers.py PROGRAM

Runs each layer below in PyTorch, and PROGRAM (layers.cpp), which has the same names, on the same file.

Measure: the largest difference, relative to the largest value of the tensor; at most 1e-12.
"""

import subprocess
import sys
import tempfile

import torch
from safetensors.torch import load_file, save_file
from torch import nn

MAP = (3, 6, 5, 7)  # samples, channels, height, width
SIGNAL = (3, 6, 11)

LAYERS = {
    "gelu": (nn.GELU(), MAP),
    "silu": (nn.SiLU(), MAP),
    "elu": (nn.ELU(), MAP),
    "softplus": (nn.Softplus(), MAP),
    "hard_swish": (nn.Hardswish(), MAP),
    "sigmoid": (nn.Sigmoid(), MAP),
    "group_norm_1": (nn.GroupNorm(1, 6), MAP),
    "group_norm_3": (nn.GroupNorm(3, 6), MAP),
    "group_norm_6": (nn.GroupNorm(6, 6), SIGNAL),
    "conv2d_row": (nn.Conv2d(6, 4, (1, 5), padding=(0, 2)), MAP),
    "conv2d_mixed": (nn.Conv2d(6, 4, (3, 2), (2, 1), (1, 0), (1, 2)), MAP),
    "conv2d_groups": (nn.Conv2d(6, 6, (2, 3), (1, 2), groups=3, bias=False), MAP),
    "depthwise": (nn.Conv2d(6, 6, (3, 1), (2, 1), (1, 0), groups=6), MAP),
    "max_pool2d": (nn.MaxPool2d((3, 2), (1, 2), (1, 0)), MAP),
    "average_pool2d": (nn.AvgPool2d((1, 4), (2, 1), (0, 2)), MAP),
    "conv1d": (nn.Conv1d(6, 5, 3, 2, 1), SIGNAL),
    "conv1d_groups": (nn.Conv1d(6, 6, 2, dilation=3, groups=2), SIGNAL),
    "max_pool1d": (nn.MaxPool1d(3, 2, 1), SIGNAL),
    "average_pool1d": (nn.AvgPool1d(3, 1, 1), SIGNAL),
}


def main():
    torch.manual_seed(1)
    inputs, expected = {}, {}
    for name, (layer, extents) in LAYERS.items():
        layer.double()
        x = (2 * torch.randn(extents, dtype=torch.float64)).requires_grad_()
        for parameter in layer.parameters():  # affine parameters that are not just 0 and 1
            parameter.data += torch.randn_like(parameter)
        y = layer(x)
        dy = torch.randn_like(y)
        y.backward(dy)
        inputs[name + ".x"], inputs[name + ".dy"] = x.detach(), dy
        expected[name + ".y"], expected[name + ".dx"] = y.detach(), x.grad
        for own, parameter in layer.named_parameters():
            inputs[f"{name}.{own}"], expected[f"{name}.{own}"] = parameter.detach(), parameter.grad
    with tempfile.TemporaryDirectory() as folder:
        save_file({name: value.contiguous() for name, value in inputs.items()}, f"{folder}/inputs.safetensors")
        subprocess.run([sys.argv[1], f"{folder}/inputs.safetensors", f"{folder}/results.safetensors"], check=True)
        found = load_file(f"{folder}/results.safetensors")
    missing = set(expected) ^ set(found)
    if missing:
        sys.exit(f"tensors on one side only: {sorted(missing)}")
    failed = False
    for name, value in expected.items():
        deviation = float((found[name] - value).abs().max() / value.abs().max())
        print(f"{name:24} {deviation:9.2e}")
        failed |= not deviation <= 1e-12
    sys.exit(1 if failed else 0)


main()
