#!/bin/sh
# sh tests/fuzz/run.sh [--seconds N] [TARGET...]
#
# Feeds the readers with malformed inputs, for N seconds per target (20 by default), under AddressSanitizer and
# UndefinedBehaviorSanitizer. A target is a file of this folder with LLVMFuzzerTestOneInput; its first inputs are in
# corpus/TARGET. A finding is a crash, a leak, an exception of another kind, an input that takes 5 seconds, or one that
# takes more memory than the size of a file allows. The input is stored in build/fuzz/findings, and it must be added to
# the corpus when the reader is corrected.
#
# The exit status is 0 if nothing was found, 1 after a finding, 2 for a wrong argument or a failed build, and 77 without
# a clang that has libFuzzer (in Debian: clang and the libclang-rt-N-dev of its version N). FUZZ_CXX names another
# clang++. Two targets are built and run at a time.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/../.." && pwd)
build=$root/build/fuzz
. "$root/cmake/need.sh"

wrong() {
  say "$@"
  exit 2
}

seconds=20
if [ "${1:-}" = --seconds ]; then
  seconds=${2:-}
  case $seconds in '' | *[!0-9]*) wrong "--seconds: expected a whole number, found '$seconds'" ;; esac
  shift 2
fi
known=$(grep -l '^extern "C" int LLVMFuzzerTestOneInput' "$here"/*.cpp | sed 's,.*/,,; s,\.cpp$,,' | tr '\n' ' ')
targets=${*:-$known}
for target in $targets; do
  case " $known" in *" $target "*) ;; *) wrong "target: expected one of: $known, found '$target'" ;; esac
done

mkdir -p "$build/findings"
sanitize=-fsanitize=fuzzer,address,undefined
fuzzes() {
  # Clang 14 does not take the <chrono> of g++ 13.
  printf '%s\n' '#include <chrono>' 'extern "C" int LLVMFuzzerTestOneInput(const char*, unsigned long) { return 0; }' |
    "$1" -std=c++20 $sanitize -x c++ - -o "$build/probe" 2>/dev/null
}
find_compiler() {
  for compiler in ${FUZZ_CXX:-clang++ clang++-14 clang++-19}; do
    if command -v "$compiler" >/dev/null && fuzzes "$compiler"; then return; fi
  done
  compiler=
  return 1
}
if ! find_compiler; then
  offer clang 'the fuzz targets' command -v clang++
  version=$(clang++ -dumpversion 2>/dev/null || echo 14)
  offer "libclang-rt-${version%%.*}-dev" 'the fuzz targets' fuzzes clang++
  find_compiler || {
    say 'the fuzz targets are left out: no clang++ here links -fsanitize=fuzzer'
    exit 77
  }
fi

need zlib1g-dev has_header zlib1g-dev zlib.h
need_components
need libcli11-dev has_header libcli11-dev CLI/CLI.hpp
provide

export compiler sanitize here root build seconds
status=0
# shellcheck disable=SC2086
printf '%s\n' $targets | xargs -P 2 -I '{}' sh "$here/run_target.sh" '{}' || status=$?
case $status in 0) ;; 123) exit 1 ;; *) exit 2 ;; esac
