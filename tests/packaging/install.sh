# sh install.sh SOURCE FOLDER COMPILER
# Installs in FOLDER with GNU's variables relative and absolute, under a prefix with a space: find_package and pkg-config
# find the headers, each time.
set -eu
source=$1 folder=$2 compiler=$3
rm -rf "$folder"
mkdir -p "$folder/user"
cd "$folder"
cat >user/CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.22)
project(user LANGUAGES CXX)
find_package(localis 0.1 REQUIRED)
get_target_property(headers localis::localis INTERFACE_INCLUDE_DIRECTORIES)
if(NOT EXISTS "${headers}/localis/localis.hpp")
  message(FATAL_ERROR "localis::localis: expected the folder of the headers, found ${headers}")
endif()
END
echo '#include <localis/version.hpp>' >program.cpp

quietly() {
  "$@" >log 2>&1 || {
    echo "$name: $*" >&2
    cat log >&2
    exit 1
  }
}
configure_library() {
  rm -rf library
  quietly cmake -S "$source" -B library -DLOCALIS_BUILD_TESTS=OFF -DLOCALIS_BUILD_EXAMPLES=OFF \
    -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_INSTALL_PREFIX="$folder/pre fix" "$@"
}
check() { # NAME DATA ARGUMENTS...: what is installed lies in DATA
  name=$1 data=$2
  shift 2
  rm -rf 'pre fix' absolute build
  configure_library "$@"
  quietly cmake --install library
  quietly cmake -S user -B build -DCMAKE_CXX_COMPILER="$compiler" -Dlocalis_DIR="$data/cmake/localis"
  flags=$(PKG_CONFIG_PATH=$data/pkgconfig pkg-config --cflags localis)
  eval "quietly \"\$compiler\" -fsyntax-only $flags program.cpp" # a space is escaped in them
  echo "$name: found"
}

check relative "$folder/pre fix/share"
check folders "$folder/pre fix/lib/data" -DCMAKE_INSTALL_DATADIR=lib/data -DCMAKE_INSTALL_INCLUDEDIR=include/c++/20
check headers "$folder/pre fix/share" -DCMAKE_INSTALL_INCLUDEDIR="$folder/absolute/head ers"
check both "$folder/absolute/data" -DCMAKE_INSTALL_DATADIR="$folder/absolute/data" \
  -DCMAKE_INSTALL_INCLUDEDIR="$folder/absolute/headers"
check data "$folder/absolute/data" -DCMAKE_INSTALL_DATADIR="$folder/absolute/data"

# The last ones lie where they were told, and the headers where --prefix says: they would not be found.
if cmake --install library --prefix "$folder/other" >log 2>&1 || ! grep -q 'expected the prefix to be' log ||
  [ -e other ]; then
  echo 'an absolute CMAKE_INSTALL_DATADIR with another prefix: expected a refusal, found:' >&2
  cat log >&2
  exit 1
fi
