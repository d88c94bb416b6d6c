# sh run.sh PROGRAM MPIRUN [OTHER_MPIRUN]
# Runs the tests of this folder on one to four ranks, and lets one rank fail, which must end all. The launcher of another
# MPI must be named.
set -eu
program=$1 mpirun=$2 other=${3-}
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMP_NUM_THREADS=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_hwloc_base_binding_policy=none
fail() {
  echo "$mpirun: $1" >&2
  exit 1
}

for ranks in 1 2 3 4; do
  timeout 120 "$mpirun" -n $ranks "$program" || fail "tests on $ranks ranks: expected success, found status $?"
done
for mode in throw abort; do
  status=0
  timeout 20 "$mpirun" -n 3 "$program" $mode >/dev/null 2>&1 || status=$?
  [ $status -ne 0 ] && [ $status -ne 124 ] || fail "$mode on one rank: expected another status than 0 within 20 s, found $status"
done
if [ -n "$other" ]; then
  said=$(timeout 20 "$other" -n 2 "$program" 2>&1) && fail "under $other: expected an error, found none"
  printf '%s\n' "$said" | grep -q 'the launcher belongs to another MPI than the program' || fail "under $other: expected its name, found $said"
fi
