#!/bin/sh
# sh benchmarks/run.sh [--march NAME] [--rounds N] [--out FOLDER] [--quick] [--match REGEX]
# sh benchmarks/run.sh [--march NAME] QUESTION [ARGUMENTS...]
#
# Installs missing packages, builds the benchmarks for this machine and runs them. Without a QUESTION it runs all of
# them, in rounds (3, or N) in which localis and PyTorch take turns. It prints tables of medians and ratios, and writes
# a page with plots and all figures as JSON into FOLDER (a new folder benchmarks-out by default). --quick runs one round
# of a few shapes, to check that everything works. --match measures the steps, layers and rules whose names match, and
# neither memory nor compile time. --march builds for other processors instead, by the name that the compiler's -march
# takes: x86-64-v3 are all with AVX2, to which PyTorch and oneDNN are then limited, x86-64-v4 all with AVX-512.
#
#   rule          the cost of each rule's update besides the response; the arguments are those of Google Benchmark
#   layer         forward, forward and update in one pass, forward and backward, and Eigen's product alone
#   step          whole training steps of six networks: SGD, frozen and localized, for several batches and threads
#   compile_time  the time and memory of compiling; --repeat N takes medians of N, --only TEXT selects rows
#   memory        bytes of training steps, planned, counted and resident; up to 8 GB; --only TEXT selects networks
#   distributed   steps of two ranks: images per second beside PyTorch's, and over a link between two hosts, which root
#                 can have on one machine; not part of a run without a QUESTION. Takes --rounds, --out and --quick, and
#                 --pictures FOLDER with CIFAR-10 or Fashion-MNIST for accuracies
#
#   sh benchmarks/run.sh rule --benchmark_filter=oja --benchmark_repetitions=5
#   sh benchmarks/run.sh compile_time --only resnet50
#   sh benchmarks/run.sh --march x86-64-v3 step
#   sh benchmarks/run.sh --match '/sgd/T:0/batch:128/'
#
# PyTorch is measured on the same number of threads, in float and, where the processor has it, in bfloat16, if
# $LOCALIS_PYTHON (by default python3) can import torch and torchvision; oneDNN where it is installed (Debian 12).
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
. "$root/cmake/need.sh"

march=native
if [ "${1:-}" = --march ]; then
  march=${2:-}
  case $march in '' | -*)
    say "--march: expected the name of a processor, such as x86-64-v3; found: ${march:-nothing}"
    exit 2
    ;;
  esac
  shift 2
fi
build=$root/build/benchmarks
[ "$march" = native ] || build=$build-$march
[ "$march" != x86-64-v3 ] || export ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2

question=
case ${1:-} in
  '' | -*) ;;
  *)
    question=$1
    shift
    if [ ! -f "$root/benchmarks/$question.cpp" ]; then
      say "benchmarks/run.sh: expected one of: rule layer step compile_time memory distributed; found: $question"
      exit 2
    fi
    ;;
esac
rounds=3
out=benchmarks-out
filter=
only=
matched=
pictures=
quick=
if [ -z "$question" ] || [ "$question" = distributed ]; then
  while [ $# -gt 0 ]; do
    case $question$1 in
      *--rounds) rounds=${2:-} && shift ;;
      *--out) out=${2:-} && shift ;;
      *--quick) rounds=1 quick=--quick filter=conv3x3_16_32px\|main/.*batch:128 only=lenet ;;
      --match) filter=${2:-} matched=yes && shift ;;
      distributed--pictures) pictures=${2:-} && shift ;;
      distributed*)
        say "benchmarks/run.sh distributed: expected --rounds N, --out FOLDER, --pictures FOLDER or --quick; found: $1"
        exit 2
        ;;
      *)
        say "benchmarks/run.sh: expected --march NAME first, a question, --rounds N, --out FOLDER, --quick or" \
          "--match REGEX; found: $1"
        exit 2
        ;;
    esac
    shift
  done
  case $rounds in '' | *[!0-9]* | 0*)
    say "--rounds: expected a number from 1; found: ${rounds:-nothing}"
    exit 2
    ;;
  esac
  if [ -z "$out" ] || [ -e "$out" ]; then
    say "--out: expected a new folder; found: ${out:-nothing}"
    exit 2
  fi
fi

need_build
need libbenchmark-dev has_header libbenchmark-dev benchmark/benchmark.h
need libcli11-dev has_header libcli11-dev CLI/CLI.hpp
need nlohmann-json3-dev has_header nlohmann-json3-dev nlohmann/json.hpp
if [ "$question" = distributed ]; then
  need libopenmpi-dev command -v mpicxx
  need openmpi-bin command -v mpirun
fi
provide
offer libdnnl-dev "the comparison with oneDNN 2" has_header libdnnl-dev oneapi/dnnl/dnnl.hpp

configure "$build" -DCMAKE_BUILD_TYPE=Release -DLOCALIS_BUILD_TESTS=OFF -DLOCALIS_BUILD_EXAMPLES=OFF \
  -DLOCALIS_BUILD_BENCHMARKS=ON -DLOCALIS_BENCHMARK_MARCH="$march"
if [ "$question" = distributed ]; then
  cmake --build "$build" --target bench_distributed bench_report --parallel "$(cores)" >&2
  mpirun=$(sed -n 's/^MPIEXEC_EXECUTABLE:[A-Z]*=//p' "$build/CMakeCache.txt")  # of the MPI that CMake has found
  exec sh "$root/benchmarks/distributed.sh" "$build/benchmarks/bench_distributed" "$build/benchmarks/bench_report" \
    "$mpirun" "$rounds" "$out" "$pictures" "$quick"
fi
if [ -n "$question" ]; then
  cmake --build "$build" --target "bench_$question" --parallel "$(cores)" >&2
  exec "$build/benchmarks/bench_$question" "$@"
fi

for target in rule layer step compile_time memory report peers; do
  cmake --build "$build" --target "bench_$target" --parallel "$(cores)" >&2
done
python=${LOCALIS_PYTHON:-python3}
if ! "$python" -c 'import torch, torchvision' 2>/dev/null; then
  say "without PyTorch: $python cannot import torch and torchvision; LOCALIS_PYTHON=... names one that can"
  python=
fi
threads=${OMP_NUM_THREADS:-$(cores)}
mkdir -p "$out"
round=1
while [ "$round" -le "$rounds" ]; do
  for each in step layer rule; do
    say "round $round of $rounds: $each"
    "$build/benchmarks/bench_$each" --benchmark_filter="${filter:-.}" --benchmark_min_time=0.2 \
      --benchmark_out="$out/$each.$round.json" --benchmark_out_format=json >/dev/null
    [ -z "$python" ] ||
      "$python" "$root/benchmarks/torch_peer.py" "$each" "$out/torch_$each.$round.json" "$threads" "${filter:-.}"
  done
  [ ! -x "$build/benchmarks/bench_onednn_peer" ] ||
    "$build/benchmarks/bench_onednn_peer" --benchmark_filter="${filter:-.}" --benchmark_min_time=0.2 \
      --benchmark_out="$out/onednn_layer.$round.json" --benchmark_out_format=json >/dev/null
  find "$out" -name '*.json' -size 0 -exec rm {} +  # of a program in which no name matched
  round=$((round + 1))
done
if [ -z "$matched" ]; then
  "$build/benchmarks/bench_memory" --only "${filter:+resnet20}" --json "$out/memory.json" >/dev/null
  "$build/benchmarks/bench_compile_time" --only "$only" --json "$out/compile_time.json" >/dev/null
fi
"$build/benchmarks/bench_report" "$out"
say "page: $out/report.html, figures: $out/results.json"
