// Measures the peak performance of a GPU, and the performance of single kernels, sums and products of a step: copies,
// launches alone and in a graph, and the parts of convolutions and poolings of ResNets, on normal numbers.
//
//   GB/s     each array read or written once, by time
//   GFLOP/s  2 x multiply-adds, by time

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "on_gpu.cuh"
#include <benchmark/benchmark.h>
#include <thrust/execution_policy.h>
#include <thrust/for_each.h>
#include <thrust/iterator/counting_iterator.h>

#include <localis/backend/cuda/backend.cuh>
#include <localis/core/random.hpp>
#include <localis/core/shape.hpp>
#include <localis/core/workspace.hpp>
#include <localis/kernel/elementwise.hpp>
#include <localis/kernel/normalization.hpp>
#include <localis/kernel/pooling.hpp>
#include <localis/kernel/unfold.hpp>
#include <localis/math/activation.hpp>

namespace lo = localis;
using backend = lo::cuda::backend<float>;
using array = std::shared_ptr<backend::array<float>>;
using std::to_string;

namespace {

array zeros(const backend& device, std::size_t size) {
  return std::make_shared<backend::array<float>>(device.allocate<float>(lo::memory_kind::arena, size));
}

/// Normal numbers, the same again after each 2^20.
array normal(const backend& device, std::size_t size) {
  const lo::random_stream random(1, size);
  std::vector<float> values(size);
  const std::size_t period = std::min(size, std::size_t{1} << 20);
  for (std::size_t i = 0; i < size; ++i)
    values[i] = i < period ? static_cast<float>(random.normal(i)) : values[i - period];
  array result = zeros(device, size);
  device.upload(std::span<const float>(values), result->data());
  return result;
}

/// Scratch of what a verb's own measure asks for.
template <class Measure>
std::shared_ptr<backend::array<std::byte>> scratch_of(const backend& device, const Measure& measure) {
  lo::workspace need;
  measure(need);
  return std::make_shared<backend::array<std::byte>>(device.allocate<std::byte>(lo::memory_kind::arena, need.used()));
}

struct work {
  double values = 0;  ///< read or written, of float
  double multiply_adds = 0;
  int together = 10;  ///< launches before their end is waited for
  lo::cuda::options device{};
};

/// @param prepare  makes arrays on the backend that it gets, and returns what does the work once, without waiting
template <class Prepare>
void measure(const std::string& name, const work& does, const Prepare& prepare) {
  benchmark::RegisterBenchmark(
      name.c_str(),
      [=](benchmark::State& state) {
        const backend device(does.device);
        const std::function<void()> run = prepare(device);
        const auto wait = [] { lo::cuda::check_call(cudaDeviceSynchronize(), "cudaDeviceSynchronize"); };
        run();
        wait();
        for (auto running : state) {
          (void)running;
          const auto start = std::chrono::steady_clock::now();
          for (int i = 0; i < does.together; ++i) run();
          wait();
          state.SetIterationTime(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() /
                                 does.together);
        }
        const auto rate = benchmark::Counter::kIsIterationInvariantRate;
        if (does.values > 0) state.counters["GB/s"] = benchmark::Counter(1e-9 * sizeof(float) * does.values, rate);
        if (does.multiply_adds > 0) state.counters["GFLOP/s"] = benchmark::Counter(2e-9 * does.multiply_adds, rate);
      })
      ->UseManualTime()
      ->MinTime(0.1)
      ->Unit(benchmark::kMicrosecond);
}

struct set_to_one {
  float* target;
  constexpr void operator()(std::uint32_t i) const { target[i] = 1; }
};

/// Launches that were recorded together.
class recorded {
 public:
  recorded(int launches, float* target) {
    lo::cuda::check_call(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreate");
    lo::cuda::check_call(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
    for (int i = 0; i < launches; ++i) {
      thrust::for_each_n(thrust::cuda::par_nosync.on(stream_), thrust::counting_iterator<std::uint32_t>(0), 64,
                         set_to_one{target});
    }
    cudaGraph_t graph = nullptr;
    lo::cuda::check_call(cudaStreamEndCapture(stream_, &graph), "cudaStreamEndCapture");
    lo::cuda::check_call(cudaGraphInstantiate(&program_, graph, 0), "cudaGraphInstantiate");
    (void)cudaGraphDestroy(graph);
  }
  recorded(const recorded&) = delete;
  recorded& operator=(const recorded&) = delete;
  ~recorded() {
    (void)cudaGraphExecDestroy(program_);
    (void)cudaStreamDestroy(stream_);
  }
  void run() const { lo::cuda::check_call(cudaGraphLaunch(program_, stream_), "cudaGraphLaunch"); }

 private:
  cudaStream_t stream_ = nullptr;
  cudaGraphExec_t program_ = nullptr;
};

void measure_device() {
  constexpr std::size_t size = std::size_t{1} << 28;
  measure("copy/1GiB", {.values = 2.0 * size}, [](const backend& device) {
    return [=, source = normal(device, size), target = zeros(device, size)] {
      device.copy(source->data(), size, target->data());
    };
  });
  measure("copy/256B", {.together = 1000}, [](const backend& device) {
    return [=, all = normal(device, 128)] { device.copy(all->data(), 64, all->data() + 64); };
  });
  measure("launch", {.together = 1000}, [](const backend& device) {
    return [=, target = zeros(device, 64)] { device.for_rows(1, 64, lo::kernel::fill<float>{target->data(), 1}); };
  });
  measure("launches/1000_in_a_graph", {}, [](const backend& device) {
    const array target = zeros(device, 64);
    return [target, graph = std::make_shared<recorded>(1000, target->data())] { graph->run(); };
  });
}

/// A convolution of 3 x 3 from `channels` to as many, and what stands beside it.
void measure_convolution(std::size_t side, std::size_t channels, std::size_t batch) {
  const lo::shape image{side, side, channels};
  const lo::linear_map map{image, image, lo::window{3, 3, 1, 1}, 1};
  const std::size_t rows = map.rows(batch);
  const std::size_t size = batch * image.size();
  const std::string name = "/" + to_string(channels) + "ch_" + to_string(side) + "px";
  const double values = static_cast<double>(size);
  const double unfolded = static_cast<double>(rows * map.seen());

  measure("unfold" + name, {.values = values + unfolded}, [=](const backend& device) {
    return [=, x = normal(device, size), patches = zeros(device, rows * map.seen())] {
      device.for_rows(rows, map.seen(), lo::kernel::unfold_rows<float>{map, x->data(), patches->data(), 0});
    };
  });
  measure("fold" + name, {.values = values + unfolded}, [=](const backend& device) {
    return [=, patches = normal(device, rows * map.seen()), dx = zeros(device, size)] {
      device.for_rows(rows, channels,
                      lo::kernel::fold_rows<float>{map, patches->data(), dx->data(), lo::kernel::store::replace});
    };
  });
  measure("moments" + name, {.values = values}, [=](const backend& device) {
    const auto scratch =
        scratch_of(device, [&](lo::workspace& need) { device.reduce_scratch(rows, channels, 2, need); });
    return [=, u = normal(device, size), center = zeros(device, channels), sums = zeros(device, 2 * channels)] {
      device.reduce_columns(rows, channels, 2, lo::kernel::moments<float>{u->data(), center->data(), channels},
                            sums->data(), lo::workspace(scratch->data()));
    };
  });
  measure("scale_shift_relu" + name, {.values = 2 * values}, [=](const backend& device) {
    return [=, u = normal(device, size), y = zeros(device, size), factors = normal(device, 2 * channels)] {
      device.for_rows(rows, channels,
                      lo::kernel::scale_shift<float, lo::relu_function>{u->data(), y->data(), factors->data(),
                                                                        factors->data() + channels, channels});
    };
  });

  const double products = static_cast<double>(rows) * static_cast<double>(map.weights());
  const auto measure_products = [&](const std::string& way, const lo::cuda::options& options) {
    const work does{.values = 2 * values, .multiply_adds = products, .device = options};
    measure("response" + name + way, does, [=](const backend& device) {
      const auto scratch = scratch_of(device, [&](lo::workspace& need) { device.respond_scratch(map, batch, need); });
      return [=, x = normal(device, size), w = normal(device, map.weights()), u = zeros(device, size)] {
        device.respond(map, {.samples = batch, .x = x->data(), .w = w->data(), .u = u->data()},
                       lo::workspace(scratch->data()));
      };
    });
    measure("weight_gradient" + name + way, does, [=](const backend& device) {
      const auto scratch =
          scratch_of(device, [&](lo::workspace& need) { device.weight_gradient_scratch(map, batch, need); });
      return [=, x = normal(device, size), d = normal(device, size), dw = zeros(device, map.weights())] {
        device.weight_gradient(map, {.samples = batch, .x = x->data(), .d = d->data(), .dw = dw->data()},
                               lo::workspace(scratch->data()));
      };
    });
    measure("input_gradient" + name + way, does, [=](const backend& device) {
      const auto scratch =
          scratch_of(device, [&](lo::workspace& need) { device.input_gradient_scratch(map, batch, need); });
      return [=, d = normal(device, size), w = normal(device, map.weights()), dx = zeros(device, size)] {
        device.input_gradient(map, {.samples = batch, .d = d->data(), .w = w->data(), .dx = dx->data()},
                              lo::workspace(scratch->data()));
      };
    });
  };
  measure_products("/pedantic", {});
  for (const std::size_t mebibytes : {8, 32, 128, 512}) {
    measure_products("/tf32/pieces:" + to_string(mebibytes) + "MiB",
                     {.precision = lo::cuda::math::tf32, .chunk_bytes = mebibytes << 20});
  }
}

/// The pooling behind ResNet-50's first convolution.
void measure_pooling() {
  constexpr std::size_t batch = 64;
  const lo::window field{3, 3, 2, 1};
  const lo::shape in{112, 112, 64};
  const lo::linear_map map{in, field.output(in, in.channels), field, 1};
  const std::size_t inputs = batch * map.in.size();
  const std::size_t outputs = batch * map.out.size();
  const auto values = static_cast<double>(inputs + outputs);
  measure("max_pool/64ch_112px", {.values = values}, [=](const backend& device) {
    return [=, x = normal(device, inputs), y = zeros(device, outputs)] {
      device.for_rows(map.rows(batch), in.channels, lo::kernel::max_pool<float>{map, x->data(), y->data()});
    };
  });
  measure("max_pool_gradient/64ch_112px", {.values = 2 * values}, [=](const backend& device) {
    const array x = normal(device, inputs), y = zeros(device, outputs);
    device.for_rows(map.rows(batch), in.channels, lo::kernel::max_pool<float>{map, x->data(), y->data()});
    return [=, dy = normal(device, outputs), dx = zeros(device, inputs)] {
      device.for_samples(batch, map.in.size(), in.channels,
                         lo::kernel::max_pool_gradient<float>{map, x->data(), y->data(), dy->data(), dx->data()});
    };
  });
}

}  // namespace

int main(int count, char** arguments) {
  return benchmarks::run_on_gpu("bench_kernel_cuda", count, arguments, [](bool) {
    measure_device();
    measure_convolution(32, 64, 128);
    measure_convolution(8, 256, 128);
    measure_convolution(56, 64, 64);
    measure_pooling();
  });
}
