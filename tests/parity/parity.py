"""Compares localis with PyTorch: the same weights, the same batch, number for number.

    parity.py PROGRAM MODEL

Runs MODEL in PyTorch in double and in float, and PROGRAM (parity.cpp.in) on the same files, and compares logits, loss, the
gradient of every parameter, and every parameter and statistic after three steps of plain SGD (rate 0.01), dropout off.

Measure: norm(a - b) / max(norm(b), floor), with floor = 1e-6 times the largest norm among the tensors of the same kind: a
bias in front of a normalization has a gradient of 0 and is compared absolutely. In double at most 1e-9, for each of five
batches. In float, against PyTorch in double: at most 3 times what PyTorch in float is off, or 1e-6 where that is less. Where
a rectifier falls to its other side by rounding, a tensor jumps: PyTorch's own deviation is therefore the largest of three
ways to compute the same (contiguous, channels last, without oneDNN), and the ratio the median over the batches.
"""

import statistics
import subprocess
import sys
import tempfile

import torch
from safetensors.torch import load_file, save_file
from torch import nn


def conv_bn(channels, units, kernel, stride=1, groups=1, relu=nn.ReLU):
    layers = [nn.Conv2d(channels, units, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(units)]
    return nn.Sequential(*layers, relu()) if relu else nn.Sequential(*layers)


class FeaturesAndClassifier(nn.Module):
    def __init__(self, features, classifier):
        super().__init__()
        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(*classifier)

    def forward(self, x):
        return self.classifier(torch.flatten(self.features(x), 1))


def lenet(channels=1, padding=2):
    return FeaturesAndClassifier(
        [nn.Conv2d(channels, 6, 5, padding=padding), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.Tanh(),
         nn.AvgPool2d(2)],
        [nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10)])


def alexnet_32():
    pool = lambda: nn.MaxPool2d(2)
    return FeaturesAndClassifier(
        [nn.Conv2d(3, 64, 11, 4, 5), nn.ReLU(), pool(), nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), pool(),
         nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(), nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(),
         nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(), pool()], [nn.Linear(256, 10)])


def vgg_32(counts):
    features, channels = [], 3
    for count, units in zip(counts, (64, 128, 256, 512, 512)):
        for _ in range(count):
            features += [nn.Conv2d(channels, units, 3, padding=1), nn.BatchNorm2d(units), nn.ReLU()]
            channels = units
        features.append(nn.MaxPool2d(2))
    return FeaturesAndClassifier(features, [nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)])


class Basic(nn.Module):
    def __init__(self, channels, units, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, units, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(units)
        self.conv2 = nn.Conv2d(units, units, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(units)
        self.downsample = None
        if stride != 1 or channels != units:
            self.downsample = nn.Sequential(nn.Conv2d(channels, units, 1, stride, bias=False), nn.BatchNorm2d(units))

    def forward(self, x):
        main = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(main + (self.downsample(x) if self.downsample else x))


class SmallResNet(nn.Module):
    def __init__(self, counts, widths):
        super().__init__()
        self.conv1 = nn.Conv2d(3, widths[0], 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        channels = widths[0]
        for group, (count, units) in enumerate(zip(counts, widths), 1):
            blocks = []
            for block in range(count):
                blocks.append(Basic(channels, units, 2 if block == 0 and group > 1 else 1))
                channels = units
            setattr(self, f"layer{group}", nn.Sequential(*blocks))
        self.groups = len(counts)
        self.fc = nn.Linear(channels, 10)

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        for group in range(1, self.groups + 1):
            x = getattr(self, f"layer{group}")(x)
        return self.fc(x.mean((2, 3)))


def mobilenet_v2_32():
    import torchvision
    net = torchvision.models.mobilenet_v2(num_classes=10)
    net.features[0][0].stride = (1, 1)
    net.features[2].conv[1][0].stride = (1, 1)
    return net


def torchvision_model(name):
    def make():
        import torchvision
        return getattr(torchvision.models, name)()
    return make


# Name: network, pixels, channels.
MODELS = {
    "lenet": (lenet, 28, 1),
    "lenet_32": (lambda: lenet(3, 0), 32, 3),
    "alexnet_32": (alexnet_32, 32, 3),
    "vgg11_32": (lambda: vgg_32((1, 1, 2, 2, 2)), 32, 3),
    "resnet20": (lambda: SmallResNet((3, 3, 3), (16, 32, 64)), 32, 3),
    "resnet56": (lambda: SmallResNet((9, 9, 9), (16, 32, 64)), 32, 3),
    "resnet18_32": (lambda: SmallResNet((2, 2, 2, 2), (64, 128, 256, 512)), 32, 3),
    "mobilenet_v2_32": (mobilenet_v2_32, 32, 3),
    "alexnet": (torchvision_model("alexnet"), 224, 3),
    "vgg11": (torchvision_model("vgg11_bn"), 224, 3),
    "vgg16": (torchvision_model("vgg16_bn"), 224, 3),
    "resnet18": (torchvision_model("resnet18"), 224, 3),
    "resnet34": (torchvision_model("resnet34"), 224, 3),
    "resnet50": (torchvision_model("resnet50"), 224, 3),
    "mobilenet_v2": (torchvision_model("mobilenet_v2"), 224, 3),
}

SAMPLES = 8
BATCHES = 5
KINDS = ("logits", "loss", "gradient.", "after.")


def torch_run(make, state, x, labels, dtype, layout=torch.contiguous_format):
    """What PyTorch makes of it, under the names that the program gives."""
    net = make()
    net.load_state_dict(state)
    net.to(dtype).to(memory_format=layout).train()
    for module in net.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    found = {}
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


def deviations(found, expected, floors):
    return {name: float((found[name].double() - expected[name]).norm() / max(float(expected[name].norm()), floors[name]))
            for name in expected}


def worst(values, kind):
    name = max((n for n in values if n.startswith(kind)), key=lambda n: values[n])
    return values[name], name


def one_batch(program, model, seed):
    """Deviations by tensor: ours in double, ours in float, PyTorch's in float in several ways."""
    make, pixels, channels = MODELS[model]
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
            subprocess.run([program, scalar, weights, batch, results], check=True)
            ours[scalar] = load_file(results)
            missing = set(expected) ^ set(ours[scalar])
            if missing:
                sys.exit(f"{model}: tensors on one side only: {sorted(missing)}")
    return (deviations(ours["double"], expected, floors), deviations(ours["float"], expected, floors),
            [deviations(way, expected, floors) for way in theirs])


def main():
    program, model = sys.argv[1:]
    batches = [one_batch(program, model, seed) for seed in range(BATCHES)]
    names = batches[0][0]
    exact = {n: max(b[0][n] for b in batches) for n in names}
    rounded = {n: statistics.median(b[1][n] for b in batches) for n in names}
    ratio = {n: statistics.median(b[1][n] / max(1e-6 / 3, *(way[n] for way in b[2])) for b in batches) for n in names}
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
