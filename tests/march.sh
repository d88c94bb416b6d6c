#!/bin/sh
# sh tests/march.sh MARCH [ARGUMENTS OF CTEST...]
#
# Builds the tests of the CPU backend and of mathematical functions with -march=MARCH, such as x86-64-v3, and runs them:
# with wider registers, fused multiply-adds and other blocks of sums, results are others within their tolerances. Exits
# with 77 if this processor has no such instructions.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
. "$root/cmake/need.sh"

march=${1:?expected a value of -march, such as x86-64-v3}
shift
build=$root/build/tests-$march
export GOMP_SPINCOUNT="${GOMP_SPINCOUNT:-2000}"

need_tests
provide

cxx=${CXX:-$(command -v g++ || command -v c++)}
if ! macros=$("$cxx" "-march=$march" -dM -E -x c++ /dev/null); then
  say "$cxx does not know -march=$march"
  exit 2
fi
for flag in AVX2 FMA AVX512F AVX512VL; do
  printf '%s\n' "$macros" | grep -q "define __${flag}__ 1" || continue
  if ! grep -qiw "$flag" /proc/cpuinfo; then
    say "-march=$march: this processor has no $flag: its tests are skipped"
    exit 77
  fi
done

configure "$build" -DCMAKE_BUILD_TYPE=Release -DLOCALIS_BUILD_TESTS=ON -DLOCALIS_BUILD_EXAMPLES=OFF \
  "-DCMAKE_CXX_FLAGS=-march=$march" '-DLOCALIS_TEST_FILES=^(backend/cpu|math)/'
cmake --build "$build" --parallel "$(cores)" --target cpu_test math_test
ctest --test-dir "$build" --output-on-failure --parallel "$(cores)" -R '^(cpu|math)\.' "$@"
