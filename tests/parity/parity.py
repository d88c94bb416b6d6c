"""Compares localis with PyTorch: the same weights, the same batch, number for number.

    parity.py PROGRAM MODEL

Runs MODEL in PyTorch in double and in float, and PROGRAM (parity.cpp.in) on the same files, and compares the outputs
in evaluation, and in training logits, loss, the gradient of every parameter, and every parameter and statistic after three
steps of plain SGD (rate 0.01), dropout off.

Measure: norm(a - b) / max(norm(b), floor), with floor = 1e-6 times the largest norm among the tensors of the same kind.
The gradient of a bias in front of a normalization is 0: it is compared with 0, since what PyTorch's sum leaves there is
rounding (7e-14 over the 400000 positions of VGG-16's first layer, where ours leaves 5e-15). In double at most 1e-9, for
each of five batches (large pictures: three, which take minutes each). In float, against PyTorch in double: at most 3 times
what PyTorch in float is off, or 1e-6 where that is less. Where a rectifier falls to its other side by rounding, the
gradients of all layers before it jump by a thousand times their rounding error, in PyTorch as here, but not in the same
batches. PyTorch's own deviation is therefore the largest of three ways to compute the same (contiguous, channels last,
without oneDNN), and the ratio that of the second best batch: what is computed wrongly, or with larger errors, is so in
every batch.
"""

import subprocess
import sys
import tempfile

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from networks import MODELS

SAMPLES = 8
KINDS = ("evaluation", "logits", "loss", "gradient.", "after.")


def torch_run(make, state, x, labels, dtype, layout=torch.contiguous_format):
    """What PyTorch makes of it, under the names that the program gives."""
    net = make()
    net.load_state_dict(state)
    net.to(dtype).to(memory_format=layout)
    for module in net.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    found = {}
    with torch.no_grad():
        found["evaluation"] = net.eval()(x.to(dtype).contiguous(memory_format=layout))
    net.train()
    optimizer = torch.optim.SGD(net.parameters(), 0.01)
    for step in range(3):
        optimizer.zero_grad()
        logits = net(x.to(dtype).contiguous(memory_format=layout))
        loss = nn.functional.cross_entropy(logits, labels)
        loss.backward()
        if step == 0:
            found["logits"] = logits.detach()
            found["loss"] = loss.detach().reshape(1)
            for name, p in net.named_parameters():
                found["gradient." + name] = p.grad.clone()
        optimizer.step()
    for name, value in net.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            found["after." + name] = value
    return {name: value.double() for name, value in found.items()}


def biases_before_normalization(net):
    """Names of the biases that a batch normalization takes away again."""
    for name, block in net.named_modules():
        if isinstance(block, nn.Sequential):
            layers = list(block.named_children())
            for (first, layer), (_, following) in zip(layers, layers[1:]):
                if isinstance(following, nn.BatchNorm2d) and getattr(layer, "bias", None) is not None:
                    yield f"{name}.{first}.bias"


def deviations(found, expected, floors):
    return {name: float((found[name].double() - expected[name]).norm() / max(float(expected[name].norm()), floors[name]))
            for name in expected}


def worst(values, kind):
    name = max((n for n in values if n.startswith(kind)), key=lambda n: values[n])
    return values[name], name


def one_batch(program, model, seed):
    """Deviations by tensor: ours in double, ours in float, PyTorch's in float in several ways."""
    make, pixels, channels, scheme = MODELS[model]
    torch.manual_seed(seed)
    net = make()
    with torch.no_grad():
        for name, value in net.state_dict().items():  # statistics and affine parameters that are not just 0 and 1
            if name.endswith("running_mean") or name.endswith(".bias"):
                value += 0.1 * torch.randn_like(value)
            elif name.endswith("running_var") or (value.dim() == 1 and name.endswith(".weight")):
                value *= 1 + 0.2 * torch.rand_like(value)
    state = {name: value.clone() for name, value in net.state_dict().items()}
    x = torch.randn(SAMPLES, channels, pixels, pixels)
    labels = torch.randint(0, 10, (SAMPLES,))

    expected = torch_run(make, state, x, labels, torch.float64)
    theirs = [torch_run(make, state, x, labels, torch.float32),
              torch_run(make, state, x, labels, torch.float32, torch.channels_last)]
    with torch.backends.mkldnn.flags(enabled=False):
        theirs.append(torch_run(make, state, x, labels, torch.float32))
    for name in biases_before_normalization(net):
        expected["gradient." + name].zero_()
    floors = {}
    for kind in KINDS:
        names = [n for n in expected if n.startswith(kind)]
        largest = max(float(expected[n].norm()) for n in names)
        floors.update({n: 1e-6 * largest for n in names})

    with tempfile.TemporaryDirectory() as folder:
        weights, batch, results = (f"{folder}/{n}.safetensors" for n in ("weights", "batch", "results"))
        save_file(state, weights)
        save_file({"x": x, "labels": labels}, batch)
        ours = {}
        for scalar in ("double", "float"):
            subprocess.run([program, scalar, scheme, weights, batch, results], check=True)
            ours[scalar] = load_file(results)
            missing = set(expected) ^ set(ours[scalar])
            if missing:
                sys.exit(f"{model}: tensors on one side only: {sorted(missing)}")
    return (deviations(ours["double"], expected, floors), deviations(ours["float"], expected, floors),
            [deviations(way, expected, floors) for way in theirs])


def main():
    program, model = sys.argv[1:]
    batches = [one_batch(program, model, seed) for seed in range(5 if MODELS[model][1] < 100 else 3)]
    names = batches[0][0]
    exact = {n: max(b[0][n] for b in batches) for n in names}
    rounded = {n: sorted(b[1][n] for b in batches)[1] for n in names}
    ratio = {n: sorted(b[1][n] / max(1e-6 / 3, *(way[n] for way in b[2])) for b in batches)[1] for n in names}
    failed = False
    for kind in KINDS:
        value, name = worst(exact, kind)
        print(f"{model:16} double  {kind:10} {value:9.2e}  {name}")
        failed |= not value <= 1e-9
        value, name = worst(ratio, kind)
        print(f"{model:16} float   {kind:10} {rounded[name]:9.2e}  {name} ({value:.2f} x PyTorch's own)")
        failed |= not value <= 3
    sys.exit(1 if failed else 0)


main()
