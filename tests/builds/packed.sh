# sh packed.sh SOURCE FOLDER COMPILER
# Compiles packed.cpp for machines with AVX2 and with AVX-512, and tells which of its loops are not packed.
set -eu
source=$1 folder=$2 compiler=$3
mkdir -p "$folder"
case $("$compiler" --version) in
  *clang*) set -- fallback=1 -mllvm -inline-threshold=100000 ;;  # its [[gnu::flatten]] reaches one level
  *) set -- fallback=0 ;;
esac
fallback=$1
shift

status=0
for level in x86-64-v3 x86-64-v4; do
  # By default, std::sqrt sets errno, and no loop with it is packed. g++ warns of loops over remainders that never run.
  "$compiler" -std=c++20 -O3 "-march=$level" -fno-math-errno -w "$@" "-I$source/include" "-I$source/tests" \
    -S "$source/tests/builds/packed.cpp" -o "$folder/$level.s"
  echo "$level:"
  awk -v "$fallback" -f "$source/tests/builds/packed.awk" "$folder/$level.s" >"$folder/$level.txt" || status=1
  c++filt <"$folder/$level.txt"
done
exit $status
