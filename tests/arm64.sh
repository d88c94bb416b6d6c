#!/bin/sh
# sh tests/arm64.sh [ARGUMENTS OF CTEST...]
#
# Cross-compiles tests for arm64 by the preset arm64, every warning an error, and runs them under emulation: those of
# backend/cpu/, kernel/ and math/, but for teams of threads and the largest maps of winograd_convolution, which take
# minutes there, of the tiles of rules, and of the trainer and its determinism. This takes about ten minutes of one core.
# Needs g++-aarch64-linux-gnu and qemu-user; zlib, libjpeg and libpng for arm64, without which the preset leaves out the
# tests of data and io, are not needed. On a machine with arm64 it runs tests/run.sh.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
. "$root/cmake/need.sh"

[ "$(uname -m)" != aarch64 ] || exec sh "$root/tests/run.sh" "$@"

need_build
need doctest-dev has_header doctest-dev doctest/doctest.h
need g++-aarch64-linux-gnu command -v aarch64-linux-gnu-g++
need qemu-user command -v qemu-aarch64
provide

cd "$root"
configure "$root/build/arm64" --preset arm64 \
  '-DLOCALIS_TEST_FILES=^(backend/cpu|kernel|math)/|^rule/tiles_test|^train/(determinism|trainer)_test'
cmake --build build/arm64 --parallel "$(cores)"
exec ctest --test-dir build/arm64 --output-on-failure --parallel "$(cores)" -E '^kernel\.team:|^cpu\.winograd: blocks' "$@"
