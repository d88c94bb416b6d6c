#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <localis/core/memory.hpp>
#include <localis/core/operation.hpp>
#include <localis/core/random.hpp>
#include <localis/core/workspace.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/depthwise_conv2d.hpp>
#include <localis/rule/policy.hpp>
#include <localis/rule/rule.hpp>

/// One layer by itself, on the shapes that layers are measured on. The headers of this folder are the component
/// `speed`, which needs Google Benchmark.
namespace localis::speed {

/// A layer to measure, as the library describes it, and the size of its batch.
struct layer_case {
  std::string name;
  operation op;
  std::size_t samples;
};

/// The layers that are measured; layers of one rule share their code, because extents are run-time values.
template <class Rule>
[[nodiscard]] std::vector<layer_case> layer_cases() {
  std::vector<layer_case> all{{"dense_784x512", dense<512, Rule>::describe({1, 1, 784}), 128},
                              {"dense_1024x1024", dense<1024, Rule>::describe({1, 1, 1024}), 128},
                              {"dense_4096x1000", dense<1000, Rule>::describe({1, 1, 4096}), 128},
                              {"conv3x3_3-64_32px", conv2d<64, 3, padding<1>, Rule>::describe({32, 32, 3}), 128},
                              {"conv3x3_16_32px", conv2d<16, 3, padding<1>, Rule>::describe({32, 32, 16}), 128},
                              {"conv3x3_64_32px", conv2d<64, 3, padding<1>, Rule>::describe({32, 32, 64}), 128},
                              {"conv3x3_128_16px", conv2d<128, 3, padding<1>, Rule>::describe({16, 16, 128}), 128},
                              {"conv3x3_256_8px", conv2d<256, 3, padding<1>, Rule>::describe({8, 8, 256}), 128},
                              {"conv3x3_512_4px", conv2d<512, 3, padding<1>, Rule>::describe({4, 4, 512}), 128},
                              {"conv1x1_128_16px", conv2d<128, 1, Rule>::describe({16, 16, 128}), 128}};
  if constexpr (!rule::units_interact<Rule>()) {
    all.push_back({"depthwise3x3_64_32px", depthwise_conv2d<3, padding<1>, Rule>::describe({32, 32, 64}), 128});
  }
  return all;
}

/// A layer with all that its passes need. Inputs and gradients are normal.
template <class Backend, class Rule>
class bare_layer {
 public:
  using layer_type = linear_layer<Backend, rule::as_local<Rule>>;

  bare_layer(Backend backend, const layer_case& described)
      : backend_(std::move(backend)),
        op_(described.op),
        samples_(described.samples),
        layer_(backend_, op_, random_stream(1, 0)),
        input_(normal(samples_ * op_.in.size(), 0)),
        output_(backend_.template allocate<float>(memory_kind::arena, samples_ * op_.out.size())),
        output_gradient_(normal(output_.size(), 1)),
        input_gradient_(backend_.template allocate<float>(memory_kind::arena, input_.size())) {
    const auto bytes = [&](phase run_phase) { return layer_type::scratch_bytes(backend_, op_, samples_, run_phase); };
    scratch_ = backend_.template allocate<std::byte>(memory_kind::arena,
                                                     (std::max)(bytes(phase::learn), bytes(phase::backward)));
    gradients_ = backend_.template allocate<std::byte>(memory_kind::arena, (op_.parameters + 64) * sizeof(float));
    gain_ = backend_.template allocate<float>(memory_kind::parameters, 1);
    const float one = 1;
    backend_.upload(std::span<const float>(&one, 1), gain_.data());
  }

  void forward(mode run_mode) {
    step_values<float> step;
    step.local_rate = 1e-6;  // nothing grows while it is measured
    step.gain = gain_.data();
    step.step = step_++;
    layer_.forward(backend_, op_, make_operands(), run_mode, step);
  }
  void backward() {
    operands<float> arrays = make_operands();
    arrays.output_gradient = output_gradient_.data();
    arrays.input_gradient = input_gradient_.data();
    arrays.parameter_gradients = gradients_.data();
    layer_.backward(backend_, op_, arrays);
  }
  /// Until all that was begun has ended.
  void wait() {
    float last = 0;
    backend_.download(static_cast<const float*>(gain_.data()), std::span<float>(&last, 1));
  }

 private:
  using array = typename Backend::template array<float>;

  array normal(std::size_t size, std::uint64_t stream) {
    const random_stream random(2, stream);
    std::vector<float> values(size);
    for (std::size_t i = 0; i < size; ++i) values[i] = static_cast<float>(random.normal(i));
    array result = backend_.template allocate<float>(memory_kind::arena, size);
    backend_.upload(std::span<const float>(values), result.data());
    return result;
  }
  operands<float> make_operands() {
    operands<float> arrays;
    arrays.samples = samples_;
    arrays.input = input_.data();
    arrays.output = output_.data();
    arrays.scratch = scratch_.data();
    return arrays;
  }

  Backend backend_;
  operation op_;
  std::size_t samples_;
  layer_type layer_;
  array input_;
  array output_;
  array output_gradient_;
  array input_gradient_;
  typename Backend::template array<std::byte> scratch_;
  typename Backend::template array<std::byte> gradients_;
  array gain_;
  std::size_t step_ = 0;
};

}  // namespace localis::speed
