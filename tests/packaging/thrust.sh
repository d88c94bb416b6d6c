# sh thrust.sh SOURCE FOLDER COMPILER NVCC
# Where nvcc finds an older Thrust before the toolkit's, cuda/backend.cuh says which, and the compiler nothing else. With
# localis::cuda the same program compiles: the target puts the toolkit's first. The program is compiled, not run.
set -eu
source=$1 folder=$2 compiler=$3 nvcc=$4
rm -rf "$folder"
mkdir -p "$folder/old/thrust/iterator" "$folder/user"
cd "$folder"
cat >old/thrust/version.h <<'END'
#pragma once
#define THRUST_VERSION 101700
END
# As much of it as the header names.
for header in execution_policy for_each iterator/counting_iterator system_error; do
  echo '#include <thrust/all.h>' >"old/thrust/$header.h"
done
cat >old/thrust/all.h <<'END'
#pragma once
#include <exception>
namespace thrust {
struct system_error : std::exception {};
template <class T>
struct counting_iterator {
  explicit counting_iterator(T) {}
};
template <class... Arguments>
void for_each_n(const Arguments&...) {}
namespace cuda {
struct policy {
  template <class Stream>
  policy on(Stream) const {
    return {};
  }
};
inline constexpr policy par_nosync;
}
}
END
cat >user/CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.22)
project(user LANGUAGES CXX CUDA)
add_subdirectory("${LOCALIS_SOURCE}" localis)
foreach(program alone linked)
  add_library(${program} OBJECT program.cu)
  target_include_directories(${program} SYSTEM PRIVATE "${OLD}")
endforeach()
target_include_directories(alone PRIVATE "${LOCALIS_SOURCE}/include")
target_compile_options(alone PRIVATE --expt-relaxed-constexpr -std=c++20)
target_link_libraries(linked PRIVATE localis::cuda)
END
echo '#include <localis/backend/cuda/backend.cuh>' >user/program.cu

fail() {
  echo "$1, found:" >&2
  cat log >&2
  exit 1
}
cmake -S user -B build -DLOCALIS_SOURCE="$source" -DOLD="$folder/old" -DCMAKE_CXX_COMPILER="$compiler" \
  -DCMAKE_CUDA_COMPILER="$nvcc" -DCMAKE_CUDA_HOST_COMPILER="$compiler" -DCMAKE_CUDA_ARCHITECTURES=80 >log 2>&1 ||
  fail 'expected a build folder'
text='localis: expected the Thrust of the CUDA toolkit, THRUST_VERSION 200300 or later; found 101700: another folder'
if cmake --build build --target alone >log 2>&1 || ! grep -qF "$text" log; then
  fail "without localis::cuda: expected a failure that says '$text'"
fi
[ "$(grep -c 'error: ' log)" = 1 ] || fail 'without localis::cuda: expected one error'
cmake --build build --target linked >log 2>&1 || fail 'with localis::cuda: expected the Thrust of the toolkit'
echo 'an older Thrust: refused; behind that of the toolkit with localis::cuda'
