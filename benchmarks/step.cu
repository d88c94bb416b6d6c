// Measures the steps of step.cpp on a GPU, as NETWORK/PRECISION/WAY/...: each network registers its own
// (step_network.cu.in). There is a program for each backend.

#include "on_gpu.cuh"

int main(int count, char** arguments) {
  return benchmarks::run_on_gpu(LOCALIS_BENCHMARK, count, arguments, [](bool) {});
}
