#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <localis/core/error.hpp>
#include <localis/core/operation.hpp>
#include <localis/data/concept.hpp>
#include <localis/data/loader.hpp>
#include <localis/loss/loss.hpp>
#include <localis/model/evaluate.hpp>
#include <localis/train/train_options.hpp>

namespace localis::detail {

/// Checks the data of a run. Errors: shape_error and config_error for data from which the network cannot learn,
///         or with which it cannot be validated.
template <class Model, class Data>
void check_learnable(const char* name, const Data& data) {
  check_data<Model>("trainer", name, data);
  check_goals("trainer", name, data);
}

/// Checks that data has the classes from which supervised rules learn. `caller` and `name` begin the message. Errors:
/// config_error.
template <class Model, class Data>
void check_supervision(const char* caller, const char* name, const Data& data) {
  if (data.classes() > 0) return;
  for (const operation& op : Model::operations()) {
    if (!op.has_local_loss || op.learning != local_learning::supervised) continue;
    throw config_error(text(caller, ": ", name, ": rule ", op.rule, " of stage ", op.stage,
                            ": expected classes to learn from, found none"));
  }
}

/// Checks that the features of frozen stages can be kept from one epoch to the next. Errors: config_error.
/// @param alone  whether there is one rank
template <class Data>
[[gnu::cold]] void check_cache(const train_options& options, const Data& train, bool alone) {
  expect(options.local_rate == 0, "trainer: local_rate", "0 with cache_bytes, which keeps what frozen stages give",
         options.local_rate);
  if (options.normalization != prefix_normalization::frozen) {
    throw config_error(
        "trainer: normalization: expected frozen with cache_bytes, since other statistics differ from step to step, "
        "found another");
  }
  if (!alone) throw config_error("trainer: cache_bytes: expected 0 on several ranks, found more");
  if constexpr (data::dataset_with_epochs<Data>) {
    std::vector<float> first(data::shape_of(train).size());
    std::vector<float> second(first.size());
    for (std::size_t i = 0; i < (std::min<std::size_t>)(train.size(), 64); ++i) {
      (void)train.read(i, 0, std::span<float>(first));
      (void)train.read(i, 1, std::span<float>(second));
      if (first == second) continue;
      throw config_error(
          text("trainer: cache_bytes: expected training data that is the same in every epoch, found "
               "sample ",
               i, " changed in the second"));
    }
  }
}

/// Checks all arrays of a model and of its optimizer before a run changes them. The run begins at `epoch` and `step`.
/// Errors: divergence_error for an array that is not finite.
template <class Model, class Descent>
[[gnu::cold]] void check_weights(const Model& model, const Descent& descent, std::size_t epoch, std::size_t step) {
  using scalar = typename Model::scalar;
  const auto require_finite = [&](const char* what, const char* array, const operation& op,
                                  std::span<const scalar> values) {
    if (model.all_finite(values)) return;
    const auto index = static_cast<std::size_t>(&op - Model::operations().data());
    throw divergence_error(
        text(what, array, " of operation ", index, " (", op.name, ") was not finite before this run"), op.stage, epoch,
        step);
  };
  model.for_each_parameter([&](const operation& op, const auto& p) {
    require_finite("", p.name, op, {p.value, p.size()});
  });
  model.for_each_state([&](const operation& op, const auto& p) {
    require_finite("the rule's ", p.name, op, {p.value, p.size()});
  });
  std::size_t index = 0;
  model.for_each_parameter([&](const operation& op, const auto& p) {
    if (p.trainable()) require_finite("the optimizer's state for ", p.name, op, descent.state(index++));
  });
  const std::span<const scalar> errors = model.remembered_errors();
  require_finite("the remembered errors", "", Model::operations()[Model::size - 1], errors);
}

/// Looks for the cause of a divergence in the batch of its step. Returns a message that names the sample whose features
/// or targets are not finite, or an empty message.
template <class Scalar>
[[nodiscard]] std::string not_finite_sample(const data::batch_view<Scalar>& batch, std::size_t epoch,
                                            std::size_t step) {
  if (batch.size == 0) return {};
  const auto find = [&](const char* what, std::span<const Scalar> values) -> std::string {
    const std::size_t size = values.size() / batch.size;
    for (std::size_t n = 0; n < batch.size; ++n) {
      if (loss::all_finite(values.data() + n * size, size)) continue;
      return text("trainer: ", what, " of sample ", batch.indices[n],
                  " of the training data: expected finite numbers, found NaN or infinity (epoch ", epoch, ", step ",
                  step, ')');
    }
    return {};
  };
  const std::string features = find("features", batch.features);
  return features.empty() ? find("targets", batch.targets) : features;
}

}  // namespace localis::detail
