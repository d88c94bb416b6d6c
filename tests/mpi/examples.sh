# sh examples.sh TRAIN SMALL_LAB MPIRUN
# The programs of examples/ on two ranks: what is printed, the status, and what Ctrl-C and a killed rank leave behind.
set -eu
train=$1 lab=$2
export MPIRUN="$3" OMP_NUM_THREADS=1
export OMPI_MCA_mpi_yield_when_idle=1
launcher=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)/examples/mpirun.sh
folder=$(mktemp -d)
export TMPDIR="$folder"  # what an MPI leaves there when a job is killed
trap 'rm -rf "$folder"' EXIT
cd "$folder"
fail() {
  echo "$MPIRUN: $1" >&2
  cat told error >&2
  exit 1
}

# ranks COUNT PROGRAM ARGUMENTS...: the files told and error, and the status
ranks() {
  status=0
  timeout 120 sh "$launcher" "$@" >told 2>error || status=$?
}
expect_status() { [ $status -eq "$1" ] || fail "$2: expected status $1, found $status"; }
expect_lines() { [ "$(grep -c -- "$2" "$1")" -eq "$3" ] || fail "$1: expected $3 lines with '$2', found others"; }

ranks 1 "$train" --epochs 2
expect_status 0 'train on one rank'
cp told one
ranks 2 "$train" --epochs 2
expect_status 0 train
expect_lines told 'test accuracy' 1
[ ! -s error ] || fail 'train: expected nothing on standard error, found a message'
# Epoch, boundary and accuracies.
results() { awk 'NR > 1 { print $1, $2, $1 == "test" ? $3 : $4 }' "$1"; }
[ "$(results one)" = "$(results told)" ] || fail "train: expected the accuracies of one rank, found $(results told); one: $(results one)"

for words in '--help' '--version'; do
  ranks 2 "$lab" $words
  expect_status 0 "$words"
  expect_lines told 'Usage:\|^localis [0-9]' 1
done
# refuses MESSAGE OPTIONS...: on all ranks alike, which is told once
refuses() {
  message=$1
  shift
  ranks 2 "$@"
  expect_status 2 "$*"
  expect_lines error "$message" 1
  [ "$(grep -vc '^\[mpiexec\|^$' error)" -eq 1 ] || fail "$*: expected one line, found others"
}
refuses '^train: .*--epoch' "$train" --epoch 2
refuses '^small_lab: --only: expected runs out of' "$lab" --only none
refuses '^small_lab: --resume: .*: expected the folder of a comparison, found none' "$lab" --resume --out nowhere
refuses '^small_lab: --out: ' "$lab" --out /dev/null/here
refuses '^small_lab: --diagnose: expected one rank' "$lab" --diagnose
ranks 1 "$lab" --prefix-every 2
expect_status 2 'one rank'
expect_lines error '--prefix-every: expected several ranks .*, found one' 1

# An error that one rank has alone.
ranks 1 "$lab" --out alone : -n 1 "$lab" --out alone --epoch 2
[ $status -ne 0 ] && [ $status -ne 124 ] || fail "an error of one rank: expected another status than 0, found $status"
expect_lines error '^small_lab: .*--epoch.*; --help lists the options' 1

ranks 2 "$lab" --epochs 3 --out modes --prefix-every 3 --suffix-every 2 --suffix-from 1 --batch-statistics own
expect_status 0 'exchanges of every third step'
grep -q '"ranks": 2' modes/report.json || fail 'report.json: expected two ranks, found others'
expect_lines told '2 ranks of 1 threads' 1
expect_lines told '^report: .*report.html' 1

# begin SIGNAL FOLDER: a run that waits in its fourth epoch until the signal comes to the launcher, or for KILL to a rank
begin() {
  : >told
  # The shell would let the program ignore SIGINT. Without --foreground, timeout would pass it on twice.
  timeout --foreground 120 env --default-signal=INT SMALL_LAB_WAITS=yes \
    sh "$launcher" 2 "$lab" --only sgd --epochs 10 --out "$2" >told 2>error &
  job=$!
  until grep -q 'epoch 3/' told; do
    sleep 0.05
    kill -0 $job 2>/dev/null || fail "$1: expected a run, found an end"
  done
  if [ "$1" = KILL ]; then
    for process in /proc/[0-9]*; do
      [ "$(readlink "$process/exe")" != "$lab" ] || rank=${process#/proc/}
    done
    kill -KILL "$rank"
  else
    kill "-$1" $job
  fi
  status=0
  wait $job || status=$?
}
ranks 2 "$lab" --only sgd --epochs 10 --out whole
expect_status 0 'a whole run'
begin INT out
expect_status 130 'Ctrl-C'
expect_lines told '^interrupted in sgd, seed 1, .*; --config .* --resume --out .* goes on' 1
cp -R out other
ranks 2 "$lab" --config out/run.json --resume --out out
expect_status 0 'a run that goes on'
expect_lines told '^goes on from .*: epoch' 1
# What two ranks find again does not depend on the interruption, but for the times.
epochs() { cut -d , -f 1-14 "$1/epochs.csv"; }
[ "$(epochs out)" = "$(epochs whole)" ] || fail 'Ctrl-C: expected the epochs of the unbroken run, found others'
ranks 1 "$lab" --config other/run.json --resume --out other
expect_status 2 'another number of ranks'
expect_lines error 'machine ranks: then 2, now 1; .*--other-machine goes on with it' 1
ranks 1 "$lab" --config other/run.json --resume --out other --other-machine
expect_status 0 'another number of ranks'
expect_lines told '^NOTE: Not all runs were done in one place: .*machine ranks: then 2, now 1' 1
expect_lines told '^sgd, seed 1: test ' 1

begin TERM term
expect_status 143 SIGTERM
begin KILL killed
[ $status -ne 0 ] && [ $status -ne 124 ] || fail "a killed rank: expected another status than 0, found $status"
