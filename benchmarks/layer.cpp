// Measures one layer alone: forward, forward and local update in one pass, forward and backward, and Eigen's product
// alone for the same size, in which each thread computes its share of the rows. Layers that minimal filtering computes
// are measured with each way to compute convolutions, and others also in bfloat16 where the processor has AVX512_BF16.
//
//   GFLOP/s   2 x multiply-adds, as counted, by time
//   of_peak   the same as a fraction of the speed of multiply-adds in registers, measured before
//   bytes     each array read or written once, for the intensity in a roofline

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "lab/report/format.hpp"
#include "run_benchmarks.hpp"
#include "tell_machine.hpp"
#include <Eigen/Core>
#include <benchmark/benchmark.h>

#include <localis/localis.hpp>
#include <localis/speed/layer.hpp>
#include <localis/speed/peak.hpp>

namespace lo = localis;
using benchmarks::cpu;

namespace {

void report(benchmark::State& state, double flop, double bytes, double peak) {
  using benchmark::Counter;
  const auto rate = Counter::kIsIterationInvariantRate;
  state.counters["GFLOP/s"] = Counter(1e-9 * flop, rate);
  state.counters["of_peak"] = Counter(1e-9 * flop / peak, rate);
  state.counters["bytes"] = bytes;
}

template <class Rule, class Pass>
void measure(const std::string& what, const lo::speed::layer_case& shape, double arrays, double peak, const Pass& pass,
             const lo::cpu::options& options = {}) {
  lo::check::counting<cpu> counter;
  lo::speed::bare_layer<lo::check::counting<cpu>, Rule> counted(counter, shape);
  pass(counted);
  const double flop = 2 * static_cast<double>(counter.counts().total());
  const std::string name = shape.name + '/' + what;
  benchmark::RegisterBenchmark(name.c_str(),
                               [=](benchmark::State& state) {
                                 lo::speed::bare_layer<cpu, Rule> measured(cpu(options), shape);
                                 pass(measured);
                                 for (auto running : state) {
                                   (void)running;
                                   pass(measured);
                                 }
                                 report(state, flop, arrays * sizeof(float), peak);
                               })
      ->MeasureProcessCPUTime()
      ->UseRealTime()
      ->Unit(benchmark::kMicrosecond);
}

/// U = X W^T, where X is there already.
void measure_product(const lo::speed::layer_case& shape, double peak) {
  const lo::linear_map map = shape.op.map();
  if (map.depthwise()) return;
  benchmark::RegisterBenchmark(
      (shape.name + "/gemm").c_str(),
      [=](benchmark::State& state) {
        using matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
        const auto rows = static_cast<Eigen::Index>(map.rows(shape.samples));
        const auto inputs = static_cast<Eigen::Index>(map.inputs());
        const auto outputs = static_cast<Eigen::Index>(map.outputs());
        std::srand(1);
        const matrix x = matrix::Random(rows, inputs);
        const matrix w = matrix::Random(outputs, inputs);
        matrix u = matrix::Zero(rows, outputs);
        for (auto running : state) {
          (void)running;
          u.noalias() = x * w.transpose();
          benchmark::DoNotOptimize(u.data());
        }
        const auto size = static_cast<double>(rows * inputs + outputs * inputs + rows * outputs);
        report(state, 2.0 * static_cast<double>(rows) * static_cast<double>(inputs) * static_cast<double>(outputs),
               size * sizeof(float), peak);
      })
      ->MeasureProcessCPUTime()
      ->UseRealTime()
      ->Unit(benchmark::kMicrosecond);
}

}  // namespace

int main(int count, char** arguments) {
  benchmarks::tell_machine();
  const double peak = lo::speed::fma_peak();
  benchmark::AddCustomContext("fma_peak", examples::exact(peak));
  benchmark::AddCustomContext("memory_bandwidth", examples::exact(lo::speed::memory_bandwidth()));

  const bool bfloat16 = lo::cpu::bfloat16::is_compiled<float> && lo::cpu::bfloat16::is_present();
  const std::vector<lo::speed::layer_case> oja = lo::speed::layer_cases<lo::rule::oja>();
  const std::vector<lo::speed::layer_case> hebb = lo::speed::layer_cases<lo::rule::hebb>();
  for (std::size_t i = 0; i < oja.size(); ++i) {
    const lo::speed::layer_case& shape = oja[i];
    const auto in = static_cast<double>(shape.samples * shape.op.in.size());
    const auto out = static_cast<double>(shape.samples * shape.op.out.size());
    const auto weights = static_cast<double>(shape.op.map().weights());
    const auto forward = [](auto& layer) { layer.forward(lo::mode::evaluate); };
    const auto learn = [](auto& layer) { layer.forward(lo::mode::learn); };
    measure<lo::rule::oja>("forward", shape, in + out + weights, peak, forward);
    measure_product(shape, peak);
    measure<lo::rule::hebb>("hebb", hebb[i], in + out + 2 * weights, peak, learn);
    measure<lo::rule::oja>("oja", shape, in + out + 2 * weights, peak, learn);
    const auto backward = [](auto& layer) {
      layer.forward(lo::mode::train);
      layer.backward();
    };
    measure<lo::rule::oja>("backward", shape, 3 * in + 2 * out + 2 * weights, peak, backward);
    const auto measure_all = [&](const std::string& suffix, const lo::cpu::options& options) {
      measure<lo::rule::oja>("forward" + suffix, shape, in + out + weights, peak, forward, options);
      measure<lo::rule::oja>("oja" + suffix, shape, in + out + 2 * weights, peak, learn, options);
      measure<lo::rule::oja>("backward" + suffix, shape, 3 * in + 2 * out + 2 * weights, peak, backward, options);
    };
    const lo::linear_map map = shape.op.map();
    if (lo::cpu::winograd_convolution<float>::takes(map, {})) {
      measure_all(":small_error", {.convolution = lo::cpu::convolution::small_error});
      measure_all(":direct", {.convolution = lo::cpu::convolution::direct});
    } else if (bfloat16 && !map.depthwise()) {
      measure_all(":bfloat16", {.precision = lo::cpu::precision::bfloat16});
    }
  }
  return benchmarks::run_benchmarks("bench_layer", count, arguments);
}
