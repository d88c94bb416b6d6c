#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/core/memory.hpp>
#include <localis/core/operation.hpp>
#include <localis/core/random.hpp>
#include <localis/core/workspace.hpp>
#include <localis/kernel/sample_norm.hpp>

namespace localis {

/// The run-time part of layer_norm, group_norm and instance_norm, which normalize over operation::groups groups of
/// channels.
template <class Backend, bool Affine>
class sample_norm_layer {
 public:
  using scalar = typename Backend::scalar;

  double epsilon = 1e-5;  ///< added to the variance

  sample_norm_layer(Backend& backend, const operation& op, random_stream)
      : name_(op.name),
        channels_(op.in.channels),
        values_(backend.template allocate<scalar>(memory_kind::parameters, Affine ? 2 * channels_ : 0)) {
    if (!Affine) return;
    const std::vector<scalar> ones(channels_, scalar(1));
    backend.upload(std::span<const scalar>(ones), gamma());
  }

  [[nodiscard]] std::array<parameter<scalar>, 2> parameters() { return arrays(); }
  [[nodiscard]] std::array<parameter<const scalar>, 2> parameters() const { return detail::read_only(arrays()); }
  void validate() const {
    if (!(is_finite(epsilon) && epsilon > 0))
      throw config_error(text(name_, ": epsilon: expected a finite number > 0, found ", epsilon));
  }
  static constexpr std::size_t saved(const operation&) { return 0; }
  static std::size_t scratch_bytes(const Backend&, const operation& op, std::size_t samples, phase run_phase) {
    workspace measure;
    (void)take_arrays(samples * op.in.channels, run_phase, measure);
    return measure.used();
  }

  void forward(Backend& backend, const operation& op, const operands<scalar>& arrays, mode,
               const step_values<scalar>&) {
    workspace scratch(arrays.scratch);
    const scratch_arrays a = take_arrays(arrays.samples * channels_, phase::train, scratch);
    find_statistics(backend, op, arrays, a);
    backend.for_samples(
        arrays.samples, op.in.size(), channels_,
        kernel::sample_norm<scalar>{op.in, arrays.input, arrays.output, a.mean, a.inverse, gamma(), beta()});
  }
  void backward(Backend& backend, const operation& op, const operands<scalar>& arrays) {
    if (!Affine && arrays.input_gradient == nullptr) return;
    workspace scratch(arrays.scratch);
    const scratch_arrays a = take_arrays(arrays.samples * channels_, phase::backward, scratch);
    find_statistics(backend, op, arrays, a);
    backend.for_samples(arrays.samples, op.in.size(), channels_,
                        kernel::sample_norm_sums<scalar>{op.in, arrays.input, arrays.output_gradient, a.mean, a.inverse,
                                                         a.level, a.slope});
    if constexpr (Affine) {
      workspace gradients(arrays.parameter_gradients);
      const auto sum_up = [&](const scalar* parts) {
        backend.for_rows(
            1, channels_,
            kernel::sum_of_samples<scalar>{parts, gradients.take<scalar>(channels_), arrays.samples, channels_});
      };
      sum_up(a.slope);
      sum_up(a.level);
    }
    if (arrays.input_gradient == nullptr) return;
    const auto weigh = [&](scalar* sums) {
      backend.for_samples(arrays.samples * op.groups, channels_ / op.groups, 1,
                          kernel::weigh_sums<scalar>{op.in, op.groups, gamma(), sums});
    };
    weigh(a.level);
    weigh(a.slope);
    backend.for_samples(
        arrays.samples, op.in.size(), channels_,
        kernel::sample_norm_gradient<scalar>{op.in, op.groups, arrays.input, arrays.output_gradient,
                                             arrays.input_gradient, a.mean, a.inverse, gamma(), a.level, a.slope});
  }

 private:
  [[nodiscard]] std::array<parameter<scalar>, 2> arrays() const {
    const std::size_t rows = Affine ? 1 : 0;
    return {{{"gamma", rows, channels_, gamma(), parameter_role::trainable},
             {"beta", rows, channels_, beta(), parameter_role::trainable}}};
  }

  /// Arrays with one value for each sample and channel.
  struct scratch_arrays {
    scalar* mean;
    scalar* inverse;
    scalar* level;
    scalar* slope;
  };
  static scratch_arrays take_arrays(std::size_t size, phase run_phase, workspace& scratch) {
    scratch_arrays a{};
    a.mean = scratch.take<scalar>(size);
    a.inverse = scratch.take<scalar>(size);
    if (run_phase != phase::backward) return a;
    a.level = scratch.take<scalar>(size);
    a.slope = scratch.take<scalar>(size);
    return a;
  }
  void find_statistics(Backend& backend, const operation& op, const operands<scalar>& arrays,
                       const scratch_arrays& a) const {
    const auto added = static_cast<scalar>(epsilon);
    if (op.groups == channels_ && channels_ > 1) {
      backend.for_samples(arrays.samples, op.in.size(), channels_,
                          kernel::channel_statistics<scalar>{op.in, arrays.input, a.mean, a.inverse, added});
    } else {
      backend.for_samples(arrays.samples * op.groups, op.in.size() / op.groups, 1,
                          kernel::group_statistics<scalar>{op.in, op.groups, arrays.input, a.mean, a.inverse, added});
    }
  }
  [[nodiscard]] scalar* gamma() const { return values_.data(); }
  [[nodiscard]] scalar* beta() const { return Affine ? values_.data() + channels_ : nullptr; }

  const char* name_;
  std::size_t channels_;
  typename Backend::template array<scalar> values_;
};

namespace detail {

constexpr operation describe_sample_norm(const char* name, const shape& in, std::size_t groups,
                                         std::size_t parameters) {
  operation op;
  op.name = name;
  op.kind = operation_kind::normalization;
  op.in = in;
  op.out = in;
  op.groups = groups;
  op.elementwise = true;
  op.saves = saved_values::input;
  op.parameters = parameters;
  if (in.channels % groups != 0) op.problem = misfit::groups_do_not_divide;
  return op;
}

}  // namespace detail
}  // namespace localis
