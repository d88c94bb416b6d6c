// Measures the steps of step.cpp on a GPU, as NETWORK/PRECISION/WAY/...: each network registers its own
// (step_network.cu.in).

#include "on_gpu.cuh"

int main(int count, char** arguments) {
  return benchmarks::run_on_gpu("bench_step_cuda", count, arguments, [](bool) {});
}
