# sh headers.sh INCLUDE COMPILER [FLAGS...]
# Every header under INCLUDE compiles as the only thing that a program includes; two compilers at a time, and all that
# fail are reported. The flags come without OpenMP: a pragma that is not guarded is a warning here.
set -eu
cd "$1"
shift

list=$(find localis -name '*.hpp' | grep -vE '^localis/(backend/(cuda|cudnn|thrust|thrust_host)|mpi|nccl)/' | sort)
printf '%s\n' "$list" | xargs -P 2 -I '{}' "$@" -include '{}' -x c++ /dev/null || {
  echo 'the headers named above do not compile alone' >&2
  exit 1
}
printf '%s headers compile alone\n' "$(printf '%s\n' "$list" | wc -l)"
