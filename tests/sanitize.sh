#!/bin/sh
# sh tests/sanitize.sh address|thread [TEST...]
#
# Builds tests with a sanitizer, by the preset asan or tsan, and runs them. Every finding, including a leak, is a
# failure. TEST is a folder of tests/, with which the names of ctest begin. Without a TEST, `address` runs all tests,
# and `thread` runs those that have threads without OpenMP (OpenMP is left out there, because its runtime is not built
# for it).
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
. "$root/cmake/need.sh"

case "${1:-}" in
  address) preset=asan ;;
  thread) preset=tsan ;;
  *)
    sed -n '2s/^# /usage: /p' "$0" >&2
    exit 2
    ;;
esac
shift
[ "$preset" = asan ] || [ $# -gt 0 ] || set -- data io train

need_tests
provide

cd "$root"
configure "$root/build/$preset" --preset "$preset" -DLOCALIS_BUILD_EXAMPLES=OFF
common=allocator_may_return_null=1  # tests ask for more memory than there is, and want to be told
export ASAN_OPTIONS="$common:detect_leaks=1${ASAN_OPTIONS:+:$ASAN_OPTIONS}"
export UBSAN_OPTIONS="print_stacktrace=1${UBSAN_OPTIONS:+:$UBSAN_OPTIONS}"
export TSAN_OPTIONS="$common:halt_on_error=1${TSAN_OPTIONS:+:$TSAN_OPTIONS}"
if [ $# -eq 0 ]; then
  cmake --build "build/$preset" --parallel "$(cores)"
  exec ctest --test-dir "build/$preset" --output-on-failure --parallel "$(cores)"
fi
names=$(printf '|%s' "$@")
for test; do
  shift
  set -- "$@" "${test}_test"
done
cmake --build "build/$preset" --parallel "$(cores)" --target "$@"
exec ctest --test-dir "build/$preset" --output-on-failure -R "^(${names#|})\."
