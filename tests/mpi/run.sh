# sh run.sh PROGRAM JOB MPIRUN [OTHER_MPIRUN]
# Runs the tests of this folder on one to four ranks. Then it lets a rank of JOB fail, which must end all with its message and
# leave a run that goes on. The launcher of another MPI must be named.
set -eu
program=$1 job=$2 mpirun=$3 other=${4-}
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMP_NUM_THREADS=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_hwloc_base_binding_policy=none
fail() {
  echo "$mpirun: $1" >&2
  [ ! -f "$folder/said" ] || cat "$folder/said" >&2
  exit 1
}
folder=$(mktemp -d)
export TMPDIR="$folder"  # what an MPI leaves there when a job is killed
trap 'rm -rf "$folder"' EXIT

for ranks in 1 2 3 4; do
  timeout 120 "$mpirun" -n $ranks "$program" || fail "tests on $ranks ranks: expected success, found status $?"
done

# run RANKS RUN [FAULT]: status and what is said
run() {
  mkdir -p "$folder/$2"
  status=0
  timeout 30 "$mpirun" -n $1 "$job" "$folder/$2" ${3-} >"$folder/said" 2>&1 || status=$?
}
said() { grep -q -- "$1" "$folder/said" || fail "$fault: expected a message that says '$1', found another"; }

fault=none
run 3 whole
[ $status -eq 0 ] || fail "a run: expected success, found status $status"
for fault in kill data catch full stop; do
  run 3 $fault $fault
  [ $status -ne 0 ] && [ $status -ne 124 ] || fail "$fault: expected another status than 0 within 30 s, found $status"
  [ ! -f "$folder/$fault/weights" ] || fail "$fault: expected an unfinished run, found weights"
  case $fault in
    data | catch) said 'picture: expected bytes, found none' ;;
    full)
      grep -q 'File too large' "$folder/full/0" || fail 'full: expected the reason of the system, found another'
      cmp "$folder/full/0" "$folder/full/1" && cmp "$folder/full/0" "$folder/full/2" || fail 'full: expected one message'
      ;;
    stop) said 'mpi: rank [01] (host .*) has waited .* s for other ranks: epoch 7, step 2, sum [0-9]* of 8 bytes' ;;
  esac
  for ranks in 3 2 1; do
    cp -R "$folder/$fault" "$folder/$fault.$ranks"
    run $ranks $fault.$ranks
    [ $status -eq 0 ] || fail "$fault: resumed by $ranks ranks: expected success, found status $status"
    "$job" "$folder/whole/weights" compare "$folder/$fault.$ranks/weights" || fail "$fault: resumed by $ranks ranks: other weights"
  done
  cmp "$folder/whole/weights" "$folder/$fault.3/weights" || fail "$fault: resumed: expected the bytes of the unbroken run"
done

fault=slow
run 2 slow slow
[ $status -eq 0 ] || fail "slow: expected success, found status $status"
said 'mpi: rank 0 (host .*) has waited 0.3.* s for other ranks: epoch 7, step 2, sum [0-9]* of 8 bytes'

if [ -n "$other" ]; then
  said=$(timeout 20 "$other" -n 2 "$program" 2>&1) && fail "under $other: expected an error, found none"
  case $other in *mpich*) name='mpirun of MPICH' ;; *) name='mpirun of Open MPI' ;; esac
  printf '%s\n' "$said" | grep -q "as $name.*this launcher belongs to another MPI than the program" ||
    fail "under $other: expected its name, found $said"
fi
