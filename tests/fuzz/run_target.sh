# sh run_target.sh TARGET
# Builds and runs one target for run.sh, which sets the variables, and prints a line. Exit status: 1 for a finding; 255,
# which ends run.sh, where it does not compile.
set -eu
target=$1
program=$build/$target
log=$build/$target.log
if ! "$compiler" -std=c++20 -O1 -g "$sanitize" -fno-sanitize-recover=all -D_GLIBCXX_ASSERTIONS -I"$root/include" \
  "$here/$target.cpp" -o "$program" -lz -ljpeg -lpng \
  >"$log" 2>&1; then
  cat "$log" >&2
  exit 255
fi

# What it finds worth keeping goes to a folder of its own; the stored corpus is only read.
own=$(mktemp -d "$build/$target.XXXXXX")
files=$(mktemp -d /dev/shm/localis.XXXXXX 2>/dev/null || mktemp -d "$own/files.XXXXXX")  # in memory, where that can be
trap 'rm -rf "$own" "$files"' EXIT
trap 'exit 130' INT TERM
mkdir "$own/corpus"
found='nothing found'
TMPDIR=$files "$program" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=1024 -malloc_limit_mb=256 \
  -artifact_prefix="$build/findings/$target-" "$own/corpus" "$here/corpus/$target" >"$log" 2>&1 ||
  found="FOUND $(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1), see $log"
last=$(grep -E '^#[0-9]+.* cov: ' "$log" | tail -n 1)
number() {  # the one in $last behind these letters
  value=$(printf '%s' "$last" | sed -n "s,.*$1\([0-9]*\).*,\1,p")
  echo "${value:-?}"
}
printf '%-12s %9s executions, %5s inputs in the corpus, %5s edges, %6s features: %s\n' "$target" "$(number '#')" \
  "$(number ' corp: ')" "$(number ' cov: ')" "$(number ' ft: ')" "$found"
[ "$found" = 'nothing found' ]
