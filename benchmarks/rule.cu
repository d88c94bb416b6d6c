// Measures the update kernels on a GPU, as fractions of the speed of a large cuBLAS product in float.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "lab/report/format.hpp"
#include "on_gpu.cuh"
#include <benchmark/benchmark.h>

#include <localis/backend/cuda/backend.cuh>
#include <localis/core/random.hpp>
#include <localis/speed/rule.hpp>

namespace {

using backend = localis::cuda::backend<float>;

/// GFLOP/s of c = a b, 8192 x 8192 normal numbers each: zeros would take less power, and run at a higher clock.
double product_peak(const backend& device) {
  constexpr std::size_t side = 8192;
  constexpr int together = 5;
  const auto square = [&](std::uint64_t stream) {
    const localis::random_stream random(1, stream);
    std::vector<float> values(side * side);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(random.normal(i));
    auto on_device = device.allocate<float>(localis::memory_kind::arena, values.size());
    device.upload(std::span<const float>(values), on_device.data());
    return on_device;
  };
  const auto a = square(0), b = square(1), c = square(2);
  const auto run = [&] {
    device.subtract_product(
        {.rows = side, .inner = side, .columns = side, .a = a.data(), .b = b.data(), .c = c.data()});
    float last = 0;
    device.download(static_cast<const float*>(c.data()), std::span<float>(&last, 1));
  };
  run();
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < together; ++i) run();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return 2e-9 * static_cast<double>(side * side * side) * together / seconds;
}

}  // namespace

int main(int count, char** arguments) {
  return benchmarks::run_on_gpu("bench_rule_cuda", count, arguments, [](bool there_is_one) {
    double peak = std::numeric_limits<double>::quiet_NaN();
    if (there_is_one) {
      peak = product_peak(backend());
      benchmark::AddCustomContext("cublas_peak", examples::exact(peak));
    }
    localis::speed::measure_rules([] { return backend(); }, peak, 10);
  });
}
