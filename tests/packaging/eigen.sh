# sh eigen.sh SOURCE FOLDER COMPILER EIGEN IGNORE
# Where the only Eigen is 3.4 or 5, by what their packages say of themselves, localis configures; with 3.3 it says why not.
# The headers are those in EIGEN, whose own package in IGNORE is left aside.
set -eu
source=$1 folder=$2 compiler=$3 eigen=$4 ignore=$5
rm -rf "$folder"
mkdir -p "$folder"
cd "$folder"

configure() { # VERSION RULE...: the commands that say whether a version suits
  package=$folder/$1/share/eigen3/cmake
  mkdir -p "$package"
  cat >"$package/Eigen3Config.cmake" <<END
add_library(Eigen3::Eigen INTERFACE IMPORTED)
set_target_properties(Eigen3::Eigen PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "$eigen")
END
  printf '%s\n' "set(PACKAGE_VERSION $1.0)" "$2" >"$package/Eigen3ConfigVersion.cmake"
  cmake -S "$source" -B "build.$1" -DLOCALIS_BUILD_TESTS=OFF -DLOCALIS_BUILD_EXAMPLES=OFF \
    -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_PREFIX_PATH="$folder/$1" \
    -DCMAKE_IGNORE_PATH="$ignore" -DCMAKE_FIND_USE_PACKAGE_REGISTRY=OFF >log 2>&1
}
fail() {
  echo "$1, found:" >&2
  cat log >&2
  exit 1
}

# The same major version, and no range beyond it, as CMake writes such files.
same='if(PACKAGE_FIND_VERSION_MAJOR EQUAL 3 AND NOT PACKAGE_FIND_VERSION_RANGE AND NOT PACKAGE_VERSION VERSION_LESS PACKAGE_FIND_VERSION)
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
endif()'
# Eigen 5's own.
five='if(PACKAGE_FIND_VERSION_RANGE)
  if(NOT PACKAGE_FIND_VERSION_MIN VERSION_GREATER 5.0.0 AND PACKAGE_FIND_VERSION_MAX_MAJOR GREATER_EQUAL 5)
    set(PACKAGE_VERSION_COMPATIBLE TRUE)
  endif()
elseif(PACKAGE_FIND_VERSION STREQUAL "" OR PACKAGE_FIND_VERSION_MAJOR EQUAL 5)
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
endif()'
configure 3.4 "$same" || fail 'Eigen 3.4: expected a build'
configure 5.0 "$five" || fail 'Eigen 5: expected a build'
if configure 3.3 "$same" || ! grep -q 'missing is threads and Eigen 3.4 or 5' log; then
  fail 'Eigen 3.3 alone: expected a refusal that names Eigen'
fi
