# sh calls_test.sh
# call1.sh to call3.sh on programs of the shell that end well, end ill, crash, hang, or are not there: each is a line of
# the summary with its own status, nothing takes more than its limit, the logs come packed, and pictures arrive. Needs
# neither a GPU nor a compiler.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/a\ tree # as names of folders may be
kit=$tree/.gpu
mkdir -p "$tree/tests" "$tree/cmake" "$kit/programs/bin" "$kit/data/fashion-mnist" "$work/path" "$work/tmp"
cp -r "$root/tests/cuda" "$tree/tests"
cp "$root/cmake/need.sh" "$tree/cmake"
cp "$root"/tests/cuda/call*.sh "$kit"
echo 'localis 1, for tests' >"$kit/packed.txt"
export PATH="$work/path:$PATH" TMPDIR="$work/tmp"
unset OUT LIMIT PROGRAMS FASHION_MNIST LOCALIS_CIFAR10
status=0

program() {
  cat >"$1"
  chmod +x "$1"
}
for name in gpu_test gpu_cudnn_test bench_kernel_cuda bench_step_cuda bench_step_cudnn bench_rule_cuda; do
  program "$kit/programs/bin/$name" <<'END'
#!/bin/sh
echo 'one/two/iterations:20/real_time   1.23 ms   1.20 ms   20 items_per_second=5k/s peak_bytes=7M products=9M'
END
done
for name in boundaries_cuda train_resnet20_32_cuda; do
  program "$kit/programs/bin/$name" <<'END'
#!/bin/sh
pictures=${2#cifar10:}
echo "| $1 | $(cat "$pictures"/*) |"
while [ $# -gt 1 ]; do shift; done
mkdir "$1" && echo '{}' >"$1/report.json"
END
done
for name in nvidia-smi compute-sanitizer ncu python3; do
  program "$work/path/$name" <<'END'
#!/bin/sh
echo "this is $(basename "$0")"
END
done
printf pixels | xz >"$kit/data/fashion-mnist/train.xz"
mkdir "$work/cifar10"
echo batches >"$work/cifar10/data_batch_1.bin"

# call STATUS NUMBER: the call ends with STATUS; its summary and its logs, and nothing else, are in $out.
call() {
  out=$work/out$2
  rm -rf "$out"
  rc=0
  OUT=$out sh "$kit/call$2.sh" >"$work/printed" 2>&1 || rc=$?
  [ "$rc" = "$1" ] || fail "call$2.sh: expected status $1, found $rc: $(cat "$work/printed")"
  [ "$(ls "$out" "$TMPDIR")" = "$(printf '%s:\nlogs.tgz\nsummary.txt\n\n%s:' "$out" "$TMPDIR")" ] ||
    fail "call$2.sh: expected logs.tgz and summary.txt alone, found: $(ls "$out" "$TMPDIR")"
  cmp -s "$work/printed" "$out/summary.txt" ||
    fail "call$2.sh: expected the summary to be printed, found: $(cat "$work/printed")"
}
fail() {
  printf '%s\n' "$*" >&2
  status=1
}
# says PATTERN...: each is found in the summary of the last call.
says() {
  for pattern; do
    grep -qE -- "$pattern" "$out/summary.txt" || fail "expected '$pattern' in: $(cat "$out/summary.txt")"
  done
}
holds() {
  for log; do
    tar -tzf "$out/logs.tgz" | grep -qxF "logs/$log" ||
      fail "expected $log in logs.tgz, found: $(tar -tzf "$out/logs.tgz")"
  done
}

# All is well.
call 0 1
says 'localis 1, for tests' '^gpu_test +rc +0, ' '^cudnn_test +rc +0, ' '^memcheck +rc +0, ' '^kernels +rc +0, ' \
  '^    one/two +1.23 ms .*peak_bytes=7M$' '^0 failed'
holds machine.log host.log gpu_test.log memcheck.log racecheck.log kernels.log
call 0 2
says '^step_resnet50 +rc +0, ' '^step_resnet50_cudnn +rc +0, ' '^torch +rc +0, ' '^rules +rc +0, '
export LOCALIS_CIFAR10="$work/cifar10"
call 0 3
says '^fashion +rc +0, ' '^    \| --data \| pixels \|$' '^cifar10 +rc +0, ' '^    \| --data \| batches \|$' \
  '^ncu +rc +0, '
holds fashion.log fashion.report.json cifar10.report.json ncu.log
unset LOCALIS_CIFAR10

# run_on_gpu.sh does what is packed.
sh "$tree/tests/cuda/run_on_gpu.sh" "$work/results" >"$work/printed" 2>&1 ||
  fail "run_on_gpu.sh: $(cat "$work/printed")"
[ -s "$work/results/call3/summary.txt" ] || fail "run_on_gpu.sh: expected results, found: $(ls -R "$work/results")"

# Each in its own way, and all goes on.
program "$kit/programs/bin/gpu_test" <<'END'
#!/bin/sh
echo 'the device is not there' >&2
exit 3
END
program "$kit/programs/bin/bench_step_cuda" <<'END'
#!/bin/sh
sleep 100
END
program "$kit/programs/bin/bench_rule_cuda" <<'END'
#!/bin/sh
kill -SEGV $$
END
rm "$kit/programs/bin/train_resnet20_32_cuda" "$work/path/compute-sanitizer"
export LIMIT=1
call 1 1
says '^gpu_test +rc +3, ' '^    the device is not there$' '^kernels +rc +0, ' '^1 failed'
command -v compute-sanitizer >/dev/null || says '^memcheck +left out: no compute-sanitizer'
call 1 2
says '^step_resnet18 +rc 124, +[0-9]+ of 1 s$' '^step_mobilenet_v2 +rc 124, ' '^torch +rc +0, ' '^rules +rc 139, ' \
  '^7 failed'
holds step_resnet18.log
call 0 3
says '^cifar10 +left out: no pictures of CIFAR-10'
LOCALIS_CIFAR10="$work/cifar10" call 1 3
says '^cifar10 +rc 127, '

# With no time left, and without programs, which may also be packed.
LIMIT=0 call 1 2
says '^torch +left out: no time is left in this call' '^14 failed'
unset LIMIT
tar -cf - -C "$kit/programs" bin | xz >"$kit/programs.tar.xz"
rm -r "$kit/programs"
call 1 1
says '^kernels +rc +0, '
rm -r "$kit/programs" "$kit/programs.tar.xz"
call 1 1
says '^gpu_test +rc 127, ' '^cudnn_test +left out' '^kernels +rc 127, '

# What is not its own is not packed over.
for arguments in "--out $work/cifar10" '--out' 'ninety'; do
  rc=0
  # shellcheck disable=SC2086
  sh "$tree/tests/cuda/pack.sh" $arguments >"$work/printed" 2>&1 || rc=$?
  [ "$rc" = 2 ] || fail "pack.sh $arguments: expected status 2, found $rc: $(cat "$work/printed")"
done
[ -f "$work/cifar10/data_batch_1.bin" ] || fail 'pack.sh removed what it had not packed'
exit $status
