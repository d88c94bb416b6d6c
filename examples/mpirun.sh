#!/bin/sh
# sh examples/mpirun.sh RANKS PROGRAM [ARGUMENTS...]
#
# Starts a program that was built with LOCALIS_EXAMPLES_MPI on several ranks of this machine, which share its processors,
# and returns the program's status. Ctrl-C lets the program store its run and end; a second one ends it at once. MPIRUN is
# the launcher [mpirun], which must belong to the MPI that the program was built with.
set -eu
mpirun=${MPIRUN:-mpirun}
options='' interrupt=INT terminate=TERM
case $("$mpirun" --version 2>&1) in
  *'Open MPI'* | *open-mpi*)
    options='--quiet --bind-to none --oversubscribe'
    # It answers Ctrl-C by killing the ranks within a second, which may not be enough to store a run, but passes these on.
    interrupt=USR1 terminate=USR2
    [ "$(id -u)" != 0 ] || export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    # It gives each rank a terminal, even where its own output goes to a file.
    [ -t 1 ] || export TERM=dumb
    ;;
esac

# Ctrl-C does not reach a launcher in a session of its own.
# shellcheck disable=SC2086
setsid "$mpirun" $options -n "$@" &
launcher=$!
signalled=
last=0
pass() { # SIGNAL STATUS
  signalled=yes
  last=$2
  kill "-$1" "$launcher" 2>/dev/null || :
}
trap 'pass $interrupt 130' INT
trap 'pass $terminate 143' TERM
trap 'pass TERM 129' HUP
status=0
wait "$launcher" || status=$?
while [ -n "$signalled" ]; do # a signal has ended the wait, not the launcher
  signalled=
  status=0
  wait "$launcher" || status=$?
done
# The launcher of MPICH may return 0 after a signal, although the ranks return another status.
[ "$status" -ne 0 ] || status=$last
exit "$status"
