#!/bin/sh
# sh tests/run.sh [--full] [ARGUMENTS OF CTEST...]
#
# Installs missing packages, builds the tests and runs them; the exit status is that of ctest. --full adds the tests
# that take longer.
# CMAKE_ARGUMENTS is added to the call of cmake.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
build=$root/build/tests
. "$root/cmake/need.sh"

full=OFF
if [ "${1:-}" = --full ]; then
  full=ON
  shift
fi

# Without this limit, waiting threads of libgomp would keep cores busy that other programs, and the threads that they
# wait for, need.
export GOMP_SPINCOUNT="${GOMP_SPINCOUNT:-2000}"

need_tests
provide
# What mpirun starts is tested under each of the two, since they differ where a rank fails.
offer libopenmpi-dev 'no tests under Open MPI' command -v mpicxx.openmpi
offer openmpi-bin 'no tests under Open MPI' command -v mpirun.openmpi
offer libmpich-dev 'no tests under MPICH' command -v mpicxx.mpich
offer mpich 'no tests under MPICH' command -v mpirun.mpich

configure "$build" -DCMAKE_BUILD_TYPE=Release -DLOCALIS_BUILD_TESTS=ON -DLOCALIS_BUILD_EXAMPLES=OFF \
  -DLOCALIS_TESTS_FULL=$full
cmake --build "$build" --parallel "$(cores)"
exec ctest --test-dir "$build" --output-on-failure --parallel "$(cores)" "$@"
