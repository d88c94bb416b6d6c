#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/core/operation.hpp>
#include <localis/core/random.hpp>
#include <localis/kernel/dropout.hpp>
#include <localis/kernel/elementwise.hpp>

namespace localis {

/// The run-time part of dropout.
template <class Backend>
class dropout_layer : public stateless {
 public:
  using scalar = typename Backend::scalar;

  double rate = 0.5;  ///< fraction of elements set to 0; dimensionless, in [0, 1)

  dropout_layer(Backend&, const operation&, random_stream random) : seed_(random.bits(0)) {}
  [[nodiscard]] std::array<parameter<scalar>, 0> parameters() const { return {}; }
  void validate() const {
    expect(is_finite(rate) && rate >= 0 && rate < 1, "dropout: rate", "a number in [0, 1)", rate);
  }

  void forward(Backend& backend, const operation& op, const operands<scalar>& arrays, mode run_mode,
               const step_values<scalar>& step) {
    if (run_mode == mode::evaluate) {
      if (arrays.input != arrays.output) backend.copy(arrays.input, arrays.samples * op.in.size(), arrays.output);
      return;
    }
    mask_ = random_stream(step.seed ^ seed_, step.step);
    backend.for_rows(
        arrays.samples, op.in.size(),
        kernel::dropout<scalar>{arrays.input, arrays.output, op.in.size(), mask_, rate, arrays.first_sample});
  }
  void backward(Backend& backend, const operation& op, const operands<scalar>& arrays) {
    if (arrays.input_gradient == nullptr) return;
    backend.for_rows(arrays.samples, op.in.size(),
                     kernel::dropout<scalar>{arrays.output_gradient, arrays.input_gradient, op.in.size(), mask_, rate,
                                             arrays.first_sample});
  }

 private:
  std::uint64_t seed_;
  random_stream mask_{0, 0};
};

/// Sets a random fraction of the elements to 0, in training on both sides of the boundary.
///
///   y = x / (1 - rate) with probability 1 - rate, else 0;     y = x in evaluation
///
/// Units:  rate dimensionless, a run-time value: model.layer<I>().rate.
/// Cost: a random number per element and pass. It saves no mask: backward draws it again.
/// Errors: config_error unless rate is in [0, 1).
/// Source: N. Srivastava et al., JMLR 15 (2014) 1929.
struct dropout {
  static constexpr operation describe(const shape& in) {
    operation op;
    op.name = "dropout";
    op.kind = operation_kind::dropout;
    op.in = in;
    op.out = in;
    op.elementwise = true;
    return op;
  }
  template <class Backend>
  using state = dropout_layer<Backend>;
};

}  // namespace localis
