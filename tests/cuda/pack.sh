#!/bin/sh
# sh tests/cuda/pack.sh [--only PROGRAM,...] [--out FOLDER] [ARCHITECTURE]
#
# Packs programs, headers and pictures into FOLDER (.gpu by default) for a machine that has a GPU and no network access.
# FOLDER is copied there with the repository. On that machine, these commands each end within ten minutes:
#
#   OUT=results1 sh .gpu/call1.sh      OUT=results2 sh .gpu/call2.sh      OUT=results3 sh .gpu/call3.sh
#
# Packing needs nvcc 12.4 or later and no GPU; compiling takes half an hour on two cores. FOLDER receives, for compute
# capability ARCHITECTURE (90 by default) and processors of this machine's family:
#
#   programs.tar.xz   the programs of programs.sh, or only the PROGRAMs named, with the libraries that a bare system
#                     lacks. The other machine must have cuBLAS and cuDNN, as PyTorch brings them, and a glibc and
#                     libstdc++ that are no older than those of this machine
#   headers.tar.xz    the headers with which tests/cuda/run_on_gpu.sh builds the programs there if they do not run;
#                     packed only if this machine has dpkg
#   data/             Fashion-MNIST, from FASHION_MNIST (/usr/share/datasets/fashion-mnist), and CIFAR-10, from the
#                     binary files in LOCALIS_CIFAR10, as JPEGs, so that its pixels are close but not equal
#
# FOLDER may take 55 MiB. Pictures that are missing or do not fit are left out with a message. If the rest is larger,
# this is an error, and FOLDER does not change. CMAKE_ARGUMENTS is added to the call of cmake.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
. "$root/cmake/need.sh"
. "$root/tests/cuda/programs.sh"

most=$((55 * 1024)) # KiB
out=$root/.gpu
architecture=90
while [ $# -gt 0 ]; do
  case $1 in
    --only) programs=$(printf %s "${2:-}" | tr , ' ') && shift ;;
    --out) out=${2:-} && shift ;;
    *[!0-9a]* | '')
      say "pack.sh: expected --only PROGRAM,..., --out FOLDER or an architecture as 90; found: ${1:-nothing}"
      exit 2
      ;;
    *) architecture=$1 ;;
  esac
  shift
done
if [ -z "$out" ] || { [ -e "$out" ] && [ ! -f "$out/packed.txt" ]; }; then
  say "--out: expected a new folder, or one that this script has packed; found: ${out:-nothing}"
  exit 2
fi
if ! command -v nvcc >/dev/null 2>&1; then
  say 'pack.sh: expected nvcc on PATH, found none'
  exit 1
fi
need_programs
need xz-utils command -v xz
provide

# shellcheck disable=SC2086
build_programs "$root/build/gpu-pack" "$architecture-real" $programs

new=$out.part
rm -rf "$new"
mkdir -p "$new/data"
work=$(mktemp -d)
trap 'rm -rf "$work" "$new"' EXIT

kib() { du -sk --apparent-size "$1" | cut -f1; }
fits() { [ $(($(kib "$new") + $(kib "$1"))) -le $most ]; }
left_out=
leave_out() {
  left_out="$left_out
left out: $1"
}

for script in calls call1 call2 call3; do cp "$root/tests/cuda/$script.sh" "$new"; done

mkdir -p "$work/programs/bin" "$work/programs/lib"
for program in $programs; do
  [ -x "$root/build/gpu-pack/bin/$program" ] || continue
  strip -o "$work/programs/bin/$program" "$root/build/gpu-pack/bin/$program"
done
LD_LIBRARY_PATH="$(dirname "$(command -v nvcc)")/../lib64${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" \
  ldd "$work/programs/bin"/* | awk '$2 == "=>" && $3 ~ "^/" { print $3 }' | sort -u >"$work/libraries"
grep -vE '/(ld-linux[^/]*|lib(c|m|dl|rt|pthread|gcc_s|stdc\+\+|cuda|cublas|cublasLt|cudnn[_a-z]*))\.so[.0-9]*$' "$work/libraries" |
  while read -r library; do cp -L "$library" "$work/programs/lib"; done
tar -cf - -C "$work/programs" bin lib | xz -6 >"$new/programs.tar.xz"

# The packages that hold the headers: whole, but for what only people read. Not Thrust's: the toolkit has its own.
if command -v dpkg-query >/dev/null 2>&1; then
  {
    for header in eigen3/Eigen/Core zlib.h jpeglib.h png.h nlohmann/json.hpp doctest/doctest.h CLI/CLI.hpp \
      benchmark/benchmark.h; do
      echo "/usr/include/$header"
    done
    grep libbenchmark "$work/libraries" | xargs -r readlink -f
  } | xargs dpkg-query -S 2>/dev/null | sed 's/: .*//' | sort -u | xargs dpkg-query -L |
    grep -E '^/usr/(include|lib|share/(cmake|eigen3))/' | grep -vE '/lib(z|jpeg|png|png16)\.so$' | sort -u |
    while read -r file; do [ -d "$file" ] || echo "${file#/}"; done >"$work/headers"
  tar -cf - -C / -T "$work/headers" | xz -6 >"$new/headers.tar.xz"
else
  leave_out 'headers.tar.xz: no dpkg, which knows what belongs together'
fi

fashion=${FASHION_MNIST:-/usr/share/datasets/fashion-mnist}
if [ -d "$fashion" ]; then
  mkdir "$work/fashion-mnist"
  for name in train-images-idx3-ubyte train-labels-idx1-ubyte t10k-images-idx3-ubyte t10k-labels-idx1-ubyte; do
    if [ -f "$fashion/$name" ]; then cat "$fashion/$name"; else gzip -dc "$fashion/$name.gz"; fi |
      xz -6 >"$work/fashion-mnist/$name.xz"
  done
  if fits "$work/fashion-mnist"; then
    mv "$work/fashion-mnist" "$new/data"
  else
    leave_out 'Fashion-MNIST: it does not fit'
  fi
else
  leave_out "Fashion-MNIST: nothing at $fashion; FASHION_MNIST names its folder"
fi

# Python where it has Pillow, which tests/cuda/cifar10.py needs.
for python in "${LOCALIS_PYTHON:-python3}" /usr/bin/python3 ''; do
  [ -z "$python" ] || ! "$python" -c 'import PIL' 2>/dev/null || break
done
if [ -z "${LOCALIS_CIFAR10:-}" ]; then
  leave_out 'CIFAR-10: LOCALIS_CIFAR10 names no folder'
elif [ -z "$python" ]; then
  leave_out 'CIFAR-10: no python3 with Pillow (Debian: python3-pil)'
else
  "$python" "$root/tests/cuda/cifar10.py" pack "$LOCALIS_CIFAR10" "$work/cifar10"
  if fits "$work/cifar10"; then
    mv "$work/cifar10" "$new/data"
    cp "$root/tests/cuda/cifar10.py" "$new"
  else
    leave_out 'CIFAR-10: it does not fit'
  fi
fi

commit=$(git -C "$root" describe --always --dirty 2>/dev/null || echo unknown)
nvcc=$(nvcc --version | sed -n 's/.*release \([0-9.]*\).*/nvcc \1/p')
echo "localis $commit, for compute capability $architecture, by $nvcc$left_out" >"$new/packed.txt"
if [ "$(kib "$new")" -gt $most ]; then
  say "pack.sh: expected at most $((most / 1024)) MiB, found $(($(kib "$new") / 1024)):"
  (cd "$new" && du -ak --apparent-size .) >&2
  exit 1
fi
rm -rf "$out"
mv "$new" "$out"
cat "$out/packed.txt"
(cd "$out" && du -ak --apparent-size .)
