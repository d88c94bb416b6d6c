#!/bin/sh
# sh .gpu/call1.sh      the first of three calls: are the results right, and what can the card do? About 5 minutes.
#
# Describes the machine, runs the tests of the GPU, repeats some of them under compute-sanitizer, and times copies,
# launches and single kernels.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
. "$here/calls.sh"
begin

run 20 machine nvidia-smi
found machine 'MiB.*%'
run 20 host sh -c 'lscpu; free -g; df -h .; nvcc --version; python3 --version; ldd "$1"/*; true' sh "$bin"
found host 'not found' 6
run 200 gpu_test "$bin/gpu_test"
found gpu_test 'TEST CASE|ERROR|test cases|assertions' 30
if [ -x "$bin/gpu_cudnn_test" ]; then
  run 100 cudnn_test "$bin/gpu_cudnn_test"
  found cudnn_test 'TEST CASE|ERROR|test cases|assertions' 30
else
  leave_out cudnn_test 'no gpu_cudnn_test: cuDNN was missing where it was packed'
fi
if command -v compute-sanitizer >/dev/null 2>&1; then
  run 120 memcheck compute-sanitizer --tool memcheck --error-exitcode 9 "$bin/gpu_test" --test-case-exclude='*training*'
  found memcheck 'ERROR SUMMARY|Invalid|test cases' 6
  run 60 racecheck compute-sanitizer --tool racecheck --error-exitcode 9 "$bin/gpu_test" --test-case='*convolutions*'
  found racecheck 'SUMMARY|hazard|test cases' 6
else
  leave_out memcheck 'no compute-sanitizer'
fi
run 150 kernels "$bin/bench_kernel_cuda" --benchmark_out="$logs/kernels.json" --benchmark_out_format=json
figures kernels
finish
