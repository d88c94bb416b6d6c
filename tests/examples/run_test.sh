# sh run_test.sh
# examples/run.sh on programs of the shell: --help builds nothing, arguments come in any order, and what is wrong with them
# is told before anything is built.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/a\ tree
mkdir -p "$tree/examples/lab" "$tree/cmake" "$tree/build/example" "$tree/build/example_ranks" "$work/path"
cp "$root/examples/run.sh" "$root/examples/mpirun.sh" "$tree/examples"
cp -r "$root/examples/lab/help" "$root/examples/lab/models.txt" "$tree/examples/lab"
cp -r "$root/examples/reproduce" "$tree/examples"
cp "$root/cmake/need.sh" "$tree/cmake"
program() {
  printf '#!/bin/sh\n%s\n' "$2" >"$1"
  chmod +x "$1"
}
# The build is up to date, and each program tells its arguments; the launcher tells its own before.
program "$work/path/cmake" "echo built >>\"$work/builds\"; echo no work to do"
for tool in g++ ninja apt-get; do program "$work/path/$tool" 'echo 14'; done
program "$work/path/dpkg-query" 'echo install ok installed'
for name in boundaries rules compare_reports train_lenet_28 train_lenet_32 train_resnet20_32 train_resnet18_224 \
  reproduce_krotov_hopfield; do
  # shellcheck disable=SC2016
  program "$tree/build/example/$name" 'printf "%s:" "${0##*/}"; printf " [%s]" "$@"'
done
for name in boundaries rules train_lenet_28; do cp "$tree/build/example/$name" "$tree/build/example_ranks"; done
# shellcheck disable=SC2016
program "$work/mpich" '[ "$1" != --version ] || exec echo HYDRA; printf "[%s] [%s] " "$1" "$2"; shift 2; exec "$@"'
# shellcheck disable=SC2016
program "$work/openmpi" '[ "$1" != --version ] || exec echo "mpirun (Open MPI)"
printf "%s " "$TERM" "$@" | sed "s,$tree,,"; exit 130'
PATH=$work/path:$PATH
unset CXX GOMP_SPINCOUNT CMAKE_ARGUMENTS
export tree MPIRUN="$work/mpich"
status=0
fail() {
  printf '%s\n' "$1" >&2
  status=1
}

# runs WHAT ARGUMENTS...: the program that is run, with its arguments
runs() {
  expected=$1
  shift
  found=$(sh "$tree/examples/run.sh" "$@" 2>&1) || true
  [ "$found" = "$expected" ] || fail "run.sh $*: expected $expected, found $found"
}
runs 'boundaries: []'
runs 'boundaries: [--quick] [--seeds] [1,2]' --quick --seeds 1,2
runs 'rules: [--quick] [--out] [a b]' --quick --out 'a b' --rules
runs 'compare_reports: [one] [two] [--out] [page]' one --compare two --out page
cifar='[--quick] [--data] [cifar10:c]'
runs "train_resnet20_32: $cifar" --model resnet20 --quick --data cifar10:c --size 32
runs "train_resnet20_32: $cifar" --quick --model resnet20 --data cifar10:c --size 32
runs "train_resnet20_32: $cifar" --size=32 --quick --data cifar10:c --backend cpu --model=resnet20
runs "train_lenet_32: $cifar" --quick --data cifar10:c --model lenet
runs 'train_resnet18_224: [--data=folder:f]' --data=folder:f --model resnet18
runs 'train_lenet_28: []' --model lenet
runs 'reproduce_krotov_hopfield: [--quick]' --quick --reproduce krotov_hopfield
runs '[-n] [3] boundaries: [--quick] [--out] [a b]' --quick --ranks 3 --out 'a b'
runs '[-n] [2] train_lenet_28: []' --model lenet --ranks=2
MPIRUN=$work/openmpi
code=0
found=$(sh "$tree/examples/run.sh" --ranks 2 --rules --quick) || code=$?
case $code$found in
  '130dumb --quiet '*' -n 2 /build/example_ranks/rules --quick '*) ;;
  *) fail "run.sh --ranks 2: expected status 130 and the call of Open MPI, found $code and $found" ;;
esac
[ "$(sort -u "$work/builds")" = built ]
rm "$work/builds"

# refuses WHAT ARGUMENTS...
refuses() {
  expected="localis: $1"
  shift
  code=0
  found=$(sh "$tree/examples/run.sh" "$@" 2>&1) || code=$?
  case $code$found in
    "2$expected"*) ;;
    *) fail "run.sh $*: expected status 2 and $expected, found $code and $found" ;;
  esac
}
refuses '--quik: expected an option, found none of that name; --help lists them' --quik
refuses '--reproduce: expected one of: krotov_hopfield local_losses selective_localized soft_hebb; found: nothing' --reproduce nothing
refuses '--cutout: expected an option, found none' --cutout=3 # of published networks alone
refuses '--quick: expected an option, found none' --compare a --quick
refuses '--quick: expected an option, found none' --reproduce soft_hebb --quick
refuses '--model: expected one of: six_stages lenet ' --model
refuses '--model: expected one of: six_stages lenet ' --model --quick
refuses '--size: expected one of: 32, which resnet20 is there for; found: 28' --size 28 --model resnet20
refuses '--size: expected one of: 32, which resnet20 is there for; found: nothing' --model resnet20 --size
refuses '--backend: expected one of: cpu cuda cudnn; found: gpu' --backend gpu --model resnet20
refuses '--size, --backend: expected --model NAME with them, found none' --size 32
refuses '--ranks: expected a number from 1 to 9999, found: nothing' --ranks
refuses '--ranks: expected a number from 1 to 9999, found: 0' --ranks 0
refuses '--ranks: expected a program that several ranks can run, found few_labels' --few-labels --ranks 2
refuses '--ranks: expected a program that several ranks can run, found reproduce_soft_hebb' --ranks 2 --reproduce soft_hebb
refuses '--rules, --model, --few-labels, --one-pass, --shift, --fixed-memory, --reproduce, --compare: expected one of them, found two' --rules --model lenet

# helps WHAT ARGUMENTS...
helps() {
  expected=$1
  shift
  found=$(PATH=/usr/bin:/bin sh "$tree/examples/run.sh" "$@" 2>&1) || fail "run.sh $*: failed"
  for part in '--compare FOLDER... ' "$expected"; do
    case $found in *"$part"*) ;; *) fail "run.sh $*: expected $part, found another text" ;; esac
  done
}
helps 'Usage: sh examples/run.sh [OPTIONS]' --help
helps '  sh examples/run.sh --quick' -h --quick
helps '  sh examples/run.sh --rules --quick' --help --rules
helps '  sh examples/run.sh --model NAME --quick' --model --help
helps '--cutout PIXELS' --model resnet20 --help --size 32
helps 'Usage: sh examples/run.sh --few-labels [OPTIONS]' --few-labels --help
helps 'Usage: sh examples/run.sh --one-pass [OPTIONS]' --one-pass --help
helps 'Usage: sh examples/run.sh --shift [OPTIONS]' --shift --help
helps 'Usage: sh examples/run.sh --fixed-memory [OPTIONS]' --fixed-memory --help
helps 'Usage: sh examples/run.sh --reproduce soft_hebb [OPTIONS]' --reproduce soft_hebb --help
helps '--local-rate FLOAT' --help --reproduce krotov_hopfield
helps 'Usage: sh examples/run.sh --compare [OPTIONS] FOLDER...' --compare --help
[ ! -e "$work/builds" ] || fail 'run.sh: what is refused or asks for help was built'
exit $status
