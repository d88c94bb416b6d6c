# sh consumer.sh HOW SOURCE FOLDER COMPILER BUILD_TYPE FLAGS...
# Builds and runs the consumer beside this script as a user would, in FOLDER, with SOURCE's localis and the warnings FLAGS.
# COMPONENTS names those of the library, with semicolons between.
# HOW: package (cmake --install, find_package), subdirectory, fetch (FetchContent), export (a library that took localis as
# a subdirectory and is exported itself), pkg_config, or copy (the headers alone, with and without OpenMP).
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)/consumer
how=$1 source=$2 folder=$3 compiler=$4 type=$5
shift 5
rm -rf "$folder"
mkdir -p "$folder"
cd "$folder"

case $type in
  Debug) optimize=-O0 ;;
  *) optimize='-O2 -DNDEBUG' ;;
esac

quietly() {
  "$@" >log 2>&1 || {
    cat log >&2
    exit 1
  }
}
list() (IFS=';' && echo "$*")
install_here() {
  quietly cmake -S "$source" -B library -DLOCALIS_BUILD_TESTS=OFF -DLOCALIS_BUILD_EXAMPLES=OFF \
    -DCMAKE_CXX_COMPILER="$compiler"
  quietly cmake --install library --prefix "$folder/first"
  mv first installed # what is installed may be moved
}
build_with_cmake() {
  quietly cmake -S "$here" -B build -DHOW="$how" -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_BUILD_TYPE="$type" \
    -DWARNINGS="$warnings" -DCOMPONENTS="$COMPONENTS" "$@"
  quietly cmake --build build
  mkdir temporary
  TMPDIR=$folder/temporary ./build/consumer # Open MPI leaves a folder there now and then
}
# must_refuse TEXT COMMAND...: fails, and says TEXT
must_refuse() {
  expected=$1
  shift
  if "$@" >log 2>&1 || ! tr -s ' \n' ' ' <log | grep -qF -- "$expected"; then
    echo "expected a failure that says '$expected', found:" >&2
    cat log >&2
    exit 1
  fi
}

warnings=$(list "$@")
case $how in
  package)
    install_here
    build_with_cmake -DCMAKE_PREFIX_PATH="$folder/installed" -DWANTED=0.1
    # A version that is not there, a component that nobody knows, and one whose library is missing.
    must_refuse 'compatible with requested version "0.2"' \
      cmake -S "$here" -B other -DHOW=package -DCMAKE_PREFIX_PATH="$folder/installed" -DWANTED=0.2
    must_refuse 'localis, gzip: missing is zlib' cmake -S "$here" -B without -DHOW=package \
      -DCMAKE_PREFIX_PATH="$folder/installed" -DWANTED=0.1 -DCMAKE_DISABLE_FIND_PACKAGE_ZLIB=ON
    ;;
  subdirectory) build_with_cmake -DLOCALIS_SOURCE="$source" ;;
  fetch) build_with_cmake -DFETCHCONTENT_SOURCE_DIR_LOCALIS="$source" ;;
  export)
    lab=$(dirname -- "$here")/lab
    for install in OFF ON; do # OFF: localis comes to the library's users from elsewhere
      quietly cmake -S "$lab" -B lab.$install -DLOCALIS_SOURCE="$source" -DLOCALIS_INSTALL=$install \
        -DCMAKE_CXX_COMPILER="$compiler"
    done
    quietly cmake --install lab.ON --prefix "$folder/installed"
    build_with_cmake -DCMAKE_PREFIX_PATH="$folder/installed" -DCOMPONENTS=gzip
    ;;
  pkg_config)
    install_here
    PKG_CONFIG_PATH=$folder/installed/share/pkgconfig
    export PKG_CONFIG_PATH
    pkg-config --exists --print-errors 'localis >= 0.1'
    flags=$(pkg-config --cflags localis)
    # shellcheck disable=SC2086
    "$compiler" -std=c++20 $optimize $flags "$@" -pthread "$here"/*.cpp -o consumer
    ./consumer
    ;;
  copy)
    cp -R "$source/include" headers
    openmp=-fopenmp
    echo '#include <omp.h>' | "$compiler" -fopenmp -fsyntax-only -x c++ - 2>/dev/null || {
      echo "without -fopenmp: $compiler has no omp.h"
      openmp=
    }
    for threads in '' $openmp; do
      # shellcheck disable=SC2086
      "$compiler" -std=c++20 $optimize $threads -Iheaders "$@" -pthread "$here"/*.cpp -o consumer
      ./consumer
    done
    ;;
esac
