// Measures oneDNN 2 on the layers of layer.cpp, under the same names: forward, and forward with both gradients, in
// float. Each array has the layout that oneDNN asks for from the start.

#include <cstddef>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "run_benchmarks.hpp"
#include "tell_machine.hpp"
#include <benchmark/benchmark.h>
#include <oneapi/dnnl/dnnl.hpp>

#include <localis/localis.hpp>
#include <localis/speed/layer.hpp>

namespace lo = localis;

namespace {

/// The three primitives of one layer with their arrays.
class peer_layer {
 public:
  explicit peer_layer(const lo::speed::layer_case& shape) {
    const lo::linear_map map = shape.op.map();
    const auto size = [](std::size_t n) { return static_cast<dnnl::memory::dim>(n); };
    const dnnl::memory::dims in{size(shape.samples), size(map.in.channels), size(map.in.height), size(map.in.width)};
    const dnnl::memory::dims out{size(shape.samples), size(map.out.channels), size(map.out.height),
                                 size(map.out.width)};
    const dnnl::memory::dims field{size(map.field.height), size(map.field.width)};
    const dnnl::memory::dims weights =
        map.groups == 1 ? dnnl::memory::dims{size(map.out.channels), size(map.in.channels), field[0], field[1]}
                        : dnnl::memory::dims{size(map.groups), size(map.out.channels / map.groups),
                                             size(map.group_channels()), field[0], field[1]};
    const dnnl::memory::dims strides{size(map.field.stride.height), size(map.field.stride.width)};
    const dnnl::memory::dims padding{size(map.field.padding.height), size(map.field.padding.width)};
    const auto any = [](const dnnl::memory::dims& extents) {
      return dnnl::memory::desc(extents, dnnl::memory::data_type::f32, dnnl::memory::format_tag::any);
    };
    constexpr auto method = dnnl::algorithm::convolution_auto;
    using forward = dnnl::convolution_forward;
    using weight_gradient = dnnl::convolution_backward_weights;
    using input_gradient = dnnl::convolution_backward_data;
    const forward::primitive_desc respond(
        {dnnl::prop_kind::forward_training, method, any(in), any(weights), any(out), strides, padding, padding},
        engine_);
    const weight_gradient::primitive_desc learn({method, any(in), any(weights), any(out), strides, padding, padding},
                                                engine_, respond);
    const input_gradient::primitive_desc propagate({method, any(in), any(weights), any(out), strides, padding, padding},
                                                   engine_, respond);
    const auto array = [&](const dnnl::memory::desc& layout) { return dnnl::memory(layout, engine_); };
    passes_.push_back({forward(respond),
                       {{DNNL_ARG_SRC, array(respond.src_desc())},
                        {DNNL_ARG_WEIGHTS, array(respond.weights_desc())},
                        {DNNL_ARG_DST, array(respond.dst_desc())}}});
    passes_.push_back({weight_gradient(learn),
                       {{DNNL_ARG_SRC, array(learn.src_desc())},
                        {DNNL_ARG_DIFF_WEIGHTS, array(learn.diff_weights_desc())},
                        {DNNL_ARG_DIFF_DST, array(learn.diff_dst_desc())}}});
    passes_.push_back({input_gradient(propagate),
                       {{DNNL_ARG_DIFF_SRC, array(propagate.diff_src_desc())},
                        {DNNL_ARG_WEIGHTS, array(propagate.weights_desc())},
                        {DNNL_ARG_DIFF_DST, array(propagate.diff_dst_desc())}}});
    for (const auto& [primitive, arguments] : passes_) {
      for (const auto& [argument, memory] : arguments) fill(memory);
    }
  }

  /// Runs the first `count` passes.
  void run(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) passes_[i].first.execute(stream_, passes_[i].second);
    stream_.wait();
  }

 private:
  static void fill(const dnnl::memory& memory) {
    auto* values = static_cast<float*>(memory.get_data_handle());
    const std::size_t size = memory.get_desc().get_size() / sizeof(float);
    const lo::random_stream random(1, 0);
    for (std::size_t i = 0; i < size; ++i) values[i] = static_cast<float>(random.normal(i));
  }

  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  std::vector<std::pair<dnnl::primitive, std::unordered_map<int, dnnl::memory>>> passes_;
};

}  // namespace

int main(int count, char** arguments) {
  benchmarks::tell_machine();
  const dnnl_version_t* version = dnnl_version();
  benchmark::AddCustomContext("onednn", lo::text(version->major, '.', version->minor, '.', version->patch));
  for (const lo::speed::layer_case& shape : lo::speed::layer_cases<lo::rule::hebb>()) {
    for (const auto& [pass, passes] : {std::pair{"forward", std::size_t{1}}, std::pair{"backward", std::size_t{3}}}) {
      benchmark::RegisterBenchmark((shape.name + '/' + pass).c_str(),
                                   [shape, n = passes](benchmark::State& state) {
                                     peer_layer measured(shape);
                                     measured.run(n);
                                     for (auto running : state) {
                                       (void)running;
                                       measured.run(n);
                                     }
                                   })
          ->MeasureProcessCPUTime()
          ->UseRealTime()
          ->Unit(benchmark::kMicrosecond);
    }
  }
  return benchmarks::run_benchmarks("onednn_peer", count, arguments);
}
