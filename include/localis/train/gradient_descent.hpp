#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <localis/backend/concept.hpp>
#include <localis/backend/run_reduction.hpp>
#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/core/memory.hpp>
#include <localis/core/operation.hpp>
#include <localis/kernel/parameter_arrays.hpp>
#include <localis/kernel/update.hpp>
#include <localis/optimizer/optimizer.hpp>
#include <localis/rule/policy.hpp>
#include <localis/train/gradients.hpp>

namespace localis {

/// What is special about the steps of some parameters.
struct parameter_group {
  double rate = 1;         ///< factor on the learning rate
  double decay = 1;        ///< factor on the weight_decay of the optimizer
  bool array_rate = true;  ///< whether an optimizer that sees whole arrays (lars, lamb) uses their norms
};

/// The group of each parameter if only weight matrices decay, and biases and normalizations do not:
/// `descent.group_parameters(decay_weights_only)`.
inline parameter_group decay_weights_only(const operation& op, const char* name) {
  const bool is_weight = op.trainable() && std::string_view(name) == "weight";
  return {.rate = 1, .decay = is_weight ? 1.0 : 0.0, .array_rate = is_weight};
}

/// Applies a model's gradients with an optimizer and holds the optimizer's state: one set of arrays per parameter,
/// allocated when the parameter first takes a step.
///
///   gradient_descent descent{model, optimizer::sgd{.momentum = 0.9}};
///   model.backward();
///   descent.step(0.05);
///
/// The gradients of several batches make one step of their mean if each batch is added by accumulate():
///
///   for (...) { model.forward(...); model.loss(...); model.backward(); descent.accumulate(samples); }
///   descent.step(0.05);
template <class Model, optimizer::optimizer Optimizer = optimizer::sgd>
class gradient_descent {
  static_assert(optimizer::check_calls<Optimizer, typename Model::scalar>());

 public:
  using scalar = typename Model::scalar;

  /// The model is held by reference and must outlive this object.
  [[gnu::cold]] explicit gradient_descent(Model& trained, const Optimizer& chosen = {})
      : model_(trained), optimizer_(chosen), updates_at_once_(at_once<update>(trained)) {
    optimizer_.validate();
    std::size_t parameters = 0;
    model_.for_each_parameter([&](const operation& op, const parameter<scalar>& p) {
      if (!p.trainable()) return;
      ++parameters;
      stages_.push_back(static_cast<std::uint32_t>(op.stage));
      weights_.push_back(op.trainable() && std::string_view(p.name) == "weight" ? 1 : 0);
    });
    totals_ = model_.backend().template allocate<double>(memory_kind::optimizer_state, parameters);
    if constexpr (measures) {
      measurements_at_once_.emplace(at_once<measurement>(model_));
      array_rates_ = model_.backend().template allocate<scalar>(memory_kind::optimizer_state, parameters);
    }
    states_.resize(parameters);
    updates_.resize(parameters, 0);
    groups_.resize(parameters);
    sums_.resize(parameters);
    calls_.reserve(parameters);
    first_ = parameters;
    lowest_ = parameters;
  }

  /// Sets the group of each parameter from `choose(operation, name of the array)`, such as decay_weights_only. Errors:
  /// config_error for a factor that is negative or not finite; then nothing changes.
  template <class F>
  void group_parameters(const F& choose) {
    std::vector<parameter_group> chosen;
    model_.for_each_parameter([&](const operation& op, const auto& p) {
      if (!p.trainable()) return;
      const parameter_group group = choose(op, p.name);
      const auto expect_factor = [&](const char* what, double factor) {
        if (is_finite(factor) && factor >= 0) return;
        throw config_error(text("gradient_descent::group_parameters: ", what, " of ", op.name, ' ', p.name,
                                " of stage ", op.stage, ": expected a finite number >= 0, found ", factor));
      };
      expect_factor("rate", group.rate);
      expect_factor("decay", group.decay);
      if constexpr (!has_decay) {
        if (group.decay != 1) {
          throw config_error(text("gradient_descent::group_parameters: decay of ", op.name, ' ', p.name, " of stage ",
                                  op.stage, ": expected 1, since this optimizer has no weight_decay, found ",
                                  group.decay));
        }
      }
      chosen.push_back(group);
    });
    groups_ = std::move(chosen);
  }

  /// From now on, a step limits each value of the gradients to [-limit, limit] before the optimizer sees it; infinity:
  /// no limit. Errors: config_error unless limit > 0.
  void clip_value(double limit) {
    expect(limit > 0, "gradient_descent::clip_value: limit", "a number > 0", limit);
    value_limit_ = limit;
    start_clipping();
  }
  /// From now on, a step multiplies all gradients by min(1, limit / (norm + 1e-6)) before the optimizer sees them,
  /// where `norm` is the Euclidean norm over all of them, after clip_value(); infinity: no limit. The norm stays on the
  /// device. Errors: config_error unless limit > 0.
  void clip_norm(double limit) {
    expect(limit > 0, "gradient_descent::clip_norm: limit", "a number > 0", limit);
    norm_limit_ = limit;
    start_clipping();
  }

  /// Adds the gradients of the last backward pass, over a batch of `samples` labelled ones, to the mean that the next
  /// step uses. Each parameter has the mean over the batches from which it got a gradient, weighted by their samples.
  /// State: one more array per parameter, from the first call on.
  void accumulate(std::size_t samples) {
    auto& backend = model_.backend();
    const std::size_t first = states_.size() - count_gradients();
    std::size_t index = first;
    model_.for_each_gradient([&](const operation&, const parameter<scalar>& p, const scalar* gradient) {
      mean& sum = sums_[index++];
      if (sum.values.size() == 0) {
        sum.values = backend.template allocate<scalar>(memory_kind::optimizer_state, p.size());
      }
      sum.samples += samples;
      const auto part = static_cast<scalar>(static_cast<double>(samples) / static_cast<double>(sum.samples));
      if (sum.samples == samples) {
        backend.copy(gradient, p.size(), sum.values.data());
      } else {
        backend.for_rows(p.rows, p.columns, kernel::add_to_mean<scalar>{gradient, sum.values.data(), p.columns, part});
      }
    });
    lowest_ = (std::min)(lowest_, first);
    first_ = states_.size();  // none has taken part in a step since
    accumulates_ = true;
  }
  /// Drops accumulated gradients that no step has used.
  void forget_accumulated() {
    for (mean& sum : sums_) sum.samples = 0;
    lowest_ = states_.size();
    accumulates_ = false;
  }
  /// Whether gradients have been accumulated that no step has used.
  [[nodiscard]] bool accumulates() const { return accumulates_; }

  /// The gradients that the next step will use: those of the last backward pass, or the accumulated means.
  [[nodiscard]] std::span<const gradient_array<scalar>> next_gradients() {
    arrays_.clear();
    if (accumulates_) {
      std::size_t index = 0;
      model_.for_each_parameter([&](const operation& op, const parameter<scalar>& p) {
        if (!p.trainable()) return;
        if (index >= lowest_) arrays_.push_back({&op, p, {sums_[index].values.data(), p.size()}});
        ++index;
      });
    } else {
      model_.for_each_gradient([&](const operation& op, const parameter<scalar>& p, scalar* gradient) {
        arrays_.push_back({&op, p, {gradient, p.size()}});
      });
    }
    return arrays_;
  }

  /// Takes one step for every parameter of the stages from the boundary of the last backward pass on or, if gradients
  /// have been accumulated, for every parameter that has one.
  /// @param factors  factors on the rate, one for each stage; empty: 1
  /// Errors: config_error, before anything changes, for a rate or a factor that is negative or not finite as a scalar;
  /// those of the backend, before a weight changes, if memory for the optimizer's state runs out.
  void step(double rate, std::span<const double> factors = {}) {
    check_rate("gradient_descent::step: rate", rate);
    check_factors(rate, factors);
    auto& backend = model_.backend();
    const std::span<const gradient_array<scalar>> arrays = next_gradients();
    const std::size_t first = states_.size() - arrays.size();
    const scalar* clip = clip_ ? clip_(*this, first) : nullptr;
    calls_.clear();
    measurements_.clear();
    std::size_t index = first;
    for (std::size_t i = 0; i < arrays.size(); ++i) take_state(first + i, arrays[i].weights.size());
    for (const auto& [op, p, gradient] : arrays) {
      std::array<scalar*, state_arrays> state{};
      for (std::size_t s = 0; s != state_arrays; ++s) state[s] = states_[index].data() + s * p.size();
      const parameter_group& group = groups_[index];
      const double factor = group.rate * (factors.empty() ? 1 : factors[op->stage]);
      const kernel::row_split split{p.columns, backend.row_threads(p.columns)};
      const direction slope{gradient.data(), p.columns, clip};
      const auto element = grouped(group).template prepare<scalar>(++updates_[index]);
      kernel::rate<scalar> size{static_cast<scalar>(rate * factor)};
      const std::size_t parts = p.rows * split.threads;
      const std::size_t part_columns = p.columns / split.threads;
      if constexpr (measures) {
        scalar* array_rate = array_rates_.data() + index;
        measurements_.push_back({{p.value, state, split, slope, element, array_rate}, parts, part_columns});
        if (group.array_rate) size.factor = array_rate;
      }
      calls_.push_back(
          {update{p.value, state, split, slope, element, size, rule::no_constraint{}, totals_.data() + index}, parts,
           part_columns});
      ++index;
    }
    if constexpr (measures) measurements_at_once_->run(backend, measurements_);
    updates_at_once_.run(backend, calls_);
    first_ = first;
    if (first < stages_.size()) model_.forget_features(stages_[first]);
    forget_accumulated();
  }

  /// The sums of squares of the changes that the last step made to the parameters.
  struct changes {
    std::array<double, Model::stages> all{};      ///< by stage, over all parameters; not finite if one of them is not
    std::array<double, Model::stages> weights{};  ///< by stage, over weight matrices alone
  };
  /// Returns the changes of the last step, after waiting for that step.
  [[nodiscard]] changes last_changes() const {
    std::vector<double> read(totals_.size());
    model_.backend().download(static_cast<const double*>(totals_.data()), std::span<double>(read));
    changes result;
    for (std::size_t i = first_; i < read.size(); ++i) {
      result.all[stages_[i]] += read[i];
      if (weights_[i] != 0) result.weights[stages_[i]] += read[i];
    }
    return result;
  }
  /// The sums of squares of the changes in the last step, by parameter, in the backend's memory. Parameters before
  /// first_part() did not take part.
  [[nodiscard]] const double* totals() const { return totals_.data(); }
  [[nodiscard]] std::size_t first_part() const { return first_; }
  /// The stage of each parameter, and for each parameter 1 if it is a weight matrix, else 0.
  [[nodiscard]] const std::vector<std::uint32_t>& part_stages() const { return stages_; }
  [[nodiscard]] const std::vector<std::uint32_t>& part_weights() const { return weights_; }

  /// Whether a rate can be used: it must be finite in the model's scalar type, and at least 0.
  [[nodiscard]] static bool is_rate(double rate) { return is_finite(static_cast<scalar>(rate)) && rate >= 0; }
  /// Checks a rate. Errors: config_error for a rate that cannot be used; its message calls the rate `name`.
  static void check_rate(const char* name, double rate) {
    if (is_rate(rate)) return;
    throw config_error(
        text(name, ": expected a number from 0 to ", (std::numeric_limits<scalar>::max)(), ", found ", rate));
  }

  /// Throws the errors of step() for its factors.
  static void check_factors(double rate, std::span<const double> factors) {
    if (factors.empty()) return;
    if (factors.size() != Model::stages) {
      throw shape_error(text("gradient_descent::step: factors: expected one for each of the ", Model::stages,
                             " stages, found ", factors.size()));
    }
    for (std::size_t stage = 0; stage < factors.size(); ++stage) {
      if (!(is_finite(factors[stage]) && factors[stage] >= 0)) {
        throw config_error(text("gradient_descent::step: factor of stage ", stage,
                                ": expected a finite number of at least 0, found ", factors[stage]));
      }
      if (is_rate(rate * factors[stage])) continue;
      check_rate(text("gradient_descent::step: rate times factor of stage ", stage).c_str(), rate * factors[stage]);
    }
  }

  /// Frees the optimizer's state for the stages before `stage`. If they learn by gradient again, they start with a new
  /// state.
  void release_below(std::size_t stage) {
    std::size_t index = 0;
    model_.for_each_parameter([&](const operation& op, const parameter<scalar>& p) {
      if (!p.trainable()) return;
      if (op.stage < stage) {
        states_[index] = {};
        sums_[index] = {};
      }
      ++index;
    });
  }

  /// Sets the parameters of the stages [first, last) to the averages that the optimizer keeps of them; a parameter that
  /// has not taken a step stays as it is.
  void take_averages(std::size_t first, std::size_t last) requires optimizer::keeps_average<Optimizer> {
    std::size_t index = 0;
    model_.for_each_parameter([&](const operation& op, const parameter<scalar>& p) {
      if (!p.trainable()) return;
      const auto& state = states_[index++];
      if (op.stage < first || op.stage >= last || state.empty()) return;
      constexpr std::size_t average = Optimizer::template step<scalar>::average_array;
      model_.backend().copy(state.data() + average * p.size(), p.size(), p.value);
    });
  }

  [[nodiscard]] const Optimizer& optimizer() const { return optimizer_; }

  /// Calls f(operation, values) for the optimizer's state of each parameter that has one, in the backend's memory.
  template <class F>
  void for_each_state(const F& f) {
    std::size_t index = 0;
    model_.for_each_parameter([&](const operation& op, const parameter<scalar>& p) {
      if (!p.trainable()) return;
      array_of<scalar>& state = states_[index++];
      if (!state.empty()) f(op, std::span<scalar>(state.data(), state.size()));
    });
  }

  // For stored runs: the number of steps that each trainable parameter took, and its state in the backend's memory,
  // which is empty if it has none.

  [[nodiscard]] const std::vector<std::size_t>& updates() const { return updates_; }
  [[nodiscard]] std::span<const scalar> state(std::size_t index) const {
    return {states_[index].data(), states_[index].size()};
  }
  /// Restores the state of a stored run. If this fails, or if memory runs out, nothing changes. Errors: those
  ///         of check_state().
  void restore(std::vector<std::size_t> updates, const std::vector<std::vector<scalar>>& states) {
    check_state(updates, states);
    std::vector<array_of<scalar>> arrays(states.size());
    for (std::size_t i = 0; i < states.size(); ++i) {
      if (states[i].empty()) continue;
      arrays[i] = model_.backend().template allocate<scalar>(memory_kind::optimizer_state, states[i].size());
      model_.backend().upload(std::span<const scalar>(states[i]), arrays[i].data());
    }
    updates_ = std::move(updates);
    states_ = std::move(arrays);
  }
  /// Checks the state of a stored run. Errors: shape_error for a state of another size.
  void check_state(const std::vector<std::size_t>& updates, const std::vector<std::vector<scalar>>& states) const {
    expect_size("parameters", states_.size(), updates.size());
    expect_size("parameters", states_.size(), states.size());
    std::size_t i = 0;
    model_.for_each_parameter([&](const operation&, const parameter<scalar>& p) {
      if (!p.trainable()) return;
      if (!states[i].empty())
        expect_size("optimizer's values of a parameter", state_arrays * p.size(), states[i].size());
      ++i;
    });
  }

 private:
  static constexpr std::size_t state_arrays = Optimizer::template step<scalar>::state_arrays;
  static constexpr bool measures = optimizer::sees_arrays<Optimizer>;
  static constexpr bool has_decay = requires(Optimizer & o, double factor) { o.weight_decay *= factor; };
  static constexpr double infinity = std::numeric_limits<double>::infinity();
  using direction = kernel::gradient_direction<scalar>;
  using update =
      kernel::apply_update<scalar, direction, typename Optimizer::template step<scalar>, rule::no_constraint>;
  using measurement =
      std::conditional_t<optimizer::sees_arrays<Optimizer>,
                         kernel::measure_array<scalar, direction, typename Optimizer::template step<scalar>>, update>;
  /// What runs one reduction for each parameter.
  template <class Kernel>
  static auto at_once(Model& trained) {
    return trained.backend().template make_reductions<Kernel>(memory_kind::optimizer_state,
                                                              parts_of_parameters(trained));
  }
  template <class Kernel>
  using all_at_once = decltype(std::declval<typename Model::backend_type&>().template make_reductions<Kernel>(
      memory_kind::optimizer_state, std::span<const std::size_t>()));
  /// The number of parts of each trainable parameter that the backend updates on their own.
  [[gnu::cold]] static std::vector<std::size_t> parts_of_parameters(Model& trained) {
    std::vector<std::size_t> parts;
    trained.for_each_parameter([&](const operation&, const parameter<scalar>& p) {
      if (p.trainable()) parts.push_back(p.rows * trained.backend().row_threads(p.columns));
    });
    return parts;
  }
  void start_clipping() {
    using kernel_type = kernel::clip_values<scalar>;
    auto& backend = model_.backend();
    clip_factor_ = backend.template allocate<scalar>(memory_kind::optimizer_state, 1);
    squares_ = backend.template allocate<double>(memory_kind::optimizer_state, states_.size());
    const auto reductions = std::make_shared<all_at_once<kernel_type>>(at_once<kernel_type>(model_));
    clip_ = [reductions, calls = std::vector<reduction_call<kernel_type>>()](gradient_descent& own,
                                                                             std::size_t first) mutable {
      auto& device = own.model_.backend();
      const auto limit = static_cast<scalar>(own.value_limit_);
      calls.clear();
      for (std::size_t i = 0; i < own.arrays_.size(); ++i) {
        const parameter<scalar>& p = own.arrays_[i].weights;
        const kernel::row_split split{p.columns, device.row_threads(p.columns)};
        calls.push_back({{own.arrays_[i].gradient.data(), split, limit, own.squares_.data() + first + i},
                         p.rows * split.threads,
                         p.columns / split.threads});
      }
      reductions->run(device, calls);
      device.for_rows(1, 1,
                      kernel::norm_factor<scalar>{own.squares_.data(), first, own.states_.size(), own.norm_limit_,
                                                  own.clip_factor_.data()});
      return static_cast<const scalar*>(own.clip_factor_.data());
    };
  }
  /// Allocates the state of a parameter that has none yet.
  void take_state(std::size_t index, std::size_t size) {
    if constexpr (state_arrays > 0) {
      if (!states_[index].empty()) return;
      states_[index] = model_.backend().template allocate<scalar>(memory_kind::optimizer_state, state_arrays * size);
      updates_[index] = 0;
    }
  }
  /// The optimizer of a group.
  [[nodiscard]] Optimizer grouped(const parameter_group& group) const {
    Optimizer result = optimizer_;
    if constexpr (has_decay) result.weight_decay *= group.decay;
    return result;
  }
  static void expect_size(const char* what, std::size_t expected, std::size_t found) {
    if (expected == found) return;
    throw shape_error(text("gradient_descent: stored ", what, ": expected ", expected, ", found ", found));
  }
  /// The number of parameters with a gradient in this step. They are the last ones, because the boundary cuts the
  /// program in two.
  [[nodiscard]] std::size_t count_gradients() const {
    std::size_t count = 0;
    model_.for_each_gradient([&](const operation&, const parameter<scalar>&, const scalar*) { ++count; });
    return count;
  }

  template <class T>
  using array_of = typename Model::backend_type::template array<T>;

  /// The accumulated gradient of a parameter.
  struct mean {
    array_of<scalar> values;
    std::size_t samples = 0;
  };

  Model& model_;
  Optimizer optimizer_;
  all_at_once<update> updates_at_once_;
  std::optional<all_at_once<measurement>> measurements_at_once_;  ///< of an optimizer that sees arrays
  std::vector<reduction_call<update>> calls_;                     ///< the updates of a step
  std::vector<reduction_call<measurement>> measurements_;
  std::vector<gradient_array<scalar>> arrays_;  ///< the gradients of a step
  array_of<double> totals_;                     ///< by parameter
  std::vector<array_of<scalar>> states_;
  std::vector<std::size_t> updates_;
  std::vector<std::uint32_t> stages_;    ///< by parameter
  std::vector<std::uint32_t> weights_;   ///< by parameter: 1 for weight matrices
  std::size_t first_ = 0;                ///< first parameter that took part in the last step
  std::vector<parameter_group> groups_;  ///< by parameter
  array_of<scalar> array_rates_;         ///< by parameter, of an optimizer that sees arrays
  double value_limit_ = infinity;
  double norm_limit_ = infinity;
  array_of<double> squares_;      ///< by parameter: sum of squares of its gradient
  array_of<scalar> clip_factor_;  ///< one value
  std::function<const scalar*(gradient_descent&, std::size_t)>
      clip_;                ///< clips the gradients of a step, once there is a limit
  std::vector<mean> sums_;  ///< by parameter
  std::size_t lowest_ = 0;  ///< the first parameter with an accumulated gradient
  bool accumulates_ = false;
};

template <class M>
gradient_descent(M&) -> gradient_descent<M>;
template <class M, class O>
gradient_descent(M&, O) -> gradient_descent<M, O>;

}  // namespace localis
