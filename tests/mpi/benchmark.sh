# sh benchmark.sh SOURCE PROGRAM REPORT MPIRUN
# benchmarks/distributed.sh prints a row for each of its measurements, with the bytes that model/traffic.hpp counts.
set -eu
source=$1
shift
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
run() { sh "$source/benchmarks/$script" "$@" >"$folder/printed" 2>"$folder/said"; }
fail() {
  echo "$1" >&2
  cat "$folder/printed" "$folder/said" >&2
  exit 1
}

script=distributed.sh
run "$@" 1 "$folder/out" '' --quick || fail "expected success, found status $?"
# row TIMES PATTERN: a row of the tables, whose columns are separated by blanks; # is a measured number
row() {
  pattern=$(printf '%s\n' "$2" | sed 's/  */ +/g; s/#/-?[0-9]+(\\.[0-9]+)?/g')
  found=$(grep -cE "^$pattern\$" "$folder/printed") || true
  [ "$found" = "$1" ] || fail "expected $1 of the row '$2', found $found"
}
row 1 'main 16 1 1 # - 1.00 - - -'
row 1 'main 16 1 2 # - # - - -'
row 1 'main 32 1 2 # - # - - -'
row 1 'main 16 2 1 # # # - - -'
row 1 'main 32 2 1 # # # - - -'
row 1 'main memory sgd 0 # # # - 1879.0'
row 1 'main memory sgd, suffix_every 8 0 # # # - 469.0'
row 1 'main memory localized 5 # # # - 1873.9'
row 1 'main memory localized, prefix_every 8 5 # # # - 239.3'
row 1 'main memory frozen 5 # # # - 5.2'
[ -f "$folder/out/report.html" ] && [ -f "$folder/out/results.json" ] || fail 'expected a page and figures, found none'

script=run.sh
refuses() { # MESSAGE ARGUMENTS...
  message=$1
  shift
  ! run distributed "$@" || fail "$*: expected an error, found none"
  grep -q -e "$message" "$folder/said" || fail "$*: expected '$message', found another message"
}
refuses '--out: expected a new folder; found: ' --quick --out "$folder/out"
refuses '--rounds: expected a number from 1; found: 0' --rounds 0
refuses 'distributed: expected .*; found: --match' --match main
