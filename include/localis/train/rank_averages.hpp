#pragma once

#include <cstddef>
#include <numeric>
#include <span>
#include <string_view>
#include <vector>

#include <localis/core/communicator.hpp>
#include <localis/core/memory.hpp>
#include <localis/core/operation.hpp>
#include <localis/kernel/parameter_arrays.hpp>
#include <localis/model/step_options.hpp>

namespace localis::detail {

/// Decides in which stages ranks act alone, and averages what they have learned there: weights, rule states, running
/// statistics and, from the boundary on, the state of the optimizer. Only programs that distribute a trainer compile
/// it.
template <class Model, class Descent>
class rank_averages {
 public:
  using scalar = typename Model::scalar;
  static constexpr std::size_t stages = Model::stages;

  rank_averages(Model& trained, Descent& descent, const rank_options& options)
      : model_(trained), descent_(descent), options_(options), stages_(Model::stages) {}

  /// Begins a run, in which all ranks have the same weights.
  void start() { stages_.assign(Model::stages, {}); }
  /// All ranks have the same weights after every so many steps of an epoch, and after its last one.
  [[nodiscard]] std::size_t cycle(std::size_t epoch) const {
    return std::lcm(options_.prefix_every, suffix_every(epoch));
  }

  /// Sets where this rank acts alone in a step. Stages that have acted alone on the other side of the boundary, or that
  /// do so no more, are averaged first. A step in which some rank has no sample is exact.
  void begin_step(std::size_t epoch, std::size_t samples, step_options& step) {
    const whole_batch& whole = *step.whole;
    const bool everyone_has_some = whole.samples >= whole.ranks->size();
    step.prefix_alone = everyone_has_some && options_.prefix_every > 1;
    step.suffix_alone = everyone_has_some && suffix_every(epoch) > 1;
    const auto side_of = [&](std::size_t stage) {
      if (stage < step.boundary) return step.prefix_alone ? side::prefix : side::none;
      return step.suffix_alone ? side::suffix : side::none;
    };
    average([&](std::size_t stage) { return stages_[stage].alone != side_of(stage); });
    for (std::size_t stage = 0; stage < Model::stages; ++stage) {
      stages_[stage].alone = side_of(stage);
      if (stages_[stage].alone == side::none) continue;
      stages_[stage].own += static_cast<double>(samples);
      stages_[stage].all += static_cast<double>(whole.samples);
    }
  }
  /// Makes the exchanges that are due after `done` of the `steps` steps of an epoch.
  void end_step(std::size_t epoch, std::size_t done, std::size_t steps) {
    average([&](std::size_t stage) {
      const std::size_t every = stages_[stage].alone == side::prefix ? options_.prefix_every : suffix_every(epoch);
      return done % every == 0 || done == steps;
    });
  }

 private:
  enum class side { none, prefix, suffix };
  struct stage_state {
    side alone = side::none;  ///< where the stage has acted alone since the last exchange
    double own = 0;           ///< samples of this rank since then
    double all = 0;
  };
  struct array {
    std::span<scalar> values;
    const scalar* mean;  ///< of variances; else null
    scalar weight;
  };

  [[nodiscard]] std::size_t suffix_every(std::size_t epoch) const {
    return epoch < options_.suffix_from_epoch ? 1 : options_.suffix_every;
  }

  /// Averages the stages that have acted alone and for which wanted(stage) is true.
  template <class Wanted>
  void average(const Wanted& wanted) {
    exchange_means(arrays_of([&](std::size_t stage) { return stages_[stage].alone != side::none && wanted(stage); }));
    for (std::size_t stage = 0; stage < Model::stages; ++stage) {
      if (wanted(stage)) stages_[stage] = {};
    }
  }
  /// Replaces arrays by their averages over the ranks, in one sum.
  void exchange_means(const std::vector<array>& arrays) {
    std::size_t size = 0;
    for (const array& a : arrays) size += a.values.size();
    if (size == 0) return;
    auto& backend = model_.backend();
    if (packed_.size() < size) {
      packed_ = {};  // freed before the new one is allocated
      packed_ = backend.template allocate<scalar>(memory_kind::optimizer_state, size);
    }
    const auto each = [&](const auto& f) {
      scalar* next = packed_.data();
      for (const array& a : arrays) {
        f(a, next);
        next += a.values.size();
      }
    };
    each([&](const array& a, scalar* share) {
      backend.for_rows(1, a.values.size(), kernel::rank_share<scalar>{a.values.data(), a.mean, a.weight, share});
    });
    model_.ranks()->sum_array(std::span<scalar>(packed_.data(), size));
    each([&](const array& a, const scalar* average) {
      backend.for_rows(1, a.values.size(), kernel::rank_average<scalar>{average, a.mean, a.values.data()});
    });
  }
  /// The arrays of some stages; a mean comes before its variances.
  template <class Wanted>
  [[nodiscard]] std::vector<array> arrays_of(const Wanted& wanted) {
    std::vector<array> result;
    const auto add = [&](const operation& op, const std::span<scalar>& values, bool is_variance) {
      if (!wanted(op.stage)) return;
      const stage_state& seen = stages_[op.stage];
      result.push_back(
          {values, is_variance ? result.back().values.data() : nullptr, static_cast<scalar>(seen.own / seen.all)});
    };
    const auto add_named = [&](const operation& op, const parameter<scalar>& p) {
      const std::string_view name = p.name;
      add(op, p.values(), name == "running_variance" || name == "signal_variance");
    };
    model_.for_each_parameter(add_named);
    model_.for_each_state(add_named);
    descent_.for_each_state([&](const operation& op, const std::span<scalar>& values) {
      if (stages_[op.stage].alone == side::suffix) add(op, values, false);
    });
    return result;
  }

  Model& model_;
  Descent& descent_;
  rank_options options_;
  std::vector<stage_state> stages_;
  typename Model::backend_type::template array<scalar> packed_;  ///< what an exchange adds up
};

/// Replaces the sums of squares and the clipped rows of a step's record by the means of all ranks.
template <class Record>
void average_record(const exchange& ranks, Record& record) {
  std::vector<double> values;
  const auto each = [&](const auto& visit) {
    for (auto* list : {&record.local_change, &record.clips, &record.change, &record.weight_change}) {
      for (double& value : *list) visit(value);
    }
  };
  each([&](double& value) { values.push_back(value); });
  ranks.sum(std::span<double>(values));
  const double* next = values.data();
  each([&](double& value) { value = *next++ / static_cast<double>(ranks.size()); });
}

}  // namespace localis::detail
