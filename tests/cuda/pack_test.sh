#!/bin/sh
# sh tests/cuda/pack_test.sh
#
# Packs the smallest of the programs and runs the calls, as they would run on a machine with a GPU, up to the driver
# that is missing here: each step says so and ends with a status of its own. Where there is no nvcc, or where there is
# a GPU, it says so and does nothing.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
. "$root/cmake/need.sh"

if ! command -v nvcc >/dev/null 2>&1; then
  say 'no nvcc on PATH: nothing is packed here for a machine with a GPU'
  exit 0
fi
if nvidia-smi -L >/dev/null 2>&1; then
  say 'a GPU is here: sh tests/cuda/run_on_gpu.sh does more than this'
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/tree"
cp -r "$root/benchmarks" "$root/tests" "$work/tree"
export FASHION_MNIST="$work/none" LOCALIS_CIFAR10=
if ! sh "$root/tests/cuda/pack.sh" --only bench_kernel_cuda --out "$work/tree/.gpu" >"$work/packed"; then
  cat "$work/packed" >&2
  exit 1
fi
unset FASHION_MNIST

status=0
fail() {
  say "$@"
  status=1
}
says() { grep -qE -- "$2" "$1" || fail "expected '$2' in: $(cat "$1")"; }
says "$work/packed" '^left out: Fashion-MNIST'
says "$work/packed" '^left out: CIFAR-10'
export LIMIT=20
for call in call1 call2 call3; do
  rc=0
  OUT=$work/$call sh "$work/tree/.gpu/$call.sh" >"$work/printed" 2>&1 || rc=$?
  [ "$rc" -le 1 ] || fail "$call.sh: expected status 0 or 1, found $rc: $(cat "$work/printed")"
  [ -s "$work/$call/logs.tgz" ] || fail "$call.sh: expected logs.tgz, found none"
done
says "$work/call1/summary.txt" '^kernels +rc +1, '
says "$work/call1/summary.txt" '^    bench_kernel_cuda: cuda: cudaGetDevice[A-Za-z]*: cudaError(InsufficientDriver|NoDevice)'
says "$work/call2/summary.txt" '^step_resnet18 +rc 127, '
says "$work/call3/summary.txt" '^fashion +left out: no pictures'

# Names need no GPU, one each, and are what a filter takes.
names=$("$work/tree/.gpu/programs/bin/bench_kernel_cuda" --benchmark_list_tests --benchmark_filter='^unfold/64ch_32px')
[ "$(echo "$names" | wc -l)" = 1 ] || fail "expected one name of a kernel, found: $names"
[ $status = 0 ] || exit 1
say "packed, and run up to the driver: $(cat "$work"/call?/summary.txt | grep -c ' rc ') steps"
