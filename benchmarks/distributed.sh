# sh benchmarks/distributed.sh PROGRAM REPORT MPIRUN ROUNDS OUT PICTURES QUICK
#
# What `sh benchmarks/run.sh distributed` runs: PROGRAM (distributed.cpp) under the launcher MPIRUN of Open MPI or MPICH,
# in ROUNDS, and REPORT, which prints the medians and writes them into the new folder OUT.
#
#   images per second   1 rank with 1 and 2 threads, 2 ranks with 1 thread each, in turns with PyTorch's
#                       DistributedDataParallel over gloo, if $LOCALIS_PYTHON (by default python3) can import torch
#   steps over a link   2 ranks on this machine: through its memory and, for root, as two hosts with a network between
#                       them, of no limit, of 1 Gbit/s and of 100 Mbit/s. The hosts are two network namespaces, which
#                       are taken away at the end, however it comes
#   accuracy            of 2 ranks and seeds 1, 2 and 3, if PICTURES is a folder with CIFAR-10 or Fashion-MNIST
#
# With --quick as QUICK it takes a few steps of one network in one round, without PyTorch and without the two hosts.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
. "$root/cmake/need.sh"

if [ $# -ne 7 ]; then
  say "benchmarks/distributed.sh: expected 7 arguments, which sh benchmarks/run.sh distributed gives it; found $#"
  exit 2
fi
program=$1 report=$2 mpirun=$(command -v "$3") rounds=$4 out=$5 pictures=$6 quick=$7

export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_hwloc_base_binding_policy=none
case $("$mpirun" --version 2>&1) in *'Open MPI'* | *OpenRTE*) mpi=openmpi ;; *) mpi=mpich ;; esac
work=$(mktemp -d)
export TMPDIR="$work"  # what an MPI leaves there
first=localis-$$-a second=localis-$$-b  # also names of hosts, which must be without underscores
clean_up() {
  for host in "$first" "$second"; do
    ip netns pids "$host" 2>/dev/null | xargs -r kill 2>/dev/null
    ip netns del "$host" 2>/dev/null
  done
  rm -rf "$work"
}
trap 'clean_up || true' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# on_one_machine RANKS THREADS ARGUMENTS...: without an input, for which MPICH's launcher would wait at the end
on_one_machine() {
  ranks=$1
  export OMP_NUM_THREADS="$2"
  shift 2
  "$mpirun" -n "$ranks" "$program" $quick "$@" </dev/null
}

# Makes the two hosts and what joins them.
make_hosts() {
  # What both launchers call in place of ssh: SHELL [OPTIONS] ADDRESS COMMAND...
  cat >"$work/shell" <<END
#!/bin/sh
while :; do
  case \$1 in -l) shift 2 ;; -*) shift ;; *) break ;; esac
done
case \$1 in 10.99.0.1) host=$first ;; 10.99.0.2) host=$second ;; *) exit 255 ;; esac
shift
exec ip netns exec \$host unshare --uts sh -c "hostname \$host; \$*"
END
  chmod +x "$work/shell"
  ip netns add "$first" && ip netns add "$second" &&
    ip link add va netns "$first" type veth peer name vb netns "$second" &&
    ip -n "$first" addr add 10.99.0.1/24 dev va && ip -n "$second" addr add 10.99.0.2/24 dev vb || return 1
  for device in "$first va" "$first lo" "$second vb" "$second lo"; do
    ip -n "${device% *}" link set "${device#* }" up || return 1
  done
  for try in 1 2 3 4 5; do  # a second passes until the system takes a link for up, and MPICH asks for that
    ip -n "$first" link show va | grep -q 'state UP' && ip -n "$second" link show vb | grep -q 'state UP' && return 0
    sleep 1
  done
  echo 'expected a link that is up within 5 s, found one that is down'
  return 1
}
limit_link() { # RATE, as tc writes it, or unlimited
  for device in "$first va" "$second vb"; do
    set -- "$1" "${device% *}" "${device#* }"
    if [ "$1" = unlimited ]; then
      tc -n "$2" qdisc del dev "$3" root 2>/dev/null || true
    else
      tc -n "$2" qdisc replace dev "$3" root tbf rate "$1" burst 256k latency 100ms || return 1
    fi
  done
}
on_two_hosts() { # ARGUMENTS...
  export OMP_NUM_THREADS=1
  case $mpi in
    openmpi)
      set -- --mca plm_rsh_agent "$work/shell" --mca btl self,tcp \
        --mca btl_tcp_if_include 10.99.0.0/24 --mca oob_tcp_if_include 10.99.0.0/24 -x OMP_NUM_THREADS \
        --host 10.99.0.1:1,10.99.0.2:1 -n 2 "$program" "$@"
      ;;
    mpich)  # without UCX_TLS the ranks would find that they share memory
      set -- -launcher ssh -launcher-exec "$work/shell" -iface va -hosts 10.99.0.1,10.99.0.2 -genv UCX_TLS tcp,self \
        -n 2 "$program" "$@"
      ;;
  esac
  ip netns exec "$first" unshare --uts sh -c 'hostname "$0"; exec "$@"' "$first" "$mpirun" "$@" </dev/null
}

hosted=
if [ -n "$quick" ]; then
  :
elif [ "$(id -u)" != 0 ]; then
  say 'without two hosts: only root can make network namespaces'
else
  offer iproute2 'two hosts' command -v tc
  if reason=$({ make_hosts && limit_link 1gbit; } 2>&1); then hosted=yes; else say "without two hosts: $reason"; fi
fi
python=
if [ -z "$quick" ]; then
  python=${LOCALIS_PYTHON:-python3}
  if ! "$python" -c 'import torch.distributed, torchvision' 2>/dev/null; then
    say "without PyTorch: $python cannot import torch and torchvision; LOCALIS_PYTHON=... names one that can"
    python=
  fi
fi
[ -n "$pictures" ] || say 'without accuracies: --pictures FOLDER names one with CIFAR-10 or Fashion-MNIST'

mkdir -p "$out"
out=$(cd "$out" && pwd)
round=1
while [ "$round" -le "$rounds" ]; do
  say "round $round of $rounds: images per second"
  for shape in '1 1' '1 2' '2 1'; do
    set -- $shape
    on_one_machine "$1" "$2" --scaling --json "$out/distributed.$round.scaling.$1.$2.json"
    [ -z "$python" ] || "$python" "$root/benchmarks/torch_distributed_peer.py" "$1" "$2" \
      "$out/torch_distributed.$round.$1.$2.json"
  done
  say "round $round of $rounds: links"
  on_one_machine 2 1 --link memory --json "$out/distributed.$round.link.0.json"
  if [ -n "$hosted" ]; then
    number=1
    for rate in unlimited 1gbit 100mbit; do
      limit_link $rate
      on_two_hosts --link $rate --interface va --json "$out/distributed.$round.link.$number.json"
      number=$((number + 1))
    done
  fi
  round=$((round + 1))
done
if [ -n "$pictures" ]; then
  for seed in 1 2 3; do
    say "accuracy: seed $seed"
    on_one_machine 2 1 --pictures "$pictures" --seed $seed --json "$out/distributed.seed.$seed.json"
  done
fi
"$report" "$out"
say "page: $out/report.html, figures: $out/results.json"
