#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <type_traits>
#include <vector>

#include <localis/backend/concept.hpp>
#include <localis/core/memory.hpp>
#include <localis/core/operation.hpp>
#include <localis/core/workspace.hpp>
#include <localis/kernel/update.hpp>
#include <localis/rule/policy.hpp>

namespace localis {

/// The one place where a local rule changes a weight: W <- constraint(W + step(direction)), in the order that
/// rule/policy.hpp states, with the arrays of the rule's optimizer and the statistics of each update. `Local` is a
/// rule::local<...>.
template <class Backend, class Local>
class weight_update {
 public:
  using scalar = typename Backend::scalar;

  static_assert(optimizer::check_calls<typename Local::optimizer_type, scalar>());
  static_assert(!optimizer::sees_arrays<typename Local::optimizer_type>,
                "localis: rule::local: this optimizer's rate depends on the norms of a whole array, which gradient "
                "descent measures and a local step does not. Use relative_step, and an optimizer without array_rate");
  static_assert(rule::detail::check_constraint<typename Local::constraint_type, scalar>());

  /// For weights of rows x columns.
  weight_update(Backend& backend, std::size_t rows, std::size_t columns) : rows_(rows), columns_(columns) {
    for (auto& array : optimizer_state_) {
      array = backend.template allocate<scalar>(memory_kind::rule_state, rows_ * columns_);
    }
    if constexpr (traces) trace_ = backend.template allocate<scalar>(memory_kind::rule_state, rows_ * columns_);
    statistics_ = backend.template allocate<double>(memory_kind::rule_state, 2);
  }

  /// The arrays of the optimizer and the eligibility trace, which a stored training run must contain.
  [[nodiscard]] std::vector<parameter<scalar>> states() const {
    std::vector<parameter<scalar>> result;
    for (const auto& array : optimizer_state_) {
      result.push_back({"optimizer", rows_, columns_, array.data(), parameter_role::state});
    }
    if (!trace_.empty()) result.push_back({"trace", rows_, columns_, trace_.data(), parameter_role::state});
    return result;
  }

  /// The number of steps that the optimizer took, for stored training runs.
  [[nodiscard]] std::size_t* updates() { return &updates_; }

  /// From now on each update stores its direction, rows x columns: dW / eta, including the rates of single units and
  /// the reward, before optimizer and constraint.
  void keep_direction(Backend& backend) {
    if (direction_.empty()) {
      direction_ = backend.template allocate<scalar>(memory_kind::rule_state, rows_ * columns_);
    }
  }
  [[nodiscard]] std::span<const scalar> direction() const { return {direction_.data(), direction_.size()}; }

  /// Statistics in the backend's memory: the sum of squares of the last update, and the number of weight rows so far
  /// whose scale was negative.
  [[nodiscard]] const double* statistics() const { return statistics_.data(); }
  [[nodiscard]] std::array<double, 2> read_statistics(const Backend& backend) const {
    std::array<double, 2> host{};
    backend.download(statistics_.data(), std::span<double>(host));
    return host;
  }

  struct arrays {
    double* parts = nullptr;   ///< 2 x rows x threads per row: scratch of reductions
    scalar* factor = nullptr;  ///< one factor on the rate
  };
  static arrays take_arrays(const Backend& backend, std::size_t rows, std::size_t columns, workspace& scratch) {
    arrays a;
    a.parts = scratch.take<double>(2 * rows * backend.row_threads(columns));
    a.factor = scratch.take<scalar>(1);
    return a;
  }

  /// Updates the weights and returns the step size that was used. If the step's updates are not to be applied, only the
  /// direction is stored.
  ///
  /// @param values     the rule's policies: optimizer, constraint
  /// @param direction  a direction of kernel/update.hpp: -dW / eta
  /// @param unit_rate  one rate per row, or null
  template <class Direction>
  kernel::rate<scalar> apply(Backend& backend, const Local& values, const Direction& direction, const scalar* unit_rate,
                             scalar* weight, const arrays& a, double rate, const step_values<scalar>& step) {
    if constexpr (traces) {
      const auto decay = static_cast<scalar>(values.trace.decay);
      const auto reward = static_cast<scalar>(step.reward);
      store_direction(
          backend, kernel::next_trace_direction<scalar, Direction>{trace_.data(), decay, direction, reward, columns_},
          unit_rate, weight);
      if (step.apply_updates) {
        backend.for_rows(rows_, columns_,
                         kernel::update_trace<scalar, Direction>{weight, columns_, direction, decay, trace_.data()});
      }
      return take_step(backend, values, kernel::trace_direction<scalar>{trace_.data(), scalar(1), columns_},
                       kernel::trace_direction<scalar>{trace_.data(), reward, columns_}, unit_rate, weight, a, rate,
                       step);
    } else {
      store_direction(backend, direction, unit_rate, weight);
      return take_step(backend, values, direction, direction, unit_rate, weight, a, rate, step);
    }
  }

  /// Returns the direction with its guard against negative scales, which only the direction of a rule's own sums has.
  template <class Direction>
  static auto guard(const Direction& direction, const kernel::rate<scalar>& step_size) {
    using enum rule::on_negative_scale;
    constexpr bool has_scale = std::is_same_v<Direction, kernel::local_direction<scalar>>;
    if constexpr (has_scale && Local::guard_type::reaction != ignore) {
      return kernel::guarded_direction<scalar>{direction, step_size, Local::guard_type::reaction == clip};
    } else {
      return direction;
    }
  }

 private:
  static constexpr std::size_t state_arrays = Local::optimizer_type::template step<scalar>::state_arrays;
  static constexpr bool traces = Local::trace_type::is_kept;

  template <class T>
  using array_of = typename Backend::template array<T>;

  template <class Direction>
  void store_direction(Backend& backend, const Direction& direction, const scalar* unit_rate, const scalar* weight) {
    if (direction_.empty()) return;
    backend.for_rows(rows_, columns_,
                     kernel::store_direction<scalar, Direction>{
                         weight, columns_, direction, {scalar(1), nullptr, unit_rate}, direction_.data()});
  }

  /// @param direction  the direction whose norm the step policy uses
  /// @param rewarded   that direction, times the reward
  template <class Direction>
  kernel::rate<scalar> take_step(Backend& backend, const Local& values, const Direction& direction,
                                 const Direction& rewarded, const scalar* unit_rate, scalar* weight, const arrays& a,
                                 double rate, const step_values<scalar>& step) {
    kernel::rate<scalar> eta{static_cast<scalar>(rate), step.gain, unit_rate};
    if (!step.apply_updates) return eta;
    const kernel::row_split split{columns_, backend.row_threads(columns_)};
    const std::size_t parts = rows_ * split.threads;
    const std::size_t part_columns = columns_ / split.threads;
    if constexpr (Local::step_type::divided_by == rule::step_norm::relative) {
      backend.reduce(parts, part_columns,
                     kernel::relative_factor<scalar, Direction>{weight, split, direction, step.gain, a.factor},
                     a.parts);
      eta.factor = a.factor;
    } else if constexpr (Local::step_type::divided_by == rule::step_norm::max_abs) {
      backend.reduce(parts, part_columns,
                     kernel::peak_factor<scalar, Direction>{weight, split, direction, step.gain, a.factor}, a.parts);
      eta.factor = a.factor;
    }
    const auto element = values.optimizer.template prepare<scalar>(++updates_);
    std::array<scalar*, state_arrays> state{};
    for (std::size_t s = 0; s != state_arrays; ++s) state[s] = optimizer_state_[s].data();
    using step_type = std::remove_const_t<decltype(element)>;
    using constraint_type = typename Local::constraint_type;
    const auto guarded = guard(rewarded, eta);
    using direction_type = std::remove_const_t<decltype(guarded)>;
    backend.reduce(parts, part_columns,
                   kernel::apply_update<scalar, direction_type, step_type, constraint_type>{
                       weight, state, split, guarded, element, eta, values.constraint, statistics_.data()},
                   a.parts);
    if constexpr (!std::is_same_v<constraint_type, rule::no_constraint>) {
      if (split.threads > 1) {
        backend.for_rows(rows_, columns_,
                         kernel::constrain<scalar, constraint_type>{weight, columns_, values.constraint});
      }
    }
    return eta;
  }

  std::size_t rows_;
  std::size_t columns_;
  std::array<array_of<scalar>, state_arrays> optimizer_state_;
  array_of<double> statistics_;
  array_of<scalar> trace_;      ///< empty without an eligibility trace
  array_of<scalar> direction_;  ///< empty unless keep_direction() was called
  std::size_t updates_ = 0;
};

}  // namespace localis
