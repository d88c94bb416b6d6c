#pragma once

#include <cstddef>
#include <span>
#include <string>

#include <localis/core/error.hpp>
#include <localis/core/operation.hpp>
#include <localis/data/loader.hpp>
#include <localis/loss/loss.hpp>
#include <localis/model/evaluate.hpp>

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
