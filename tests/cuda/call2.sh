#!/bin/sh
# sh .gpu/call2.sh      the second of three calls: how fast is it? About 8 minutes.
#
# Times whole steps of six networks, the same steps in PyTorch on the same card, and the update of every rule.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
. "$here/calls.sh"
begin

# step NAME PROGRAM NETWORK
step() {
  run 40 "$1" "$bin/$2" --benchmark_filter="^$3/" --benchmark_out="$logs/$1.json" --benchmark_out_format=json
  figures "$1"
}
for network in resnet18 resnet50 resnet20 main vgg11 mobilenet_v2; do
  [ ! -x "$bin/bench_step_cudnn" ] || step "step_${network}_cudnn" bench_step_cudnn $network
  step "step_$network" bench_step_cuda $network
done
run 240 torch python3 "$root/benchmarks/torch_gpu_peer.py" "$logs/torch.json"
found torch ' ms ' 60
run 90 rules "$bin/bench_rule_cuda" --benchmark_filter='/(dense_1024x1024|conv3x3_64_32px)' --benchmark_min_time=0.1 \
  --benchmark_out="$logs/rules.json" --benchmark_out_format=json
figures rules
finish
