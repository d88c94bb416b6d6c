#pragma once

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <string_view>
#include <vector>

#include <localis/core/communicator.hpp>
#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/core/operation.hpp>
#include <localis/data/dataset.hpp>
#include <localis/data/loader.hpp>
#include <localis/model/evaluate.hpp>
#include <localis/model/step_options.hpp>
#include <localis/train/callbacks.hpp>
#include <localis/train/report.hpp>
#include <localis/train/run_checks.hpp>
#include <localis/train/train_options.hpp>

namespace localis {

/// The order in which stages learn locally: all at once, each from the changing output of the one before it, or one
/// after the other, each for all epochs while those before it rest.
enum class local_order { together, one_by_one };

/// The options of trainer::learn_locally().
struct local_options {
  static constexpr std::size_t all = static_cast<std::size_t>(-1);

  std::size_t stages = all;  ///< number of first stages that learn; all: as many as have a local rule
  std::size_t epochs = 1;    ///< of each stage
  local_order order = local_order::together;
  /// A factor on the local rate, as a function of the fraction of the steps of a stage that are done, from 0 to below
  /// 1; empty: 1.
  std::function<double(double)> gain{};
};

/// What trainer::learn_locally() has done.
struct local_report {
  std::size_t updates = 0;  ///< number of batches from which a stage, or all stages together, have learned
  double seconds = 0;
  ending end = ending::unfinished;  ///< finished, or stopped by trainer::request_stop()
  /// For each epoch, in order, and each stage: norm_F(W - W') / norm_F(W') of its weights before (W') and after (W) the
  /// epoch, or the part of it before a stop; NaN for a stage that did not learn in it. The order one_by_one has
  /// `epochs` epochs for each stage.
  std::vector<std::vector<double>> changes;
};

namespace detail {

/// The weight matrices of a stage, one after the other.
template <class Model>
[[nodiscard]] std::vector<typename Model::scalar> weights_of_stage(const Model& model, std::size_t stage) {
  using scalar = typename Model::scalar;
  std::vector<scalar> all;
  model.for_each_parameter([&](const operation& op, const auto& p) {
    if (op.stage != stage || !p.trainable() || std::string_view(p.name) != "weight") return;
    const std::vector<scalar> host = model.host_copy(p.values());
    all.insert(all.end(), host.begin(), host.end());
  });
  return all;
}

template <class Scalar>
[[nodiscard]] double relative_change(const std::vector<Scalar>& earlier, const std::vector<Scalar>& later) {
  double difference = 0;
  double norm = 0;
  for (std::size_t i = 0; i < earlier.size(); ++i) {
    const auto old = static_cast<double>(earlier[i]);
    difference += (static_cast<double>(later[i]) - old) * (static_cast<double>(later[i]) - old);
    norm += old * old;
  }
  return std::sqrt(difference / norm);
}

/// See trainer::learn_locally(). No step begins while `stop` is true. Errors: also divergence_error for weights that
/// are not finite after an epoch.
template <class Model, class Data>
[[gnu::cold]] local_report learn_locally(Model& model, const Data& data, const train_options& options,
                                         const local_options& chosen, modulators<typename Model::scalar>& factors,
                                         const std::atomic<bool>& stop) {
  using scalar = typename Model::scalar;
  constexpr std::size_t highest = Model::network_type::highest_boundary;
  const std::size_t stages = chosen.stages == local_options::all ? highest : chosen.stages;
  expect(stages > 0 && stages <= highest, "learn_locally: stages",
         text("1 to ", highest, ", the first stages that have a local rule").c_str(), stages);
  expect(chosen.epochs > 0, "learn_locally: epochs", "at least 1", chosen.epochs);
  expect(options.local_rate > 0, "learn_locally: local_rate of the trainer", "above 0", options.local_rate);
  check_data<Model>("learn_locally", "data", data);
  check_supervision<Model>("learn_locally", "data", data);

  const auto start = std::chrono::steady_clock::now();
  const data::batch_part part = data::detail::part_of(model.ranks());
  data::loader<scalar, Data> batches(data, options.batch, options.seed, true, part);
  const bool pixels = !Model::backend_type::memory::host_accessible && batches.gives_pixels() && factors.empty();
  const auto stopped = [&] { return on_any_rank(model.ranks(), stop.load(std::memory_order_relaxed)); };
  local_report result;
  const auto run = [&](std::size_t first, std::size_t boundary) {
    model.prepare({.batch = part.largest(options.batch),
                   .lowest_boundary = boundary,
                   .highest_boundary = boundary,
                   .pixels = pixels,
                   .samples = data.size(),
                   .normalization = options.normalization});
    for (std::size_t epoch = 0; epoch < chosen.epochs; ++epoch) {
      std::vector<std::vector<scalar>> earlier;
      for (std::size_t stage = first; stage < boundary; ++stage) earlier.push_back(weights_of_stage(model, stage));
      std::size_t step = 0;
      for (; step < batches.steps() && !stopped(); ++step) {
        const auto batch = pixels ? batches.get_pixels(epoch, step) : batches.get(epoch, step);
        step_options values;
        values.boundary = boundary;
        values.local_rate = options.local_rate;
        values.normalization = options.normalization;
        values.step = std::uint64_t{epoch} * batches.steps() + step;
        if (chosen.gain) {
          values.gain =
              chosen.gain(static_cast<double>(values.step) / static_cast<double>(chosen.epochs * batches.steps()));
          expect(is_finite(values.gain), "learn_locally: gain", "a finite number", values.gain);
        }
        values.modulator = factors.factors(batch);
        values.labels = batch.labels;
        values.indices = batch.indices;
        values.classes = data.classes();
        values.resting = first;
        values.prefix_only = true;
        model.forward(batch, values);
        ++result.updates;
      }
      if (step == 0) return;  // stopped before the first step
      std::vector<double>& changes = result.changes.emplace_back(boundary, std::numeric_limits<double>::quiet_NaN());
      for (std::size_t stage = first; stage < boundary; ++stage) {
        changes[stage] = relative_change(earlier[stage - first], weights_of_stage(model, stage));
        if (!is_finite(changes[stage]))
          throw divergence_error("a rule made a weight that is not finite", stage, epoch, step - 1);
      }
    }
  };
  if (chosen.order == local_order::together) {
    run(0, stages);
  } else {
    for (std::size_t stage = 0; stage < stages && !stopped(); ++stage) run(stage, stage + 1);
  }
  result.end = stopped() ? ending::stopped : ending::finished;
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace detail

}  // namespace localis
