#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <localis/core/error.hpp>
#include <localis/core/operation.hpp>
#include <localis/train/run_state.hpp>
#include <localis/train/value_text.hpp>

namespace localis {

/// A training run between two steps, complete and on the host: weights, statistics, the states of rules, optimizers and
/// supervision, and the report. io/checkpoint.hpp writes it to a file.
///
///   const auto before = store(trainer);      // in a callback of trainer.on_pause(), or after fit()
///   restore(trainer, before);                // the next fit() continues from there
template <class T>
struct stored_run {
  // These must be equal in the trainer that continues the run.
  std::string scalar;
  std::size_t batch = 0;
  std::uint64_t seed = 0;            ///< seed of the order of samples
  std::uint64_t model_seed = 0;      ///< seed of dropout
  std::vector<std::string> network;  ///< one line for each operation, with the values of its rule

  std::string arithmetic;  ///< of the backend; another one changes the last digits of what follows
  run_state state;
  std::vector<std::size_t> updates;  ///< number of steps of the optimizer, by trainable parameter
  std::vector<std::size_t> counts;   ///< numbers of updates that rules and their optimizers have made
  std::map<std::string, std::vector<T>> arrays;
};

namespace detail {

inline constexpr const char* errors_name = "errors";
inline std::string optimizer_name(std::size_t index) { return text("optimizer.", index); }

/// Calls f(name, values in the backend's memory, number of values) for every array of a model.
template <class Model, class F>
void for_each_stored(Model& model, const F& f) {
  const operation* first = Model::operations().data();
  std::map<std::string, std::size_t> seen;
  const auto name = [&](const char* kind, const operation& op, const char* array) {
    const std::string plain = text(kind, '.', &op - first, '.', op.name, '.', array);
    const std::size_t earlier = seen[plain]++;
    return earlier == 0 ? plain : text(plain, '.', earlier);
  };
  model.for_each_parameter(
      [&](const operation& op, const auto& p) { f(name("model", op, p.name), p.value, p.size()); });
  model.for_each_state([&](const operation& op, const auto& p) { f(name("state", op, p.name), p.value, p.size()); });
}

/// The run-time values of a layer as text: those of its rule and the rule's policies, or its own.
template <class Layer>
[[nodiscard]] std::string values_of(Layer& layer) {
  std::string values;
  const auto add = [&values](const auto& value) { append_value(values, value); };
  if constexpr (requires { layer.local(); }) add(layer.local());
  if constexpr (requires { layer.function; }) add(layer.function);
  if constexpr (requires { layer.rate; }) add(layer.rate);
  if constexpr (requires { layer.momentum; }) add(layer.momentum);
  if constexpr (requires { layer.epsilon; }) add(layer.epsilon);
  if constexpr (requires { layer.sharpness; }) add(layer.sharpness);
  if constexpr (requires { layer.power; }) add(layer.power);
  return values.empty() ? values : ", values" + values;
}

/// The members of stored_run by which a trainer's run is recognized.
template <class Trainer>
[[nodiscard]] auto identity(const Trainer& trainer) {
  using scalar = typename Trainer::scalar;
  stored_run<scalar> result;
  result.scalar = std::is_same_v<scalar, float> ? "float" : "double";
  result.batch = trainer.options().batch;
  result.seed = trainer.options().seed;
  result.model_seed = trainer.model().options().seed;
  result.arithmetic = trainer.model().backend().arithmetic();
  trainer.model().for_each_layer([&](const operation& op, auto& layer) {
    result.network.push_back(text(op.name, *op.rule == '\0' ? "" : " by ", op.rule, ", stage ", op.stage, ", ", op.in,
                                  " to ", op.out, ", window ", op.field.height, 'x', op.field.width, '/',
                                  op.field.stride, '+', op.field.padding, '*', op.field.dilation, ", ", op.groups,
                                  op.groups == 1 ? " group, " : " groups, ", op.parameters, " parameters",
                                  values_of(layer)));
  });
  return result;
}
template <class T>
void check_identity(const stored_run<T>& expected, const stored_run<T>& found) {
  const auto same = [](const std::string& what, const auto& one, const auto& other) {
    if (one != other) throw checkpoint_error(text(what, ": expected ", one, ", found ", other));
  };
  same("scalar", expected.scalar, found.scalar);
  same("batch", expected.batch, found.batch);
  same("seed", expected.seed, found.seed);
  same("model's seed", expected.model_seed, found.model_seed);
  for (std::size_t i = 0; i < (std::max)(expected.network.size(), found.network.size()); ++i) {
    const auto line = [i](const stored_run<T>& run) { return i < run.network.size() ? run.network[i] : "none"; };
    same(text("operation ", i, " of the network"), line(expected), line(found));
  }
}

}  // namespace detail

/// Copies the state of a trainer, its model and its optimizer. Errors: config_error while steps are in flight.
template <class Trainer>
[[nodiscard]] stored_run<typename Trainer::scalar> store(const Trainer& trainer) {
  using scalar = typename Trainer::scalar;
  auto& model = trainer.model();
  stored_run<scalar> result = detail::identity(trainer);
  result.state = trainer.state();
  result.updates = trainer.descent().updates();
  for (const std::size_t* count : model.counts()) result.counts.push_back(*count);
  const auto keep = [&](const std::string& name, const scalar* values, std::size_t size) {
    std::vector<scalar>& host = result.arrays[name];
    host.resize(size);
    model.backend().download(values, std::span<scalar>(host));
  };
  detail::for_each_stored(model, keep);
  const std::span<const scalar> errors = model.remembered_errors();
  if (!errors.empty()) keep(detail::errors_name, errors.data(), errors.size());
  for (std::size_t i = 0; i < result.updates.size(); ++i) {
    const std::span<const scalar> state = trainer.descent().state(i);
    if (!state.empty()) keep(detail::optimizer_name(i), state.data(), state.size());
  }
  return result;
}

/// Puts model, optimizer and trainer back into a stored state, from which the next fit() continues. Scalar, batch,
/// seeds, the network and the values of its rules and layers (a rule's decay, a dropout's rate) must be those of the
/// stored run; change them afterwards if they are to change. Other options, and the trainer's policies, are those of
/// this trainer. Nothing changes unless everything fits. Errors: checkpoint_error that says what differs.
template <class Trainer>
void restore(Trainer& trainer, const stored_run<typename Trainer::scalar>& run) {
  using scalar = typename Trainer::scalar;
  auto& model = trainer.model();
  detail::check_identity(detail::identity(trainer), run);
  std::size_t known = 0;
  const auto find = [&](const std::string& name) -> const std::vector<scalar>* {
    const auto found = run.arrays.find(name);
    if (found == run.arrays.end()) return nullptr;
    ++known;
    return &found->second;
  };
  std::vector<std::pair<scalar*, const std::vector<scalar>*>> arrays;
  detail::for_each_stored(model, [&](const std::string& name, scalar* own, std::size_t size) {
    const std::vector<scalar>* values = find(name);
    if (values == nullptr || values->size() != size) {
      throw checkpoint_error(text("array \"", name, "\": expected ", size, " values, found ",
                                  values == nullptr ? "none" : text(values->size())));
    }
    arrays.emplace_back(own, values);
  });
  const std::vector<scalar>* errors =
      std::remove_reference_t<decltype(model)>::remembers_errors ? find(detail::errors_name) : nullptr;
  if (errors != nullptr && errors->size() % trainer.model().outputs != 0) {
    throw checkpoint_error(text("array \"errors\": expected rows of ", trainer.model().outputs, " values, found ",
                                errors->size(), " values"));
  }
  std::vector<std::vector<scalar>> states(run.updates.size());
  for (std::size_t i = 0; i < states.size(); ++i) {
    if (const std::vector<scalar>* values = find(detail::optimizer_name(i))) states[i] = *values;
  }
  const std::vector<std::size_t*> counts = model.counts();
  const auto expect_count = [](const char* what, std::size_t expected, std::size_t found) {
    if (expected != found) throw checkpoint_error(text(what, ": expected ", expected, ", found ", found));
  };
  expect_count("arrays", known, run.arrays.size());
  expect_count("counts of rules", counts.size(), run.counts.size());
  try {
    trainer.check_state(run.state);
    trainer.descent().check_state(run.updates, states);
  } catch (const error& failure) {
    throw checkpoint_error(failure.what());
  }

  // The allocations come first: if memory runs out, nothing has changed.
  run_state state = run.state;
  if (errors != nullptr) model.remember_samples(errors->size() / trainer.model().outputs);
  trainer.descent().restore(run.updates, states);
  trainer.restore(std::move(state));
  for (std::size_t i = 0; i < counts.size(); ++i) *counts[i] = run.counts[i];
  for (const auto& [own, values] : arrays) model.backend().upload(std::span<const scalar>(*values), own);
  if (errors != nullptr) model.backend().upload(std::span<const scalar>(*errors), model.remembered_errors().data());
}

}  // namespace localis
