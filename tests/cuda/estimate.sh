#!/bin/sh
# sh tests/cuda/estimate.sh [RATES]
# sh tests/cuda/estimate.sh --check
#
# Estimates, without a GPU, how long a step of gradient descent takes on an NVIDIA H200 through cuDNN in TF32, kernel by
# kernel: ResNet-18 with 128 samples, and ResNet-50 with 64 of 224 x 224 pixels. step_work counts bytes and FLOP on the
# stand-in for CUDA, of ResNet-50 in steps of 2 and 4 samples, from which those of 64 follow; estimate.awk turns them into
# times by RATES (rates.txt), which says what of this was measured.
# --check: at the rates of version 0.1, the kernels of a step that unfolds must take what they took in a profile, within a
# quarter (rates_0.1.txt).
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
build=$root/build/tests
. "$root/cmake/need.sh"

case "${1:-}" in
  --check) rates=$root/tests/cuda/rates_0.1.txt ;;
  *) rates=${1:-$root/tests/cuda/rates.txt} ;;
esac
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
if [ "${1:-}" = --check ]; then
  estimate resnet18 cuda 128
else
  estimate resnet18 cudnn 128
  estimate resnet50 cudnn 64 2
fi
