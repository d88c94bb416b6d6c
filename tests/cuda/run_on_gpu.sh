#!/bin/sh
# sh tests/cuda/run_on_gpu.sh [FOLDER]
#
# Runs the tests, benchmarks and training runs of call1.sh, call2.sh and call3.sh on a machine with a GPU. FOLDER (a new
# folder build/gpu-results by default) receives a summary and the logs of each. If pack.sh has packed programs in .gpu/,
# it runs those. Otherwise it builds them for the GPU of the machine, which requires the CUDA toolkit (12.4 or later)
# and headers: those in .gpu/headers.tar.xz, if it exists, or those that are installed or in a package registry. It
# trains on the pictures in the folders FASHION_MNIST and LOCALIS_CIFAR10, if these are set. CMAKE_ARGUMENTS is added to
# the call of cmake.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
results=${1:-$root/build/gpu-results}
. "$root/cmake/need.sh"
. "$root/tests/cuda/programs.sh"

calls=$root/.gpu
if [ ! -f "$calls/programs.tar.xz" ] && [ ! -d "$calls/programs" ]; then
  calls=$root/tests/cuda
  export PROGRAMS="$root/build/gpu"
  if ! command -v nvcc >/dev/null 2>&1; then
    say 'run_on_gpu.sh: expected nvcc on PATH, or .gpu/programs.tar.xz (sh tests/cuda/pack.sh); found neither'
    exit 1
  fi
  if [ -f "$root/.gpu/headers.tar.xz" ]; then
    prefix=$PROGRAMS/prefix
    mkdir -p "$prefix"
    xz -dc "$root/.gpu/headers.tar.xz" | tar -xf - -C "$prefix"
    for folder in "$prefix"/usr/include "$prefix"/usr/include/*-linux-gnu; do
      [ ! -d "$folder" ] || export CPATH="$folder${CPATH:+:$CPATH}"
    done
    export CMAKE_PREFIX_PATH="$prefix/usr${CMAKE_PREFIX_PATH:+:$CMAKE_PREFIX_PATH}"
    export LD_LIBRARY_PATH="$prefix/usr/lib/$(uname -m)-linux-gnu${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
  fi
  need_programs
  if ! (provide); then
    say 'a machine that reaches no package registry: sh tests/cuda/pack.sh elsewhere, and .gpu/ copied here, is enough'
    exit 1
  fi
  # shellcheck disable=SC2086
  build_programs "$PROGRAMS" native $programs
fi

status=0
for call in call1 call2 call3; do
  OUT=$results/$call sh "$calls/$call.sh" || status=1
done
exit $status
