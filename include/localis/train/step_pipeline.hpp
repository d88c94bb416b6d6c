#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <localis/core/finite.hpp>
#include <localis/core/memory.hpp>
#include <localis/core/operation.hpp>
#include <localis/kernel/loss.hpp>
#include <localis/supervision/supervision.hpp>

namespace localis {

/// The numbers that one training step leaves behind, from which the trainer reports the step and detects a divergence.
template <std::size_t Stages>
struct step_record {
  double loss = 0;                             ///< mean over the labelled samples of the batch; NaN without any
  double correct = 0;                          ///< number of samples whose largest output is their label
  double gain = 1;                             ///< supervision's gain in this step
  std::array<double, Stages> gains{};          ///< supervision's gain for each stage
  std::array<double, Stages> local_change{};   ///< by stage: sum of squares of the local update of its weights
  std::array<double, Stages> clips{};          ///< by stage: number of weight rows so far whose scale was negative
  std::array<double, Stages> change{};         ///< by stage: sum of squares of the gradient step, of all parameters
  std::array<double, Stages> weight_change{};  ///< by stage: the part of `change` that belongs to weight matrices
};

namespace kernel {

/// Begins the record of a step with the gains that supervision derives from the losses of earlier steps.
template <class T, class Supervision, std::size_t Stages>
struct open_step {
  Supervision policy;
  const typename Supervision::state* state;
  T* gains;  ///< by stage
  step_record<Stages>* record;

  constexpr void operator()(std::size_t) const {
    record->gain = policy.gain(*state);
    for (std::size_t stage = 0; stage < Stages; ++stage) {
      record->gains[stage] = supervision::stage_gain(policy, *state, stage);
      gains[stage] = static_cast<T>(record->gains[stage]);
    }
  }
};

/// Writes the results of the forward pass and of the loss into the record of a step, those of one stage in a call; the
/// first call also writes those of the whole step.
template <std::size_t Stages>
struct close_forward {
  const double* loss_sums;                 ///< the sum of the losses, and the number of correct samples
  std::size_t labelled;                    ///< number of labelled samples
  const double* const* update_statistics;  ///< by local layer: sum of squares of its last update, and clipped rows
  const std::uint32_t* stages;             ///< by local layer
  std::size_t layers;                      ///< number of local layers
  step_record<Stages>* record;

  constexpr void operator()(std::size_t stage) const {
    if (stage == 0) {
      record->loss = mean_loss(loss_sums[0], labelled);
      record->correct = loss_sums[1];
    }
    double change = 0;
    double clips = 0;
    for (std::size_t i = 0; i < layers; ++i) {
      if (stages[i] != stage) continue;
      change += update_statistics[i][0];
      clips += update_statistics[i][1];
    }
    record->local_change[stage] = change;
    record->clips[stage] = clips;
  }
};

/// Writes the results of the gradient step into the record of a step, those of one stage in a call. The first call
/// shows the loss to supervision if it is finite.
template <class Supervision, std::size_t Stages>
struct close_step {
  close_forward<Stages> forward;
  bool includes_forward;  ///< whether `forward` has not run before
  Supervision policy;
  typename Supervision::state* state;  ///< null if supervision runs on the host
  const double* totals;                ///< by parameter: sum of squares of its change in the step
  const std::uint32_t* stages;         ///< by parameter
  const std::uint32_t* weights;        ///< by parameter: 1 for weight matrices, else 0
  std::size_t first;                   ///< the first parameter that took part
  std::size_t parameters;
  step_record<Stages>* record;

  constexpr void operator()(std::size_t stage) const {
    if (includes_forward) forward(stage);
    double all = 0;
    double weight = 0;
    for (std::size_t i = first; i < parameters; ++i) {
      if (stages[i] != stage) continue;
      all += totals[i];
      if (weights[i] != 0) weight += totals[i];
    }
    record->change[stage] = all;
    record->weight_change[stage] = weight;
    if (stage == 0 && state != nullptr && is_finite(record->loss)) policy.observe(*state, record->loss);
  }
};

}  // namespace kernel

namespace detail {

/// Stands in a kernel for a supervision that runs on the host.
struct host_supervision {
  struct state {};
  constexpr void observe(state&, double) const {}
};

}  // namespace detail

/// The records of the training steps in flight. They are written in the backend's memory and read when they have
/// arrived, so that a step never waits for the one before it. A supervision policy that is trivially copyable runs in
/// the backend too; any other runs on the host, which then waits for the loss of each step.
template <class Model, class Supervision>
class step_pipeline {
  static_assert(supervision::check_calls<Supervision>());

 public:
  using record = step_record<Model::stages>;
  using supervision_state = typename Supervision::state;
  /// Whether supervision runs in the backend.
  static constexpr bool supervises = std::is_trivially_copyable_v<Supervision>;
  /// Whether the host can read a record while its step is in flight.
  static constexpr bool immediate = Model::backend_type::memory::host_accessible;
  /// The largest number of steps in flight.
  static constexpr std::size_t depth = immediate || !supervises ? 1 : 8;

  template <class Descent>
  [[gnu::cold]] step_pipeline(Model& trained, const Descent& descent) : model_(trained) {
    auto& backend = trained.backend();
    parameter_stages_ = upload_array(descent.part_stages());
    parameter_is_weight_ = upload_array(descent.part_weights());
    records_ = backend.template allocate<record>(memory_kind::parameters, depth);
    state_ = backend.template allocate<supervision_state>(memory_kind::parameters, 1);
    for (std::size_t i = 0; i < depth; ++i) readbacks_.push_back(backend.template make_readback<record>(1));
  }

  /// Drops all records, and looks up the update statistics of the layers, which may have moved. Call it before the
  /// first step of a run. Supervision continues from `state`.
  [[gnu::cold]] void start(const supervision_state& state = {}) {
    std::vector<const double*> statistics;
    std::vector<std::uint32_t> stages;
    model_.for_each_layer([&](const operation& op, const auto& layer) {
      if constexpr (requires { layer.update_statistics(); }) {
        if (layer.update_statistics() == nullptr) return;
        statistics.push_back(layer.update_statistics());
        stages.push_back(static_cast<std::uint32_t>(op.stage));
      }
    });
    update_statistics_ = upload_array(statistics);
    statistics_stages_ = upload_array(stages);
    model_.backend().upload(std::span<const supervision_state>(&state, 1), state_.data());
    opened_ = read_ = 0;
  }
  /// Returns the state of a supervision that runs in the backend, after waiting for all steps.
  [[nodiscard]] supervision_state state() const {
    supervision_state result{};
    model_.backend().download(static_cast<const supervision_state*>(state_.data()),
                              std::span<supervision_state>(&result, 1));
    return result;
  }

  /// Begins a step: writes its gains to model::gains(), where local updates read them (step_options::gains_are_set).
  void open(const Supervision& policy) requires supervises {
    model_.backend().for_rows(1, 1,
                              kernel::open_step<typename Model::scalar, Supervision, Model::stages>{
                                  policy, state_.data(), model_.gains(), slot()});
  }
  /// Completes the first half of the record, after the forward pass and the loss: at once if the host reads it then.
  void close_forward(std::size_t labelled) {
    forward_ = {model_.loss_sums(),        labelled, update_statistics_.data(), statistics_stages_.data(),
                update_statistics_.size(), slot()};
    if constexpr (immediate) model_.backend().for_rows(Model::stages, 1, forward_);
  }
  /// Completes the record, after the gradient step, and starts its copy to the host.
  template <class Descent>
  void close_step([[maybe_unused]] const Supervision& policy, const Descent& descent) {
    const auto close = [&]<class Policy>(const Policy& observer, typename Policy::state* state) {
      model_.backend().for_rows(
          Model::stages, 1,
          kernel::close_step<Policy, Model::stages>{forward_, !immediate, observer, state, descent.totals(),
                                                    parameter_stages_.data(), parameter_is_weight_.data(),
                                                    descent.first_part(), parameter_stages_.size(), slot()});
    };
    if constexpr (supervises) {
      close(policy, state_.data());
    } else {
      close(detail::host_supervision{}, static_cast<detail::host_supervision::state*>(nullptr));
    }
    readbacks_[opened_ % depth].download_async(slot());
    ++opened_;
  }

  /// The record of the step that is open.
  [[nodiscard]] const record& open_record() const requires immediate { return *slot(); }

  /// The number of steps that are closed and whose records have not been read yet.
  [[nodiscard]] std::size_t in_flight() const { return opened_ - read_; }
  [[nodiscard]] bool full() const { return in_flight() == depth; }
  /// Whether the record of the oldest step has arrived.
  [[nodiscard]] bool ready() const { return readbacks_[read_ % depth].ready(); }
  /// Returns the record of the oldest step, after waiting until it has arrived.
  [[nodiscard]] record read() { return readbacks_[read_++ % depth].read()[0]; }

 private:
  template <class T>
  using array_of = typename Model::backend_type::template array<T>;
  using readback = decltype(std::declval<Model&>().backend().template make_readback<record>(1));

  template <class T>
  [[gnu::cold]] array_of<T> upload_array(const std::vector<T>& host) {
    array_of<T> array = model_.backend().template allocate<T>(memory_kind::parameters, host.size());
    model_.backend().upload(std::span<const T>(host), array.data());
    return array;
  }
  [[nodiscard]] record* slot() const { return records_.data() + opened_ % depth; }

  Model& model_;
  array_of<const double*> update_statistics_;
  array_of<std::uint32_t> statistics_stages_;
  array_of<std::uint32_t> parameter_stages_;
  array_of<std::uint32_t> parameter_is_weight_;
  kernel::close_forward<Model::stages> forward_{};  ///< of the open step
  array_of<record> records_;
  array_of<supervision_state> state_;
  std::vector<readback> readbacks_;
  std::size_t opened_ = 0;
  std::size_t read_ = 0;
};

}  // namespace localis
