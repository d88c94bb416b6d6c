# Sourced by pack.sh and run_on_gpu.sh, behind cmake/need.sh: the programs that the calls run, and how they are built.

programs='bench_kernel_cuda bench_rule_cuda bench_step_cuda bench_step_cudnn gpu_test gpu_cudnn_test boundaries_cuda
  train_resnet20_32_cuda'

need_programs() {
  need_build
  need_components
  need doctest-dev has_header doctest-dev doctest/doctest.h
  need libcli11-dev has_header libcli11-dev CLI/CLI.hpp
  need libbenchmark-dev has_header libbenchmark-dev benchmark/benchmark.h
}

# build_programs BUILD ARCHITECTURE PROGRAM...   to BUILD/bin: CUDA's runtime in them, nothing for this processor alone;
#                                                without those of cuDNN where it is missing
build_programs() {
  build_in=$1
  build_for=$2
  shift 2
  configure "$build_in" -DCMAKE_BUILD_TYPE=Release -DLOCALIS_CUDA=ON "-DCMAKE_CUDA_ARCHITECTURES=$build_for" \
    -DCMAKE_CUDA_RUNTIME_LIBRARY=Static -DLOCALIS_BUILD_TESTS=OFF -DLOCALIS_BUILD_BENCHMARKS=ON \
    -DLOCALIS_BUILD_EXAMPLES=ON -DLOCALIS_EXAMPLES_NATIVE=OFF -DLOCALIS_WERROR=OFF \
    "-DCMAKE_RUNTIME_OUTPUT_DIRECTORY=$build_in/bin" -DCMAKE_BUILD_WITH_INSTALL_RPATH=ON \
    "-DCMAKE_INSTALL_RPATH=\$ORIGIN/../lib"
  if ! grep -q '^LOCALIS_CUDNN_LIBRARY:FILEPATH=/' "$build_in/CMakeCache.txt"; then
    say "programs that need cuDNN 9 are left out: it was not found (pip: nvidia-cudnn-cu13; CUDNN_PATH: its folder)"
    # shellcheck disable=SC2046
    set -- $(printf '%s\n' "$@" | grep -v cudnn)
    [ $# -gt 0 ] || return 0
  fi
  cmake --build "$build_in" --parallel "$(cores)" --target "$@"
}
