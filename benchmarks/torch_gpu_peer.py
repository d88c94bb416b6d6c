"""What PyTorch takes for the steps of step.cu on the same GPU, and what a localized step takes there.

    torch_gpu_peer.py OUT.json [NAMES]

Networks are in channels_last, with cuDNN's fastest algorithms; in float (fp32), with operands rounded to TF32 (tf32),
and under autocast to bfloat16 (bf16); eager, and as a CUDA graph. Medians; peak_bytes is what PyTorch had allocated at
most.

  sgd                all layers by gradient descent with momentum and weight decay, as torch.optim has it
  frozen, localized  all but the last layer rest, or learn by Oja's rule with a relative step, written by hand: each
                     layer's hook takes the weight gradient for the response in place of the error (as FastHebb does),
                     and its forgetting; the last layer's gradient by hand; running statistics in normalizations

NAMES is a regular expression. Writes Google Benchmark's JSON, anew after each row: what was measured is not lost.
"""

import gc
import json
import re
import sys

import torch
from torch import nn
from torch.nn.functional import cross_entropy, one_hot

import torch_peer

NETWORKS = {name: torch_peer.NETWORKS[name] for name in ("resnet18", "resnet20", "main", "vgg11", "mobilenet_v2")}
NETWORKS["resnet50"] = torch_peer.MODELS["resnet50"]
RATE = 1e-6  # of the weights' norm: nothing grows while it is measured


class Job:
    """One network, its batch, and its optimizer."""

    def __init__(self, name, precision):
        make, pixels, channels = NETWORKS[name]
        self.batch = 64 if pixels == 224 else 128
        self.precision = precision
        torch.manual_seed(1)
        torch.backends.cudnn.benchmark = True
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = precision != "fp32"
        self.net = make().cuda().to(memory_format=torch.channels_last).train()
        self.x = torch.randn(self.batch, channels, pixels, pixels, device="cuda").contiguous(
            memory_format=torch.channels_last)
        self.labels = torch.arange(self.batch, device="cuda") % 10

    def outputs(self):
        with torch.autocast("cuda", torch.bfloat16, enabled=self.precision == "bf16"):
            return self.net(self.x)

    def sgd(self, graphed):
        optimizer = torch.optim.SGD(self.net.parameters(), 1e-3, momentum=0.9, weight_decay=5e-4)

        def step():
            optimizer.zero_grad(set_to_none=not graphed)
            cross_entropy(self.outputs().float(), self.labels).backward()
            optimizer.step()

        return step

    def by_hand(self, learns):
        layers = [layer for layer in self.net.modules() if isinstance(layer, (nn.Conv2d, nn.Linear))]
        last = layers[-1]
        for layer in self.net.modules():
            if isinstance(layer, nn.modules.batchnorm._BatchNorm):
                layer.eval()
        if learns:
            for layer in layers[:-1]:
                layer.register_forward_hook(oja)
        seen = {}
        last.register_forward_hook(lambda layer, inputs, output: seen.update(x=inputs[0]))
        targets = one_hot(self.labels, last.out_features).float()
        momentum = torch.zeros_like(last.weight)

        @torch.no_grad()
        def step():
            error = (torch.softmax(self.outputs().float(), 1) - targets) / self.batch
            momentum.mul_(0.9).add_(error.T @ seen["x"].float()).add_(last.weight, alpha=5e-4)
            last.weight.sub_(momentum, alpha=1e-3)
            if last.bias is not None:
                last.bias.sub_(error.sum(0), alpha=1e-3)

        return step


def oja(layer, inputs, u):
    """W += step of relative length along U^T X / P - diag(U^2 / P) W."""
    x = inputs[0].to(u.dtype)
    if isinstance(layer, nn.Conv2d):
        grown = torch.ops.aten.convolution_backward(u, x, layer.weight.to(u.dtype), None, layer.stride, layer.padding,
                                                    layer.dilation, False, [0, 0], layer.groups,
                                                    [False, True, False])[1]
        forgets = u.float().square().sum((0, 2, 3)).view(-1, 1, 1, 1)
    else:
        grown = u.T @ x
        forgets = u.float().square().sum(0).view(-1, 1)
    change = (grown.float() - forgets * layer.weight) / (u.numel() // u.shape[1])
    layer.weight.add_(change * (RATE * layer.weight.norm() / (change.norm() + 1e-12)))


def as_graph(step):
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(5):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def milliseconds(run, least=200, together=10):
    """The median of what some steps in a row take, each, after some to warm up."""
    for _ in range(together):
        run()
    torch.cuda.synchronize()
    times = []
    while sum(times) * together < least or len(times) < 5:
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        for _ in range(together):
            run()
        end.record()
        end.synchronize()
        times.append(start.elapsed_time(end) / together)
    return sorted(times)[len(times) // 2]


def measure(name, precision, graphed, way):
    gc.collect()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    job = Job(name, precision)
    step = job.sgd(graphed) if way == "sgd" else job.by_hand(way == "localized")
    ms = milliseconds(as_graph(step) if graphed else step)
    boundary = "0" if way == "sgd" else "last"
    return {"name": f"{name}/{precision}{'/graph' if graphed else ''}/{way}/T:{boundary}/batch:{job.batch}",
            "run_type": "iteration", "real_time": ms, "time_unit": "ms", "items_per_second": 1e3 * job.batch / ms,
            "peak_bytes": torch.cuda.max_memory_allocated()}


def main():
    wanted = re.compile(sys.argv[2] if len(sys.argv) > 2 else "")
    rows, failed = [], 0
    context = {"torch": torch.__version__, "device": torch.cuda.get_device_name()}
    for way in ("sgd", "frozen", "localized"):
        for name in NETWORKS:
            for precision in ("fp32", "tf32", "bf16") if way == "sgd" else ("tf32", "bf16"):
                for graphed in (False, True):
                    told = f"{name}/{precision}{'/graph' if graphed else ''}/{way}"
                    if not wanted.search(told):
                        continue
                    try:
                        row = measure(name, precision, graphed, way)
                    except RuntimeError as failure:  # one must not end the others
                        print(f"{told}: {str(failure).splitlines()[0]}", file=sys.stderr)
                        failed += 1
                        continue
                    rows.append(row)
                    print(f"{row['name']:52} {row['real_time']:9.3f} ms {row['items_per_second']:8.0f} images/s "
                          f"{row['peak_bytes'] / 2**20:7.0f} MiB", flush=True)
                    with open(sys.argv[1], "w") as file:
                        json.dump({"context": context, "benchmarks": rows}, file, indent=1)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
