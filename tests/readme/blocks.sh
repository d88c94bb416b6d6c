# sh blocks.sh PAGE SOURCE BUILD FOLDER COMPILER FLAGS...
# Tries every block of code of PAGE, a Markdown file of SOURCE, in FOLDER: cpp is compiled with FLAGS, a call of the compiler
# is made as it stands, other commands must exist with their options, cmake configures a project against what BUILD
# installs. GPU_FLAGS and GPU_FOLDERS, with colons between: how to compile against the stand-in for a GPU; NCCL: whether there
# is nccl.h, too; MPI_FOLDERS: against MPI. Empty: such blocks are left out.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
page=$1 source=$2 build=$3 folder=$4 compiler=$5
shift 5
rm -rf "$folder"
mkdir -p "$folder"
cd "$folder"
status=0

gpu=
[ -z "${GPU_FLAGS:-}" ] || gpu=$source/tests/backend/cuda_standin/backend.hpp
awk -v page="$page" -v wrappers="$here/in" -v out="$folder" -v gpu="$gpu" -v nccl="${NCCL:-}" -v mpi="${MPI_FOLDERS:-}" -f "$here/blocks.awk" "$source/$page"

fail() {
  echo "$page:$line: $*" >&2
  status=1
}

if [ -s page.cpp ]; then
  # shellcheck disable=SC2086
  CPLUS_INCLUDE_PATH=${GPU_FOLDERS:-}:${MPI_FOLDERS:-} "$compiler" "$@" -Werror -Wno-return-type ${GPU_FLAGS:-} -fsyntax-only page.cpp ||
    status=1
fi

# A call of the compiler, beside the program above it: as a reader would, but with this build's compiler, unoptimized, and
# without OpenMP where that compiler has none.
openmp=' -fopenmp '
echo '#include <omp.h>' | "$compiler" -fopenmp -fsyntax-only -x c++ - 2>/dev/null || openmp=' '
compile() {
  mkdir "program.$line"
  mv "$block.program.cpp" "program.$line/program.cpp"
  ln -s "$source/include" "program.$line/include"
  sed "s,^g++ ,$compiler , ; s, -O3 -march=native , -O0 , ; s, -fopenmp ,$openmp," "$block" >"program.$line/command.sh"
  (cd "program.$line" && sh -eu command.sh >output 2>&1) || {
    cat "program.$line/output" >&2
    fail 'this does not compile or run'
  }
}

# Words of one command: the script is there, and knows the options.
look_up() {
  case $1 in
    sh)
      script=$2
      [ -f "$source/$script" ] || { fail "no $script"; return; }
      shift 2
      for word; do
        case $word in
          --*) grep -rqF -e "${word%%=*}" "$source/${script%/*}" || fail "$script knows no ${word%%=*}" ;;
        esac
      done
      ;;
    cmake)
      for word; do
        case $word in
          -DLOCALIS_*)
            name=${word#-D}
            grep -qF "option(${name%%=*} " "$source/CMakeLists.txt" || fail "no option ${name%%=*}"
            ;;
        esac
      done
      ;;
    *) fail "nothing tries: $*" ;;
  esac
}

for block in sh.*[0-9]; do
  [ -f "$block" ] || continue
  line=${block#sh.}
  sh -n "$block" || fail 'no shell takes this'
  if [ -f "$block.program.cpp" ]; then
    compile
    continue
  fi
  sed 's/ *#.*//; s/ && /\
/g' "$block" | while read -r command; do
    # shellcheck disable=SC2086
    [ -z "$command" ] || look_up $command
    echo "$status" >sh.status
  done
  status=$((status | $(cat sh.status)))
done

for block in cmake.*[0-9]; do
  [ -f "$block" ] || continue
  line=${block#cmake.}
  [ -d installed ] || cmake --install "$build" --prefix "$folder/installed" >log
  mkdir "project.$line"
  echo 'int main() {}' >"project.$line/lab.cpp"
  {
    echo 'cmake_minimum_required(VERSION 3.22)'
    echo 'project(lab LANGUAGES CXX)'
    echo 'add_executable(lab lab.cpp)'
    cat "$block"
  } >"project.$line/CMakeLists.txt"
  cmake -S "project.$line" -B "project.$line/build" -DCMAKE_CXX_COMPILER="$compiler" \
    -DCMAKE_PREFIX_PATH="$folder/installed" -DFETCHCONTENT_SOURCE_DIR_LOCALIS="$source" >log 2>&1 || {
    cat log >&2
    fail 'this does not configure'
  }
done
exit $status
