#!/bin/sh
# sh benchmarks/run.sh [QUESTION] [ARGUMENTS...]
#
# Installs what is missing, builds the benchmark of one question for this machine and runs it. The questions:
#
#   rule          what each rule's update costs beside the response; arguments are Google Benchmark's
#   compile_time  what compiling costs, in time and memory; --repeat N takes medians of N, --only TEXT some rows
#   memory        bytes of training steps, planned, counted and resident; up to 8 GB; --only TEXT some networks
#
#   sh benchmarks/run.sh rule --benchmark_filter=oja --benchmark_repetitions=5
#   sh benchmarks/run.sh compile_time --only resnet50
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
build=$root/build/benchmarks
. "$root/cmake/need.sh"

question=rule
case ${1:-} in
  '' | -*) ;;
  *)
    question=$1
    shift
    ;;
esac
if [ ! -f "$root/benchmarks/$question.cpp" ]; then
  say "benchmarks/run.sh: expected one of: $(cd "$root/benchmarks" && echo *.cpp | sed 's/\.cpp//g'); found: $question"
  exit 2
fi

# Threads of libgomp that wait for long keep other programs from the cores, and in turn wait for those.
export GOMP_SPINCOUNT="${GOMP_SPINCOUNT:-2000}"

need_build
case $question in
  rule) need libbenchmark-dev has_header libbenchmark-dev benchmark/benchmark.h ;;
  *) need libcli11-dev has_header libcli11-dev CLI/CLI.hpp ;;
esac
provide

# shellcheck disable=SC2086
if ! log=$(cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DLOCALIS_BUILD_TESTS=OFF \
  -DLOCALIS_BUILD_EXAMPLES=OFF -DLOCALIS_BUILD_BENCHMARKS=ON ${CMAKE_ARGUMENTS:-} 2>&1); then
  printf '%s\n' "$log" >&2
  exit 1
fi
cmake --build "$build" --target "bench_$question" --parallel "$(cores)" >&2
exec "$build/benchmarks/bench_$question" "$@"
