# Sourced by call1.sh, call2.sh and call3.sh, which do what is to be done on a machine with a GPU, each within ten
# minutes. They need a POSIX shell, tar, gzip, timeout, and xz or python3; for CIFAR-10 Pillow; no network.
#
#   begin                          finds programs, cuBLAS and cuDNN, and makes the folder of the results
#   run SECONDS NAME COMMAND...    with a limit and a log of its own; what comes of it is a line of the summary, and all
#                                  goes on; with no time left in this call it is left out
#   found NAME PATTERN [LINES]     lines of a log that match, into the summary
#   leave_out NAME WHY             what cannot be done here
#   pictures NAME FOLDER           unpacks .gpu/data/NAME to FOLDER; fails where it was not packed
#   finish                         packs the logs, shows the summary; status 1 if something failed
#
# Read: here       the folder of the call: .gpu, as pack.sh has packed it, or tests/cuda
#       PROGRAMS   holds bin/ and lib/ [unpacked from here/programs.tar.xz]
#       OUT        gets summary.txt, logs.tgz and nothing else [a new folder gpu-out]
#       LIMIT      seconds, where a call's or a step's own limit is more

root=$(CDPATH='' cd -- "$here/$(case $here in */tests/cuda) echo ../.. ;; *) echo .. ;; esac)" && pwd)
budget=570 # seconds, of a call: a little is kept to pack what came of it

begin() {
  begun=$(date +%s)
  failed=0
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  OUT=${OUT:-$root/gpu-out}
  mkdir -p "$OUT" "$scratch/logs"
  logs=$scratch/logs
  summary=$OUT/summary.txt
  : >"$summary"
  if [ -z "${PROGRAMS:-}" ]; then
    PROGRAMS=$here/programs
    if [ ! -d "$PROGRAMS" ] && [ -f "$PROGRAMS.tar.xz" ]; then
      mkdir -p "$PROGRAMS.part"
      if unpacked "$PROGRAMS.tar.xz" | tar -xf - -C "$PROGRAMS.part"; then mv "$PROGRAMS.part" "$PROGRAMS"; fi
    fi
  fi
  bin=$PROGRAMS/bin
  # cuBLAS and cuDNN of the toolkit, or of PyTorch's packages: wherever the loader does not look by itself.
  for missing in $(ldd "$bin"/* 2>/dev/null |
    sed -n 's/^[[:space:]]*\(lib\(cublas\|cudnn\)\.so\.[0-9]*\) => not found.*/\1/p' | sort -u); do
    library=$(find /usr/local /opt /usr/lib "${HOME:-/root}" -name "$missing" 2>/dev/null | head -n 1)
    [ -z "$library" ] || export LD_LIBRARY_PATH="$(dirname "$library")${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
  done
  export PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
  if [ -f "$here/packed.txt" ]; then tell "$(cat "$here/packed.txt")"; fi
}

tell() { printf '%s\n' "$*" >>"$summary"; }

left() { echo $((begun + budget - $(date +%s))); }

least() { if [ "$1" -le "$2" ]; then echo "$1"; else echo "$2"; fi; }

run() {
  limit=$(least "$1" "$(least "$(left)" "${LIMIT:-$1}")")
  name=$2
  shift 2
  if [ "$limit" -le 0 ]; then
    leave_out "$name" 'no time is left in this call'
    failed=$((failed + 1))
    return 0
  fi
  since=$(date +%s)
  rc=0
  timeout -k 5 "$limit" "$@" >"$logs/$name.log" 2>&1 || rc=$?
  tell "$(printf '%-22s rc %3s, %4s of %s s' "$name" "$rc" $(($(date +%s) - since)) "$limit")"
  [ "$rc" -ne 0 ] || return 0
  failed=$((failed + 1))
  tail -n 2 "$logs/$name.log" | cut -c1-200 | sed 's/^/    /' >>"$summary"
}

found() {
  [ -f "$logs/$1.log" ] || return 0
  grep -E -- "$2" "$logs/$1.log" | tail -n "${3:-20}" | cut -c1-160 | sed 's/^/    /' >>"$summary"
}

# Google Benchmark's lines: name, time, what is counted.
figures() {
  [ ! -f "$logs/$1.log" ] || awk '/_time / {
    sub("/(iterations|min_time|manual_time|real_time).*", "", $1)
    printf "    %-58s %10s %s", $1, $2, $3
    for (i = 6; i <= NF; ++i) if ($i ~ /=/ && $i !~ /^products=/) printf "  %s", $i
    print ""
  }' "$logs/$1.log" >>"$summary"
}

leave_out() { tell "$(printf '%-22s left out: %s' "$1" "$2")"; }

unpacked() {
  if command -v xz >/dev/null 2>&1; then
    xz -dc "$1"
  else
    python3 -c 'import lzma, shutil, sys; shutil.copyfileobj(lzma.open(sys.argv[1]), sys.stdout.buffer)' "$1"
  fi
}

pictures() {
  [ -d "$here/data/$1" ] || return 1
  mkdir -p "$2"
  if [ "$1" = cifar10 ]; then
    python3 "$here/cifar10.py" unpack "$here/data/$1" "$2" >"$logs/unpack_$1.log" 2>&1
    return
  fi
  for packed in "$here/data/$1"/*.xz; do
    unpacked "$packed" >"$2/$(basename "$packed" .xz)" 2>"$logs/unpack_$1.log" || return 1
  done
}

finish() {
  tell "$failed failed; $(($(date +%s) - begun)) s in all"
  tar -czf "$OUT/logs.tgz" -C "$scratch" logs
  cat "$summary"
  [ "$failed" -eq 0 ]
}
