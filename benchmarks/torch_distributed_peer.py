"""Measures PyTorch's DistributedDataParallel over gloo on the steps of distributed.cpp --scaling, under the same names.

    torch_distributed_peer.py RANKS THREADS OUT.json

Each rank has a process and a part of the batch, by whose own moments it normalizes. One rank runs without
DistributedDataParallel. Contiguous and channels_last are measured, and the faster is reported.
"""
import json
import os
import sys
import tempfile
import time

import torch
from torch import distributed, multiprocessing
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel

from torch_peer import LAYOUTS, NETWORKS

BATCH = 128
WARM = 2
TIMED = {"main": 20, "resnet20": 4}  # steps


def step_seconds(network, batch, ranks, layout):
    """Mean seconds of a step, of wall and of this rank's processor."""
    make, pixels, channels, classes = NETWORKS[network]
    torch.manual_seed(1)
    net = make().to(memory_format=layout).train()
    if ranks > 1:
        net = DistributedDataParallel(net)
    x = torch.randn(batch // ranks, channels, pixels, pixels).contiguous(memory_format=layout)
    labels = torch.arange(batch // ranks) % classes
    optimizer = torch.optim.SGD(net.parameters(), 1e-3, momentum=0.9, weight_decay=5e-4)

    def steps(count):
        for _ in range(count):
            optimizer.zero_grad()
            cross_entropy(net(x), labels).backward()
            optimizer.step()

    steps(WARM)
    if ranks > 1:
        distributed.barrier()
    start, work = time.perf_counter(), time.process_time()
    steps(TIMED[network])
    return (time.perf_counter() - start) / TIMED[network], (time.process_time() - work) / TIMED[network]


def measure(rank, ranks, threads, meeting, out):
    torch.set_num_threads(threads)
    if ranks > 1:
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
        distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=ranks)
    rows = []
    for network in TIMED:
        for batch in sorted({BATCH, BATCH * ranks * threads}):
            seconds, work = min(step_seconds(network, batch, ranks, layout) for layout in LAYOUTS.values())
            name = f"{network}/batch:{batch}/ranks:{ranks}/threads:{threads}"
            rows.append({"name": name, "run_type": "iteration", "real_time": 1e3 * seconds, "cpu_time": 1e3 * work,
                         "time_unit": "ms", "items_per_second": batch / seconds})
            if rank == 0:
                print(f"{name:60} {1e3 * seconds:10.3f} ms (torch)", file=sys.stderr)
    if rank == 0:
        with open(out, "w") as file:
            json.dump({"context": {"torch": torch.__version__}, "benchmarks": rows}, file, indent=1)
    if ranks > 1:
        distributed.destroy_process_group()


def main():
    ranks, threads, out = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    with tempfile.TemporaryDirectory() as folder:
        multiprocessing.spawn(measure, (ranks, threads, f"{folder}/meeting", out), nprocs=ranks)


if __name__ == "__main__":
    main()
