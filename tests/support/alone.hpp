#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <localis/core/memory.hpp>
#include <localis/core/operation.hpp>
#include <localis/core/random.hpp>
#include <localis/core/shape.hpp>
#include <localis/core/workspace.hpp>

namespace localis_test {

/// One layer by itself, on memory of exactly the size that it asks for: where it stands in no network, its input and
/// the gradient it is given are the test's own.
template <class Layer, class Backend>
class alone {
  Backend backend_;
  localis::operation op_;
  std::size_t samples_;

 public:
  using scalar = typename Backend::scalar;
  enum class place { own, of_input };

  typename Layer::template state<Backend> layer;

  alone(const localis::shape& in, std::size_t samples, const Backend& backend = Backend())
      : backend_(backend),
        op_(Layer::describe(in)),
        samples_(samples),
        layer(backend_, op_, localis::random_stream(1, 1)) {}

  /// y, and where `dy` is given also the gradients: dx, then those of the parameters in order.
  std::vector<std::vector<scalar>> run(const std::vector<scalar>& x, const std::vector<scalar>& dy,
                                       place gradient_place) {
    using localis::phase;
    const std::size_t forward = layer.scratch_bytes(backend_, op_, samples_, phase::train);
    const std::size_t backward = layer.scratch_bytes(backend_, op_, samples_, phase::backward);
    auto scratch = backend_.template allocate<std::byte>(localis::memory_kind::arena, forward);
    auto backward_scratch = backend_.template allocate<std::byte>(localis::memory_kind::arena, backward);
    std::vector<scalar> y = x;  // where it begins in place
    y.resize(samples_ * op_.out.size());
    std::vector<scalar> dx = dy;
    if (!dy.empty()) dx.resize(x.size());
    localis::operands<scalar> arrays;
    arrays.samples = samples_;
    arrays.input = gradient_place == place::of_input ? y.data() : x.data();
    arrays.output = y.data();
    arrays.scratch = scratch.data();
    layer.forward(backend_, op_, arrays, localis::mode::train, {});
    std::vector<std::vector<scalar>> result{y};
    if (dy.empty()) return result;

    std::size_t bytes = 0;
    for (const auto& p : layer.parameters()) bytes += localis::workspace::round_up(p.size() * sizeof(scalar));
    auto gradients = backend_.template allocate<std::byte>(localis::memory_kind::arena, bytes);
    arrays.input = op_.saves_input() ? x.data() : nullptr;  // what is not kept is not there
    if (!op_.saves_output()) arrays.output = nullptr;
    arrays.scratch = backward_scratch.data();
    arrays.parameter_gradients = gradients.data();
    arrays.output_gradient = gradient_place == place::of_input ? dx.data() : const_cast<scalar*>(dy.data());
    arrays.input_gradient = dx.data();
    layer.backward(backend_, op_, arrays);
    result.push_back(dx);
    localis::workspace pieces(gradients.data());
    for (const auto& p : layer.parameters()) {
      const scalar* g = pieces.template take<scalar>(p.size());
      if (p.size() > 0) result.emplace_back(g, g + p.size());
    }
    return result;
  }
};

/// offset + spread * normal numbers, rounded to float so that any scalar holds them.
template <class T>
std::vector<T> numbers(std::size_t size, std::uint64_t seed, double offset = 0, double spread = 1) {
  const localis::random_stream random(seed, 0);
  std::vector<T> result(size);
  for (std::size_t i = 0; i < size; ++i) {
    result[i] = static_cast<T>(static_cast<float>(offset + spread * random.normal(i)));
  }
  return result;
}

}  // namespace localis_test
