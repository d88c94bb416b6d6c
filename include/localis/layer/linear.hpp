#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

#include <localis/core/backend.hpp>
#include <localis/core/carver.hpp>
#include <localis/core/error.hpp>
#include <localis/core/memory.hpp>
#include <localis/core/random.hpp>
#include <localis/kernel/update.hpp>
#include <localis/layer/operation.hpp>
#include <localis/rule/policy.hpp>

namespace localis {

/// What dense and conv2d share at run time: weights, bias, and a rule where there is one. Extents come with each call,
/// so that the arithmetic is compiled once per scalar, rule and backend.
template <class Backend, class Rule>
class linear_layer {
 public:
  using scalar = typename Backend::scalar;
  static constexpr bool learns_locally = !std::is_same_v<Rule, rule::gradient>;

  /// Weights: normal, mean 0, deviation sqrt(2 / I) (He et al. 2015); biases 0.
  linear_layer(Backend& backend, const operation& op, random_stream random)
      : rows_(op.map().outputs()),
        columns_(op.map().inputs()),
        weight_(backend.template allocate<scalar>(memory_kind::parameters, rows_ * columns_)),
        bias_(backend.template allocate<scalar>(memory_kind::parameters, op.bias ? rows_ : 0)) {
    std::vector<scalar> initial(weight_.size());
    const double deviation = std::sqrt(2 / static_cast<double>(columns_));
    for (std::size_t i = 0; i < initial.size(); ++i) initial[i] = static_cast<scalar>(deviation * random.normal(i));
    backend.upload(std::span<const scalar>(initial), weight_.data());
    if constexpr (learns_locally) {
      for (auto& slot : slots_) slot = backend.template allocate<scalar>(memory_kind::rule_state, weight_.size());
      tally_ = backend.template allocate<double>(memory_kind::rule_state, 2);
    }
  }

  /// The rule's values, for example `model.template layer<0>().rule().decay = 0.1`.
  [[nodiscard]] auto& rule() requires learns_locally { return rule_.rule; }
  /// The rule with its policies: step, optimizer, constraint.
  [[nodiscard]] Rule& local() requires learns_locally { return rule_; }

  [[nodiscard]] std::array<parameter<scalar>, 2> parameters() const {
    return {{{"weight", rows_, columns_, weight_.data(), true},
             {"bias", bias_.empty() ? std::size_t{0} : std::size_t{1}, bias_.size(), bias_.data(), true}}};
  }

  static constexpr std::size_t kept(const operation&) { return 0; }

  /// Sum of squares of the last local update, and the weight rows whose scale was negative so far: read after a step.
  struct tally {
    double change = 0;
    double clips = 0;
    bool failed = false;  ///< clips that the rule's guard calls an error
  };
  [[nodiscard]] tally read_tally(const Backend& backend) const {
    tally result;
    if constexpr (learns_locally) {
      std::array<double, 2> host{};
      backend.download(tally_.data(), std::span<double>(host));
      result = {host[0], host[1], Rule::guard_type::reaction == rule::on_negative_scale::fail && host[1] > 0};
    }
    return result;
  }

  void validate() const {
    if constexpr (learns_locally) rule_.validate();
  }

  static std::size_t scratch_bytes(const Backend& backend, const operation& op, std::size_t samples, phase when) {
    carver measure;
    switch (when) {
      case phase::evaluate:
      case phase::train:
        backend.respond_scratch(op.map(), samples, measure);
        break;
      case phase::learn:
        if (learns_locally) {
          local_scratch(op, measure);
          backend.learn_scratch(op.map(), samples, measure);
        } else {
          backend.respond_scratch(op.map(), samples, measure);
        }
        break;
      case phase::backward: {
        carver other;
        backend.input_gradient_scratch(op.map(), samples, measure);
        backend.weight_gradient_scratch(op.map(), samples, other);
        return measure.used() > other.used() ? measure.used() : other.used();
      }
    }
    return measure.used();
  }

  void forward(Backend& backend, const operation& op, const operands<scalar>& at, mode how,
               const step_values<scalar>& step) {
    const linear_map map = op.map();
    carver scratch(at.scratch);
    if constexpr (learns_locally) {
      const double rate = step.local_rate * rule_.step.scale;
      if (how == mode::learn && rate > 0) {
        const local_arrays arrays = local_scratch(op, scratch);
        backend.respond_and_learn(map, at.samples, at.input, weight_.data(), bias_.data(), at.output, rule_.rule,
                                  arrays.sums, scratch);
        update(backend, arrays, map.rows(at.samples), rate, step.gain);
        return;
      }
    }
    backend.respond(map, at.samples, at.input, weight_.data(), bias_.data(), at.output, scratch);
  }

  void backward(Backend& backend, const operation& op, const operands<scalar>& at) {
    const linear_map map = op.map();
    carver gradients(at.parameter_gradients);
    scalar* weight_gradient = gradients.take<scalar>(weight_.size());
    scalar* bias_gradient = bias_.empty() ? nullptr : gradients.take<scalar>(bias_.size());
    backend.weight_gradient(map, at.samples, at.input, at.output_gradient, weight_gradient, bias_gradient,
                            carver(at.scratch));
    if (at.input_gradient != nullptr) {
      backend.input_gradient(map, at.samples, at.output_gradient, weight_.data(), at.input_gradient,
                             carver(at.scratch));
    }
  }

 private:
  struct local_arrays {
    accumulators<scalar> sums;
    double* rows;    ///< 2 O: norms, or changes
    scalar* factor;  ///< 1: what the rate is multiplied by
  };

  static local_arrays local_scratch(const operation& op, carver& scratch) {
    local_arrays arrays{};
    arrays.sums.sum = scratch.take<scalar>(op.map().weights());
    arrays.sums.forget = scratch.take<scalar>(op.map().outputs());
    arrays.rows = scratch.take<double>(2 * op.map().outputs());
    arrays.factor = scratch.take<scalar>(1);
    return arrays;
  }

  static constexpr std::size_t slot_count() {
    if constexpr (learns_locally) {
      return Rule::optimizer_type::template step<scalar>::slots;
    } else {
      return 0;
    }
  }

  void update(Backend& backend, const local_arrays& arrays, std::size_t samples, double rate,
              const scalar* gain) requires learns_locally {
    using direction_type = kernel::local_direction<scalar>;
    const auto share = static_cast<scalar>(1 / static_cast<double>(samples));
    scalar* forget = arrays.sums.forget;
    backend.for_rows(1, rows_,
                     kernel::mean_forget<scalar>{forget, share, static_cast<scalar>(rule::decay(rule_.rule))});
    const direction_type direction{arrays.sums.sum, forget, columns_, share};
    kernel::rate<scalar> eta{static_cast<scalar>(rate), gain};
    if constexpr (Rule::step_type::is_relative) {
      backend.for_rows(rows_, columns_,
                       kernel::row_norms<scalar, direction_type>{weight_.data(), columns_, direction, arrays.rows});
      backend.for_rows(1, 1, kernel::relative_factor<scalar>{arrays.rows, rows_, gain, arrays.factor});
      eta.factor = arrays.factor;
    }
    if constexpr (Rule::guard_type::reaction != rule::on_negative_scale::ignore) {
      constexpr bool clip = Rule::guard_type::reaction == rule::on_negative_scale::clip;
      backend.for_rows(1, rows_, kernel::guard_scale<scalar>{forget, eta, clip, tally_.data() + 1});
    }
    const auto element = rule_.optimizer.template prepare<scalar>(++updates_);
    std::array<scalar*, slot_count()> state{};
    for (std::size_t s = 0; s < slot_count(); ++s) state[s] = slots_[s].data();
    using step_type = std::remove_const_t<decltype(element)>;
    backend.for_rows(rows_, columns_,
                     kernel::apply_update<scalar, direction_type, step_type, typename Rule::constraint_type>{
                         weight_.data(), state, columns_, direction, element, eta, rule_.constraint, arrays.rows});
    backend.for_rows(1, 1, kernel::total{arrays.rows, rows_, tally_.data()});
  }

  template <class T>
  using array_of = typename Backend::template array<T>;

  std::size_t rows_;
  std::size_t columns_;
  array_of<scalar> weight_;
  array_of<scalar> bias_;
  std::array<array_of<scalar>, slot_count()> slots_;
  array_of<double> tally_;
  std::size_t updates_ = 0;
  [[no_unique_address]] Rule rule_{};
};

}  // namespace localis
