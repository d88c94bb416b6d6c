# The scripts of this repository source this file. It finds the packages that they need, installs them, or names them.
#
#   need PACKAGE TEST...   adds PACKAGE to the missing packages unless the command TEST... succeeds
#   need_build             needs the packages of every build of this repository
#   need_components        needs the packages of the components folder and safetensors
#   need_tests             needs all packages of the tests
#   provide                installs the missing packages with apt if it has permission; else names them and exits 1
#   offer PACKAGE WHAT TEST...   as need and provide, but reports a missing package and continues without it
#   configure BUILD ARGUMENTS...   runs cmake for the checkout $root in the folder BUILD; exits 1 if that fails
#
# All messages go to stderr.

say() { printf 'localis: %s\n' "$*" >&2; }

missing=
need() {
  need_package=$1
  shift
  "$@" >/dev/null 2>&1 || missing="${missing:+$missing }$need_package"
}

# A package counts as there if apt put it there, or if its header lies where compilers look by default.
has_header() {
  dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'ok installed' && return
  for folder in /usr/include /usr/local/include /opt/local/include $(printf '%s' "${CPATH:-}" | tr : ' '); do
    [ ! -e "$folder/$2" ] || return 0
  done
  return 1
}

# The Thrust of a CUDA toolkit, where cmake/targets.cmake looks for it; an older one beside it could be taken for it.
has_cccl() { has_header cccl cccl/thrust/version.h; }

# g++ 12 or clang++ 14, whichever CXX names.
has_compiler() {
  cxx=${CXX:-$(command -v g++ || command -v c++)} || return 1
  major=$($cxx -dumpversion) || return 1
  least=12
  ! $cxx --version | grep -q clang || least=14
  [ "${major%%.*}" -ge "$least" ]
}

need_build() {
  need g++ has_compiler
  need cmake command -v cmake
  need ninja-build command -v ninja
  need libeigen3-dev has_header libeigen3-dev eigen3/Eigen/Core
  need zlib1g-dev has_header zlib1g-dev zlib.h
}

need_components() {
  need libjpeg-dev has_header libjpeg-dev jpeglib.h
  need libpng-dev has_header libpng-dev png.h
  need nlohmann-json3-dev has_header nlohmann-json3-dev nlohmann/json.hpp
}

need_tests() {
  need_build
  need_components
  need doctest-dev has_header doctest-dev doctest/doctest.h
  need libcli11-dev has_header libcli11-dev CLI/CLI.hpp
  need libbenchmark-dev has_header libbenchmark-dev benchmark/benchmark.h
  need pkg-config command -v pkg-config
  need xz-utils command -v xz
  has_cccl || need libthrust-dev has_header libthrust-dev thrust/version.h
}

# Prints the prefix of a command that installs packages: nothing for root, "sudo" if it asks for no password. Otherwise
# it fails.
as_root() {
  if [ "$(id -u)" = 0 ]; then return 0; fi
  command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null && echo sudo
}

# apt_install SUDO PACKAGE...: prints nothing unless it fails. It first updates the lists once: a bare machine has none.
updated=
apt_install() {
  become=$1
  shift
  if [ -z "$updated" ]; then
    $become timeout 120 apt-get -qq update >&2 ||
      say 'apt-get update failed; going on with the package lists that are here'
    updated=yes
  fi
  if ! log=$($become env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=120 install \
    --no-install-recommends "$@" 2>&1); then
    printf '%s\n' "$log" >&2
    return 1
  fi
}

install_command() { echo "apt-get update && apt-get install --no-install-recommends $*"; }

provide() {
  [ -n "$missing" ] || return 0
  if ! command -v apt-get >/dev/null 2>&1; then
    say "needed, and not seen here (Debian's names): $missing"
    say 'this system has no apt-get: install them with its own package manager (g++ 12 or clang++ 14, or later).'
    case " $missing " in *' g++ '* | *' cmake '* | *' ninja-build '*) exit 1 ;; esac
    say 'going on, as cmake may find the headers elsewhere.'
    return 0
  fi
  if ! become=$(as_root); then
    say "missing: $missing"
    say 'may not install: neither root nor sudo without a password. Run, as root:'
    say "  $(install_command "$missing")"
    exit 1
  fi
  say "installing (a minute or so): $missing"
  # $missing is a list of words
  # shellcheck disable=SC2086
  if ! apt_install "$become" $missing; then
    say "apt-get could not install: $missing"
    say "on Ubuntu some of these are in the section 'universe' (add-apt-repository universe). By hand, as root:"
    say "  $(install_command "$missing")"
    exit 1
  fi
  has_compiler || {
    say "compiler: expected g++ 12 or clang++ 14, or later, found ${cxx:-none} ${major:-}; choose another with CXX=..."
    exit 1
  }
}

offer() {
  offer_package=$1
  offer_what=$2
  shift 2
  if "$@" >/dev/null 2>&1; then return 0; fi
  if command -v apt-get >/dev/null 2>&1 && become=$(as_root); then
    say "installing: $offer_package"
    if apt_install "$become" "$offer_package" 2>/dev/null; then return 0; fi
  fi
  say "going on without $offer_package ($offer_what); to have it, as root: $(install_command "$offer_package")"
}

# A checkout that was moved, or copied with its build folder, is configured anew, because CMake rejects a cache from
# another place.
# CMAKE_ARGUMENTS is added to the call.
configure() {
  configure_build=$1
  shift
  if [ -f "$configure_build/CMakeCache.txt" ] &&
    ! { made_for CMAKE_HOME_DIRECTORY "$root" && made_for CMAKE_CACHEFILE_DIR "$configure_build"; }; then
    say "$configure_build was made elsewhere: configuring anew"
    rm -rf "$configure_build/CMakeCache.txt" "$configure_build/CMakeFiles"
  fi
  # shellcheck disable=SC2086
  if ! log=$(cmake -S "$root" -B "$configure_build" -G Ninja "$@" ${CMAKE_ARGUMENTS:-} 2>&1); then
    printf '%s\n' "$log" >&2
    exit 1
  fi
}
made_for() { # VARIABLE FOLDER: what the cache in $configure_build has for it, by whatever path
  stored=$(sed -n "s/^$1:INTERNAL=//p" "$configure_build/CMakeCache.txt")
  [ "$(cd "$stored" 2>/dev/null && pwd -P)" = "$(cd "$2" && pwd -P)" ]
}

cores() { nproc 2>/dev/null || getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2; }
