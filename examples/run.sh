#!/bin/sh
# sh examples/run.sh [ARGUMENTS...]                          the comparison of boundaries
# sh examples/run.sh --rules [ARGUMENTS...]                  the comparison of all local rules
# sh examples/run.sh --model NAME [--size PIXELS] [--backend BACKEND] [--data KIND:FOLDER] [ARGUMENTS...]
#                                                            a published network
# sh examples/run.sh --few-labels [ARGUMENTS...]             local rules where labels are few
# sh examples/run.sh --one-pass [ARGUMENTS...]               features of a local rule after one pass
# sh examples/run.sh --shift [ARGUMENTS...]                  local rules where the pictures change
# sh examples/run.sh --fixed-memory [ARGUMENTS...]           local rules where memory is short
# sh examples/run.sh --reproduce NAME [ARGUMENTS...]         a published experiment: soft_hebb, krotov_hopfield,
#                                                            local_losses or selective_localized
# sh examples/run.sh --compare FOLDER... [--out PAGE]        the reports in these folders on one page
#
# With --ranks N, the first three run on N processes of MPI, which train one model together (docs/ranks.md).
#
# Installs missing packages, builds the program for this machine, and runs it. KIND is cifar10, cifar100, folder (with
# one folder per class in FOLDER/train and FOLDER/val) or fashion. The file examples/lab/models.txt lists the networks
# and sizes. BACKEND is cpu, which is the default, cuda or cudnn; the last two need nvcc and a GPU. All other arguments
# go to the program, in any order: --quick trains on a few thousand images, and --help, with or without one of the
# options above, explains the others and builds nothing. CMAKE_ARGUMENTS is added to the call of cmake.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
build=$root/build/example
. "$root/cmake/need.sh"

refuse() {
  say "$1"
  exit 2
}
program=
choose() {
  [ -z "$program" ] || [ "$program" = "$1" ] ||
    refuse '--rules, --model, --few-labels, --one-pass, --shift, --fixed-memory, --reproduce, --compare: expected one of them, found two'
  program=$1
}

# What is not for this script goes round to the end of the arguments, until all have been looked at.
help=
model=
experiment=
size=
backend=
ranks=
left=$#
while [ "$left" -gt 0 ]; do
  argument=$1
  shift
  left=$((left - 1))
  case $argument in
    --rules) choose rules ;;
    --compare) choose compare_reports ;;
    --few-labels) choose few_labels ;;
    --one-pass) choose one_pass ;;
    --shift) choose shift ;;
    --fixed-memory) choose fixed_memory ;;
    -h | --help) help=yes ;;
    --model | --reproduce | --size | --backend | --ranks | --model=* | --reproduce=* | --size=* | --backend=* | --ranks=*)
      value=nothing
      case $argument in
        *=*) value=${argument#*=} ;;
        *)
          if [ "$left" -gt 0 ] && [ "${1#-}" = "$1" ]; then
            value=$1
            shift
            left=$((left - 1))
          fi
          ;;
      esac
      case $argument in
        --model*) choose train_model && model=$value ;;
        --reproduce*) choose reproduce && experiment=$value ;;
        --size*) size=$value ;;
        --backend*) backend=$value ;;
        --ranks*) ranks=$value ;;
      esac
      ;;
    *) set -- "$@" "$argument" ;;
  esac
done
choose "${program:-boundaries}"

if [ "$program" = reproduce ]; then
  known=$(cd "$root/examples/reproduce" && ls ./*.cpp | sed 's,^\./,,; s,\.cpp$,,' | paste -sd ' ' -)
  case " $known " in
    *" $experiment "*) program=reproduce_$experiment ;;
    *) refuse "--reproduce: expected one of: $known; found: $experiment" ;;
  esac
fi

# What the program answers to --help, which the test of examples compares with it.
told=$root/examples/lab/help/$program.txt
if [ -n "$help" ]; then
  case $program in
    rules) call=' --rules' ;;
    train_model) call=' --model NAME' ;;
    reproduce_*) call=" --reproduce $experiment" ;;
    few_labels) call=' --few-labels' ;;
    one_pass) call=' --one-pass' ;;
    shift) call=' --shift' ;;
    fixed_memory) call=' --fixed-memory' ;;
    compare_reports) call=' --compare' ;;
    *) call= ;;
  esac
  sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
  printf '\n'
  sed "s,^\(  \)$program ,\1sh examples/run.sh$call ,; s,^\(Usage: \)$program,\1sh examples/run.sh$call," "$told"
  exit
fi
for argument; do
  case $argument in
    --?*)
      grep -qE "^ +(-[a-z],)? *${argument%%=*}( |$)" "$told" ||
        refuse "${argument%%=*}: expected an option, found none of that name; --help lists them"
      ;;
  esac
done

takes='a minute or so'
case $program in
  rules) takes='some minutes: every rule is compiled on its own' ;;
  compare_reports) takes='some seconds' ;;
  train_model)
    sizes=$(sed -n "s/^$(printf %s "$model" | tr -cd 'a-z0-9_') \([0-9]*\) .*/\1/p" "$root/examples/lab/models.txt")
    [ -n "$sizes" ] ||
      refuse "--model: expected one of: $(sed -n 's/^\([a-z][^ ]*\) .*/\1/p' "$root/examples/lab/models.txt" | uniq |
        paste -sd ' ' -); found: $model"
    if [ -z "$size" ]; then
      case " $*" in
        *' --data folder:'* | *' --data=folder:'*) size=$(echo "$sizes" | sort -n | tail -n 1) ;;
        *) size=$(echo "$sizes" | sort -n | head -n 1) ;;
      esac
      # A network for grey pictures of 28 x 28 does not accept the colour pictures of CIFAR-10.
      case " $*" in *cifar10*) [ "$size" != 28 ] || size=32 ;; esac
    fi
    sizes=$(echo "$sizes" | paste -sd ' ' -)
    case " $sizes " in
      *" $size "*) ;;
      *) refuse "--size: expected one of: $sizes, which $model is there for; found: $size" ;;
    esac
    program=train_${model}_$size
    need_libraries=need_components
    case ${backend:=cpu} in
      cpu) ;;
      cuda | cudnn)
        program=${program}_$backend
        need_gpu=ON
        if ! command -v nvcc >/dev/null 2>&1; then
          say "--backend $backend: expected nvcc of CUDA 12.4 or later on PATH, found none"
          exit 1
        fi
        if ! nvidia-smi -L >/dev/null 2>&1; then
          say "--backend $backend: expected a GPU that nvidia-smi lists, found none"
          exit 1
        fi
        ;;
      *) refuse "--backend: expected one of: cpu cuda cudnn; found: $backend" ;;
    esac
    ;;
esac
[ -n "$model" ] || [ -z "$size$backend" ] || refuse '--size, --backend: expected --model NAME with them, found none'
if [ -n "$ranks" ]; then
  case $ranks in *[!0-9]* | 0* | ?????*) refuse "--ranks: expected a number from 1 to 9999, found: $ranks" ;; esac
  case $program in
    boundaries | rules | train_*[0-9]) ;;
    *) refuse "--ranks: expected a program that several ranks can run, found $program" ;;
  esac
  build=$root/build/example_ranks
  need_mpi=ON
  need libopenmpi-dev command -v mpicxx
  need openmpi-bin command -v mpirun
fi

# Without this limit, waiting threads of libgomp would keep cores busy that other programs, and the threads that they
# wait for, need.
export GOMP_SPINCOUNT="${GOMP_SPINCOUNT:-2000}"

need_build
${need_libraries:-:}
need libcli11-dev has_header libcli11-dev CLI/CLI.hpp
need nlohmann-json3-dev has_header nlohmann-json3-dev nlohmann/json.hpp
provide

# The pictures are offered until the first build, unless the caller names a data set, so that a machine that cannot
# install them does not ask the network each time. The program states which pictures it uses.
case "$program $* " in
  compare_reports* | few_labels* | one_pass* | shift* | fixed_memory* | reproduce* | *' --data'*) ;;
  *) [ -x "$build/$program" ] || offer dataset-fashion-mnist 'the pictures' test -d /usr/share/datasets/fashion-mnist ;;
esac

# Warnings are not errors here, because a newer compiler may print more of them.
configure "$build" -DCMAKE_BUILD_TYPE=Release -DCMAKE_RUNTIME_OUTPUT_DIRECTORY="$build" -DLOCALIS_BUILD_TESTS=OFF \
  -DLOCALIS_BUILD_EXAMPLES=ON -DLOCALIS_WERROR=OFF "-DLOCALIS_CUDA=${need_gpu:-OFF}" \
  "-DLOCALIS_EXAMPLES_MPI=${need_mpi:-OFF}" \
  ${need_gpu:+-DCMAKE_CUDA_ARCHITECTURES=native}
case $(cmake --build "$build" --target "$program" -- -n) in
  *'no work to do'*) ;;
  *)
    say "building $program ($takes)"
    cmake --build "$build" --target "$program" --parallel "$(cores)" >&2
    ;;
esac

[ -n "$ranks" ] || exec "$build/$program" "$@"
MPIRUN=${MPIRUN:-$(sed -n 's/^MPIEXEC_EXECUTABLE:FILEPATH=//p' "$build/CMakeCache.txt")}
export MPIRUN
exec sh "$root/examples/mpirun.sh" "$ranks" "$build/$program" "$@"
