#!/bin/sh
# sh examples/mpirun.sh RANKS PROGRAM [ARGUMENTS...]
#
# Starts a program that was built with LOCALIS_EXAMPLES_MPI on several ranks of this machine, which share its processors,
# and returns the program's status. Ctrl-C lets the program store its run and end; a second one ends it at once. MPIRUN is
# the launcher [mpirun], which must belong to the MPI that the program was built with.
set -eu
mpirun=${MPIRUN:-mpirun}
case $("$mpirun" --version 2>&1) in
  *'Open MPI'* | *open-mpi*) ;;
  *) exec "$mpirun" -n "$@" ;; # MPICH passes the signals of Ctrl-C on, and binds no rank
esac

[ "$(id -u)" != 0 ] || export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
# Open MPI gives each rank a terminal, even where its own output goes to a file.
[ -t 1 ] || export TERM=dumb
# It answers Ctrl-C by killing the ranks within a second, which may not be enough to store a run, but passes SIGUSR1 and
# SIGUSR2 on. Ctrl-C does not reach it in a session of its own.
setsid "$mpirun" --quiet --bind-to none --oversubscribe -n "$@" &
launcher=$!
signalled=
pass() {
  signalled=yes
  kill "-$1" "$launcher" 2>/dev/null || :
}
trap 'pass USR1' INT
trap 'pass USR2' TERM
trap 'pass TERM' HUP
status=0
wait "$launcher" || status=$?
while [ -n "$signalled" ]; do # a signal has ended the wait, not the launcher
  signalled=
  status=0
  wait "$launcher" || status=$?
done
exit $status
