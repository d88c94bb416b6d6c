#!/bin/sh
# sh tests/cuda/estimate.sh [RATES]
# sh tests/cuda/estimate.sh --check
#
# Estimates, without a GPU, how long a step of gradient descent takes on an NVIDIA H200 through cuDNN in TF32, kernel by
# kernel: ResNet-18 with 128 samples, and ResNet-50 with 64 of 224 x 224 pixels. step_work counts bytes and FLOP on the
# stand-in for CUDA, of ResNet-50 in steps of 2 and 4 samples, from which those of 64 follow; estimate.awk turns them into
# times by RATES (rates.txt), which says what of this was measured.
# --check: at the rates of version 0.1 (rates_0.1.txt), the work of a step that unfolds (work_0.1.txt, as step_work printed
# it for "resnet18 cuda 128" when kernels moved what those of 0.1 moved) must take what a profile says, within a quarter.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
build=$root/build/tests
. "$root/cmake/need.sh"

if [ "${1:-}" = --check ]; then
  exec awk -f "$root/tests/cuda/estimate.awk" "$root/tests/cuda/rates_0.1.txt" FS='\t' "$root/tests/cuda/work_0.1.txt"
fi
rates=${1:-$root/tests/cuda/rates.txt}
[ -f "$rates" ] || {
  say "estimate.sh: expected a file of rates, found $rates"
  exit 2
}

need_tests
provide
configure "$build" -DCMAKE_BUILD_TYPE=Release -DLOCALIS_BUILD_TESTS=ON -DLOCALIS_BUILD_EXAMPLES=OFF
cmake --build "$build" --target step_work >&2
program=$build/tests/step_work
export OMP_WAIT_POLICY=passive

# estimate NETWORK cuda|cudnn BATCH [TRACED]
estimate() {
  echo "$1 $2, $3 samples: ms, launches, MB read, MB written, fewest blocks, kernel"
  "$program" "$@" >"$build/step_work.txt"
  awk -f "$root/tests/cuda/estimate.awk" "$rates" FS='\t' "$build/step_work.txt"
}
estimate resnet18 cudnn 128
estimate resnet50 cudnn 64 2
