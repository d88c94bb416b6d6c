#!/bin/sh
# sh tests/cuda/compile.sh [--full] [ARCHITECTURE...]
# sh tests/cuda/compile.sh --table [ARCHITECTURE]
#
# Compiles with nvcc, for each ARCHITECTURE (80), the trainer of the GPU, every warning an error, and prints what ptxas
# says of its kernels: registers, and the bytes of them that did not fit; also, where NCCL and MPI are found, what ranks with
# a GPU each run (ranks.cu). --full: also the GPU's tests and benchmarks, and with cuDNN, where it is found, the tests of
# its backend.
# Then every policy that is shipped (stores.cpp): a kernel that stores into fewer arrays than its function object has to
# write is one from which nvcc has dropped calls of functions that are not constexpr, and fails (stores.awk).
# --table: of the kernels that move most of a step's bytes (table.cu), for ARCHITECTURE (90), the registers, the bytes of
# them that did not fit, the widest load and store in bits, the instructions for each element (of reductions: in all), the
# integer divisions and the stores in loops; bounds that are not kept fail (table.awk). Needs cuobjdump, and gets it by pip
# where the toolkit has none; ends with 77 where there is none to be had.
# Runs nothing; needs no GPU. Where there is no nvcc it says so and does nothing.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
build=$root/build/cuda
. "$root/cmake/need.sh"

if ! command -v nvcc >/dev/null 2>&1; then
  say 'no nvcc on PATH: what runs on a GPU is not compiled here'
  exit 0
fi
if [ "${1:-}" = --table ]; then
  mkdir -p "$build"
  tools='nvidia-cuda-cuobjdump nvidia-cuda-nvdisasm'
  if ! command -v cuobjdump >/dev/null 2>&1; then
    # shellcheck disable=SC2086
    [ -d "$build/tools" ] || python3 -m pip install -q --root-user-action=ignore --target "$build/tools" $tools >&2 ||
      rm -rf "$build/tools"
    for folder in "$build"/tools/nvidia/*/bin; do
      chmod +x "$folder"/* 2>/dev/null || true
      PATH=$folder:$PATH
    done
  fi
  if ! command -v cuobjdump >/dev/null 2>&1; then
    say "--table: expected cuobjdump on PATH (of the CUDA toolkit; pip: $tools), found none"
    exit 77
  fi
  nvcc -cubin -O3 -DNDEBUG "-arch=sm_${2:-90}" -Werror all-warnings -Xptxas -v --expt-relaxed-constexpr -std=c++20 \
    "-I$root/include" "$root/tests/cuda/table.cu" -o "$build/table.cubin" >"$build/table.ptxas" 2>&1 || {
    cat "$build/table.ptxas" >&2
    exit 1
  }
  cuobjdump -sass "$build/table.cubin" >"$build/table.sass"
  status=0
  awk -f "$root/tests/cuda/table.awk" "$build/table.ptxas" "$build/table.sass" >"$build/table.txt" || status=1
  echo 'registers, spilled, load, store, instructions, divisions, stores in loops'
  c++filt -p <"$build/table.txt" | sed 's/localis::kernel:://g; s/localis:://g'
  exit $status
fi
targets=boundaries_cuda
full=no
if [ "${1:-}" = --full ]; then
  targets="$targets gpu_test bench_rule_cuda bench_step_cuda"
  full=yes
  shift
fi
architectures=$(printf '%s;' "${@:-80}")
need_build
need_components
need doctest-dev has_header doctest-dev doctest/doctest.h
need libcli11-dev has_header libcli11-dev CLI/CLI.hpp
need libbenchmark-dev has_header libbenchmark-dev benchmark/benchmark.h
provide

configure "$build" -DCMAKE_BUILD_TYPE=Release -DLOCALIS_CUDA=ON "-DCMAKE_CUDA_ARCHITECTURES=${architectures%;}" \
  '-DCMAKE_CUDA_FLAGS=-Werror all-warnings -Xptxas -v' -DLOCALIS_BUILD_BENCHMARKS=ON
if [ $full = yes ] && grep -q '^LOCALIS_CUDNN_LIBRARY:FILEPATH=/' "$build/CMakeCache.txt"; then
  targets="$targets gpu_cudnn_test"
fi
# build_targets LOG TARGETS...
build_targets() {
  log=$build/$1
  shift
  cmake --build "$build" --parallel "$(cores)" --target "$@" >"$log" 2>&1 || {
    grep -vE '^ptxas info' "$log" >&2
    exit 1
  }
}
# shellcheck disable=SC2086
build_targets compile.log $targets
if cmake --build "$build" --target help | grep -q gpu_ranks; then
  build_targets ranks.log gpu_ranks
else
  say 'no nccl.h and libnccl, or no MPI: what ranks run on GPUs is not compiled here'
fi
awk '/Compiling entry function/ { kernel = $0; sub(/.*function ./, "", kernel); sub(/. for .*/, "", kernel) }
  /bytes spill stores/ { spilled = $5 + $9 }
  /Used [0-9]+ registers/ { match($0, /Used [0-9]+/); print substr($0, RSTART + 5, RLENGTH - 5), spilled, kernel }' \
  "$build/compile.log" | c++filt | sort -rn >"$build/kernels.txt"
awk '{ ++all; if ($1 > most) most = $1; if ($2 > 0) ++spilling }
  END { printf "%d kernels, at most %d registers, %d with registers spilled\n", all, most, spilling }' "$build/kernels.txt"
awk '$2 > 0' "$build/kernels.txt" | cut -c1-200

doctest=$(sed -n 's/^LOCALIS_DOCTEST_INCLUDE:PATH=//p' "$build/CMakeCache.txt")
[ "$doctest" != /usr/include ] || doctest=  # found as it is; named once more it would stand before the compiler's own
nvcc -x cu -ptx -O1 -DNDEBUG -arch=sm_80 -Werror all-warnings --expt-relaxed-constexpr -std=c++20 -Xcompiler -fopenmp \
  "-I$root/include" "-I$root/tests" ${doctest:+"-isystem=$doctest"} \
  "$root/tests/cuda/stores.cpp" -o "$build/stores.ptx"
status=0
awk -f "$root/tests/cuda/stores.awk" "$build/stores.ptx" >"$build/stores.txt" || status=1
c++filt -p <"$build/stores.txt"
exit $status
