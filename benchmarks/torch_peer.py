"""Measures PyTorch on the work of layer.cpp, rule.cpp and step.cpp, under the same names.

    torch_peer.py layer|rule|step OUT.json THREADS [NAMES]

Contiguous and channels_last are measured, and the faster is reported. Where the processor multiplies bfloat16, each row
is measured again in it, under the name and ":bfloat16": a step under autocast, a layer with all arrays in bfloat16.
Layers and rules are written as in FastHebb: the update is the weight gradient of the layer for the gates in place of
the error (Lagani et al. 2022), followed by the forget term of the rule. NAMES is a regular expression. Steps are those
of SGD with momentum and weight decay, as in torch.optim. The output is JSON in the format of Google Benchmark.
"""

import json
import os
import pathlib
import re
import sys
import time

import torch
from torch import nn
from torch.nn.functional import conv2d, cross_entropy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "parity"))
from networks import MODELS  # noqa: E402

LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


def has_bfloat16():
    """Whether the processor multiplies bfloat16, and oneDNN is not limited to instructions that cannot."""
    if os.environ.get("ONEDNN_MAX_CPU_ISA"):
        return False
    try:
        flags = pathlib.Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags or " bf16" in flags


def seconds_of(run, least=0.3):
    """Mean seconds of wall and of the processor, after two runs to warm up."""
    run()
    run()
    count, start, work = 0, time.perf_counter(), time.process_time()
    while count < 2 or time.perf_counter() - start < least:
        run()
        count += 1
    return (time.perf_counter() - start) / count, (time.process_time() - work) / count


# Layers and rules.

# Name: samples, pixels, channels, units, kernel, groups.
SHAPES = {
    "dense_784x512": (128, 1, 784, 512, 1, 1),
    "dense_1024x1024": (128, 1, 1024, 1024, 1, 1),
    "dense_4096x1000": (128, 1, 4096, 1000, 1, 1),
    "conv3x3_3-64_32px": (128, 32, 3, 64, 3, 1),
    "conv3x3_16_32px": (128, 32, 16, 16, 3, 1),
    "conv3x3_64_32px": (128, 32, 64, 64, 3, 1),
    "conv3x3_128_16px": (128, 16, 128, 128, 3, 1),
    "conv3x3_256_8px": (128, 8, 256, 256, 3, 1),
    "conv3x3_512_4px": (128, 4, 512, 512, 3, 1),
    "conv1x1_128_16px": (128, 16, 128, 128, 1, 1),
    "depthwise3x3_64_32px": (128, 32, 64, 64, 3, 64),
}


def hebb(u):
    return u, None


def oja(u):
    return u, u * u


def k_winners(u):
    gates = torch.zeros_like(u).scatter_(1, u.argmax(1, keepdim=True), 1.0)
    return gates, gates


def soft_hebb(u):
    soft = torch.softmax(u, 1)
    winner = u.argmax(1, keepdim=True)
    gates = -soft
    gates.scatter_(1, winner, soft.gather(1, winner))
    return gates, gates * u


RULES = {rule.__name__: rule for rule in (hebb, oja, k_winners, soft_hebb)}


class Layer:
    """One layer on one layout; dense layers as matrices, where layouts are one."""

    def __init__(self, shape, layout, kind):
        samples, pixels, channels, units, kernel, self.groups = shape
        torch.manual_seed(1)
        self.dense = pixels == 1
        inputs = kernel * kernel * channels // self.groups
        if self.dense:
            self.x = torch.randn(samples, channels)
            self.w = torch.randn(units, channels) * (2 / inputs) ** 0.5
            self.d = torch.randn(samples, units)
        else:
            self.x = torch.randn(samples, channels, pixels, pixels).contiguous(memory_format=layout)
            self.w = (torch.randn(units, channels // self.groups, kernel, kernel) * (2 / inputs) ** 0.5).contiguous(
                memory_format=layout)
            self.d = torch.randn(samples, units, pixels, pixels).contiguous(memory_format=layout)
        self.padding = kernel // 2
        self.x, self.w, self.d = (array.to(kind) for array in (self.x, self.w, self.d))

    def forward(self):
        return self.x @ self.w.T if self.dense else conv2d(self.x, self.w, padding=self.padding, groups=self.groups)

    def gradients(self, d, of_input):
        if self.dense:
            return (d @ self.w if of_input else None), d.T @ self.x
        return torch.ops.aten.convolution_backward(d, self.x, self.w, None, [1, 1], [self.padding] * 2, [1, 1], False,
                                                   [0, 0], self.groups, [of_input, True, False])[:2]

    def backward(self):
        self.forward()
        self.gradients(self.d, True)

    def learn(self, rule, rate=1e-9):
        u = self.forward()
        gates, forget = rule(u)
        rows = u.numel() // u.shape[1]
        change = self.gradients(gates, False)[1]
        if forget is not None:
            per_unit = forget.sum(tuple(d for d in range(u.dim()) if d != 1))
            change = torch.addcmul(change, per_unit.view(-1, *[1] * (self.w.dim() - 1)), self.w, value=-1)
        self.w.add_(change, alpha=rate / rows)


KINDS = {"": torch.float32, ":bfloat16": torch.bfloat16}


def layer_job(shape, run, kind):
    ways = [LAYOUTS["contiguous"]] if shape.startswith("dense") else LAYOUTS.values()
    return lambda: (min(seconds_of(lambda of=Layer(SHAPES[shape], way, kind): run(of)) for way in ways),
                    SHAPES[shape][0])


def layer_jobs():
    passes = {"forward": Layer.forward, "backward": Layer.backward}
    passes.update({rule: lambda of, r=RULES[rule]: of.learn(r) for rule in ("hebb", "oja")})
    return {f"{shape}/{name}{end}": layer_job(shape, run, kind) for end, kind in KINDS.items() for shape in SHAPES
            for name, run in passes.items()}


def rule_jobs():
    return {f"{rule}/{shape}": layer_job(shape, lambda of, r=RULES[rule]: of.learn(r), torch.float32) for rule in RULES
            for shape in SHAPES if not (shape.startswith("depthwise") and rule in ("k_winners", "soft_hebb"))}


# Whole steps.


def main_network():  # zoo/six_stages.hpp
    def conv(channels, units):
        return [nn.Conv2d(channels, units, 3, padding=1), nn.BatchNorm2d(units), nn.ReLU()]
    return nn.Sequential(*conv(1, 32), nn.MaxPool2d(2), *conv(32, 32), nn.MaxPool2d(2), *conv(32, 64), *conv(64, 64),
                         nn.Flatten(), nn.Linear(64 * 7 * 7, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Dropout(0.5),
                         nn.Linear(128, 10))


# Name: network, pixels, channels, classes.
NETWORKS = {"main": (main_network, 28, 1, 10)}
for ours, theirs in {"resnet20": "resnet20", "vgg11": "vgg11_32", "resnet18": "resnet18_32",
                     "mobilenet_v2": "mobilenet_v2_32"}.items():
    NETWORKS[ours] = (*MODELS[theirs][:3], 10)
NETWORKS["resnet50"] = (*MODELS["resnet50"][:3], 1000)


def step_seconds(network, batch, layout, kind):
    make, pixels, channels, classes = NETWORKS[network]
    torch.manual_seed(1)
    net = make().to(memory_format=layout).train()
    x = torch.randn(batch, channels, pixels, pixels).contiguous(memory_format=layout)
    labels = torch.arange(batch) % classes
    optimizer = torch.optim.SGD(net.parameters(), 1e-3, momentum=0.9, weight_decay=5e-4)

    def step():
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=kind == torch.bfloat16):
            loss = cross_entropy(net(x), labels)
        loss.backward()
        optimizer.step()

    return seconds_of(step, 1.0)


def step_job(network, batch, threads, end=""):
    def job():
        torch.set_num_threads(threads)
        return min(step_seconds(network, batch, layout, KINDS[end]) for layout in LAYOUTS.values()), batch
    return f"{network}/sgd/T:0/batch:{batch}/threads:{threads}{end}", job


def step_jobs(threads):
    fewer = [2**k for k in range(10) if 2**k < threads]
    return dict([step_job(network, 16 if network == "resnet50" else 128, threads, end) for network in NETWORKS
                 for end in KINDS] +
                [step_job(network, batch, threads) for network in ("main", "resnet20") for batch in (16, 32, 64, 256)] +
                [step_job(network, 128, few) for network in ("main", "resnet20") for few in fewer])


def main():
    question, out, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    wanted = re.compile(sys.argv[4] if len(sys.argv) > 4 else "")
    torch.set_num_threads(threads)
    jobs = {"layer": layer_jobs, "rule": rule_jobs, "step": lambda: step_jobs(threads)}[question]()
    rows = []
    for name, job in jobs.items():
        if not wanted.search(name) or (name.endswith(":bfloat16") and not has_bfloat16()):
            continue
        (seconds, work), samples = job()
        print(f"{name:60} {1e3 * seconds:10.3f} ms", file=sys.stderr)
        rows.append({"name": name, "run_type": "iteration", "real_time": 1e3 * seconds, "cpu_time": 1e3 * work,
                     "time_unit": "ms", "items_per_second": samples / seconds})
    with open(out, "w") as file:
        json.dump({"context": {"torch": torch.__version__, "threads": threads}, "benchmarks": rows}, file, indent=1)


if __name__ == "__main__":
    main()
