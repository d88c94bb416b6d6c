#!/bin/sh
# sh .gpu/call3.sh      the third of three calls: does it learn, and where does a step's time go? About 9 minutes.
#
# Trains from beginning to end on the packed pictures (or on those in FASHION_MNIST and LOCALIS_CIFAR10, which are
# folders as the examples read them), and collects the counters of the kernels of one step.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
. "$here/calls.sh"
begin

# train SECONDS NAME FOLDER COMMAND...   and its report among the logs
train() {
  seconds=$1
  name=$2
  shift 2
  run "$seconds" "$name" "$@" --out "$scratch/$name"
  found "$name" '^\|' 12
  for file in report.json epochs.csv; do
    [ ! -f "$scratch/$name/$file" ] || cp "$scratch/$name/$file" "$logs/$name.$file"
  done
}

fashion=${FASHION_MNIST:-$scratch/fashion-mnist}
if [ -n "${FASHION_MNIST:-}" ] || pictures fashion-mnist "$fashion"; then
  train 220 fashion "$bin/boundaries_cuda" --data "$fashion" --seeds 1
else
  leave_out fashion 'no pictures of Fashion-MNIST'
fi
cifar10=${LOCALIS_CIFAR10:-$scratch/cifar10}
if [ -n "${LOCALIS_CIFAR10:-}" ] || pictures cifar10 "$cifar10"; then
  train 170 cifar10 "$bin/train_resnet20_32_cuda" --data "cifar10:$cifar10" --seeds 1 --epochs 5 \
    --only sgd,localized-static,frozen-static
else
  leave_out cifar10 'no pictures of CIFAR-10'
fi
if command -v ncu >/dev/null 2>&1; then
  metrics=gpu__time_duration.sum,dram__bytes.sum,launch__grid_size,launch__registers_per_thread
  metrics=$metrics,sm__throughput.avg.pct_of_peak_sustained_elapsed,sm__warps_active.avg.pct_of_peak_sustained_active
  # One step of some 600 launches, behind those that begin it all.
  run 150 ncu ncu --clock-control none --csv --page raw --launch-skip 1200 --launch-count 600 --metrics "$metrics" \
    --log-file "$logs/ncu.csv" "$bin/bench_step_cuda" --benchmark_filter='^resnet18/tf32/sgd'
else
  leave_out ncu 'no ncu'
fi
finish
