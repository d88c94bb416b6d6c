#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
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
#include <localis/kernel/update.hpp>
#include <localis/optimizer/optimizer.hpp>
#include <localis/rule/policy.hpp>

namespace localis {

/// Applies a model's gradients with an optimizer and holds the optimizer's state: one set of arrays per parameter,
/// allocated when the parameter first takes a step.
///
///   gradient_descent descent{model, optimizer::sgd{.momentum = 0.9}};
///   model.backward();
///   descent.step(0.05);
template <class Model, optimizer::optimizer Optimizer = optimizer::sgd>
class gradient_descent {
  static_assert(optimizer::check_calls<Optimizer, typename Model::scalar>());

 public:
  using scalar = typename Model::scalar;

  /// The model is held by reference and must outlive this object.
  [[gnu::cold]] explicit gradient_descent(Model& trained, const Optimizer& chosen = {})
      : model_(trained),
        optimizer_(chosen),
        updates_at_once_(trained.backend().template make_reductions<update>(memory_kind::optimizer_state,
                                                                            parts_of_parameters(trained))) {
    optimizer_.validate();
    std::size_t parameters = 0;
    model_.for_each_parameter([&](const operation& op, const parameter<scalar>& p) {
      if (!p.trainable()) return;
      ++parameters;
      stages_.push_back(static_cast<std::uint32_t>(op.stage));
      weights_.push_back(op.trainable() && std::string_view(p.name) == "weight" ? 1 : 0);
    });
    totals_ = model_.backend().template allocate<double>(memory_kind::optimizer_state, parameters);
    states_.resize(parameters);
    updates_.resize(parameters, 0);
    calls_.reserve(parameters);
    first_ = parameters;
  }

  /// Takes one step for every parameter of the stages from the boundary of the last backward pass on.
  /// @param factors  factors on the rate, one for each stage; empty: 1
  /// Errors: config_error, before anything changes, for a rate or a factor that is negative or not finite as a scalar.
  void step(double rate, std::span<const double> factors = {}) {
    check_rate("gradient_descent::step: rate", rate);
    check_factors(rate, factors);
    auto& backend = model_.backend();
    const std::size_t first = states_.size() - gradients();
    take_states(first);
    std::size_t index = first;
    calls_.clear();
    model_.for_each_gradient([&](const operation& op, const parameter<scalar>& p, const scalar* gradient) {
      std::array<scalar*, state_arrays> state{};
      for (std::size_t s = 0; s != state_arrays; ++s) state[s] = states_[index].data() + s * p.size();
      const double factor = factors.empty() ? 1 : factors[op.stage];
      const kernel::row_split split{p.columns, backend.row_threads(p.columns)};
      calls_.push_back({update{p.value, state, split, direction{gradient, p.columns},
                               optimizer_.template prepare<scalar>(++updates_[index]),
                               kernel::rate<scalar>{static_cast<scalar>(rate * factor)}, rule::no_constraint{},
                               totals_.data() + index},
                        p.rows * split.threads, p.columns / split.threads});
      ++index;
    });
    updates_at_once_.run(backend, calls_);
    first_ = first;
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
      if (op.stage < stage) states_[index] = {};
      ++index;
    });
  }

  [[nodiscard]] const Optimizer& optimizer() const { return optimizer_; }

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
  using direction = kernel::gradient_direction<scalar>;
  using update =
      kernel::apply_update<scalar, direction, typename Optimizer::template step<scalar>, rule::no_constraint>;
  using updates_at_once = decltype(std::declval<typename Model::backend_type&>().template make_reductions<update>(
      memory_kind::optimizer_state, std::span<const std::size_t>()));

  /// The number of parts of each trainable parameter that the backend updates on their own.
  [[gnu::cold]] static std::vector<std::size_t> parts_of_parameters(Model& trained) {
    std::vector<std::size_t> parts;
    trained.for_each_parameter([&](const operation&, const parameter<scalar>& p) {
      if (p.trainable()) parts.push_back(p.rows * trained.backend().row_threads(p.columns));
    });
    return parts;
  }
  /// Allocates the state of each parameter from number `first` on that has none yet.
  void take_states(std::size_t first) {
    if constexpr (state_arrays > 0) {
      std::size_t index = first;
      model_.for_each_gradient([&](const operation&, const parameter<scalar>& p, const scalar*) {
        if (states_[index].empty()) {
          states_[index] =
              model_.backend().template allocate<scalar>(memory_kind::optimizer_state, state_arrays * p.size());
          updates_[index] = 0;
        }
        ++index;
      });
    }
  }
  static void expect_size(const char* what, std::size_t expected, std::size_t found) {
    if (expected == found) return;
    throw shape_error(text("gradient_descent: stored ", what, ": expected ", expected, ", found ", found));
  }
  /// The number of parameters with a gradient in this step. They are the last ones, because the boundary cuts the
  /// program in two.
  [[nodiscard]] std::size_t gradients() const {
    std::size_t count = 0;
    model_.for_each_gradient([&](const operation&, const parameter<scalar>&, const scalar*) { ++count; });
    return count;
  }

  template <class T>
  using array_of = typename Model::backend_type::template array<T>;

  Model& model_;
  Optimizer optimizer_;
  updates_at_once updates_at_once_;
  std::vector<reduction_call<update>> calls_;  ///< the updates of a step
  array_of<double> totals_;                    ///< by parameter
  std::vector<array_of<scalar>> states_;
  std::vector<std::size_t> updates_;
  std::vector<std::uint32_t> stages_;   ///< by parameter
  std::vector<std::uint32_t> weights_;  ///< by parameter: 1 for weight matrices
  std::size_t first_ = 0;               ///< first parameter that took part in the last step
};

}  // namespace localis
