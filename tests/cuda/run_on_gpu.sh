#!/bin/sh
# sh tests/cuda/run_on_gpu.sh [FOLDER]
#
# On a machine with a GPU and the CUDA toolkit (12.4 or later): builds what runs there, and runs the parity tests, the
# benchmarks of update kernels and whole steps and, where FASHION_MNIST names the folder of Fashion-MNIST's files, the
# reference trainer. FOLDER (new: build/gpu) gets the figures as JSON. CMAKE_ARGUMENTS is added to the call of cmake.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
build=${1:-$root/build/gpu}
. "$root/cmake/need.sh"

if ! command -v nvcc >/dev/null 2>&1; then
  say 'tests/cuda/run_on_gpu.sh: expected nvcc on PATH, found none'
  exit 1
fi
need_build
need_components
need doctest-dev has_header doctest-dev doctest/doctest.h
need libcli11-dev has_header libcli11-dev CLI/CLI.hpp
need libbenchmark-dev has_header libbenchmark-dev benchmark/benchmark.h
provide

configure "$build" -DCMAKE_BUILD_TYPE=Release -DLOCALIS_CUDA=ON -DCMAKE_CUDA_ARCHITECTURES=native \
  -DLOCALIS_BUILD_BENCHMARKS=ON
cmake --build "$build" --parallel "$(cores)" --target gpu_test train_cuda bench_rule_cuda bench_step_cuda

nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv
status=0
"$build/tests/gpu_test" || status=1
"$build/benchmarks/bench_rule_cuda" --benchmark_out="$build/rule.json" || status=1
"$build/benchmarks/bench_step_cuda" --benchmark_out="$build/step.json" || status=1
if [ -n "${FASHION_MNIST:-}" ]; then
  "$build/examples/train_cuda" --data "$FASHION_MNIST" --out "$build/train" || status=1
fi
exit $status
