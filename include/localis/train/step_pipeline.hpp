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
#include <localis/supervision/supervision.hpp>

namespace localis {

/// What one training step leaves behind.
template <std::size_t Stages>
struct step_record {
  double loss = 0;  ///< mean
  double correct = 0;
  double gain = 1;                             ///< of supervision, as it was in this step
  std::array<double, Stages> gains{};          ///< by stage
  std::array<double, Stages> local_change{};   ///< sum of squares of the local update of each stage's weights
  std::array<double, Stages> clips{};          ///< weight rows whose scale was negative, so far
  std::array<double, Stages> change{};         ///< sum of squares of the gradient step, of all parameters
  std::array<double, Stages> weight_change{};  ///< of weight matrices alone
};

namespace kernel {

/// The gain of a step, from the losses of those before.
template <class T, class Supervision, std::size_t Stages>
struct open_step {
  Supervision policy;
  const typename Supervision::state* seen;
  T* gains;
  step_record<Stages>* record;

  constexpr void operator()(std::size_t) const {
    record->gain = policy.gain(*seen);
    for (std::size_t stage = 0; stage < Stages; ++stage) {
      record->gains[stage] = supervision::stage_gain(policy, *seen, stage);
      gains[stage] = static_cast<T>(record->gains[stage]);
    }
  }
};

/// What the forward pass and the loss leave.
template <std::size_t Stages>
struct close_forward {
  const double* loss_sums;  ///< sum of losses, hits
  std::size_t samples;
  const double* const* tallies;  ///< by local layer: sum of squares of its last update, clips
  const std::uint32_t* stages;   ///< by local layer
  std::size_t layers;
  step_record<Stages>* record;

  constexpr void operator()(std::size_t) const {
    record->loss = loss_sums[0] / static_cast<double>(samples);
    record->correct = loss_sums[1];
    for (std::size_t stage = 0; stage < Stages; ++stage) record->local_change[stage] = record->clips[stage] = 0;
    for (std::size_t i = 0; i < layers; ++i) {
      record->local_change[stages[i]] += tallies[i][0];
      record->clips[stages[i]] += tallies[i][1];
    }
  }
};

/// What the gradient step leaves; supervision sees the loss, unless it is not finite.
template <class Supervision, std::size_t Stages>
struct close_step {
  Supervision policy;
  typename Supervision::state* seen;
  const double* totals;          ///< by parameter: sum of squares of what the step added
  const std::uint32_t* stages;   ///< by parameter
  const std::uint32_t* weights;  ///< by parameter: 1 for weight matrices
  std::size_t first;             ///< parameter that took part; those before did not
  std::size_t parameters;
  step_record<Stages>* record;

  constexpr void operator()(std::size_t) const {
    for (std::size_t stage = 0; stage < Stages; ++stage) record->change[stage] = record->weight_change[stage] = 0;
    for (std::size_t i = first; i < parameters; ++i) {
      record->change[stages[i]] += totals[i];
      if (weights[i] != 0) record->weight_change[stages[i]] += totals[i];
    }
    if (seen != nullptr && is_finite(record->loss)) policy.observe(*seen, record->loss);
  }
};

}  // namespace kernel

namespace detail {

/// In a kernel's place for a supervision that is asked on the host.
struct nobody {
  struct state {};
  constexpr void observe(state&, double) const {}
};

}  // namespace detail

/// The records of the steps under way, written in the backend's memory and read when they have arrived: a step need not
/// wait for the one before. A supervision policy that is trivially copyable runs there, too; any other is asked on the
/// host, which then waits for each loss.
template <class Model, class Supervision>
class step_pipeline {
  static_assert(supervision::check_calls<Supervision>());

 public:
  using record = step_record<Model::stages>;
  static constexpr bool supervises = std::is_trivially_copyable_v<Supervision>;
  /// Whether a record can be read while its step goes on.
  static constexpr bool immediate = Model::backend_type::memory::host_accessible;
  /// Steps that may be under way.
  static constexpr std::size_t depth = immediate || !supervises ? 1 : 8;

  template <class Descent>
  step_pipeline(Model& trained, const Descent& descent) : model_(trained) {
    auto& backend = trained.backend();
    part_stages_ = place(descent.part_stages());
    part_weights_ = place(descent.part_weights());
    records_ = backend.template allocate<record>(memory_kind::parameters, depth);
    seen_ = backend.template allocate<state>(memory_kind::parameters, 1);
    for (std::size_t i = 0; i < depth; ++i) boxes_.push_back(backend.template make_readback<record>(1));
  }

  /// Before the first step: forgets all records, and finds the layers' tallies, which may have moved. `seen`: what
  /// supervision has seen so far.
  void start(const typename Supervision::state& seen = {}) {
    std::vector<const double*> tallies;
    std::vector<std::uint32_t> stages;
    model_.for_each_layer([&](const operation& op, const auto& layer) {
      if constexpr (requires { layer.update_statistics(); }) {
        if (layer.update_statistics() == nullptr) return;
        tallies.push_back(layer.update_statistics());
        stages.push_back(static_cast<std::uint32_t>(op.stage));
      }
    });
    update_statistics_ = place(tallies);
    statistics_stages_ = place(stages);
    model_.backend().upload(std::span<const state>(&seen, 1), seen_.data());
    opened_ = read_ = 0;
  }
  /// What supervision has seen, where it runs in the backend's memory.
  [[nodiscard]] typename Supervision::state seen() const {
    state result{};
    model_.backend().download(static_cast<const state*>(seen_.data()), std::span<state>(&result, 1));
    return result;
  }

  /// A step's gains, to where the model takes them from (pass::gains_are_set).
  void open(const Supervision& policy) requires supervises {
    model_.backend().for_rows(1, 1,
                              kernel::open_step<typename Model::scalar, Supervision, Model::stages>{
                                  policy, seen_.data(), model_.gains(), slot()});
  }
  void close_forward(std::size_t samples) {
    model_.backend().for_rows(
        1, 1,
        kernel::close_forward<Model::stages>{model_.loss_sums(), samples, update_statistics_.data(),
                                             statistics_stages_.data(), update_statistics_.size(), slot()});
  }
  template <class Descent>
  void close_step([[maybe_unused]] const Supervision& policy, const Descent& descent) {
    const auto close = [&]<class Policy>(const Policy& observer, typename Policy::state* seen) {
      model_.backend().for_rows(1, 1,
                                kernel::close_step<Policy, Model::stages>{
                                    observer, seen, descent.totals(), part_stages_.data(), part_weights_.data(),
                                    descent.first_part(), part_stages_.size(), slot()});
    };
    if constexpr (supervises) {
      close(policy, seen_.data());
    } else {
      close(detail::nobody{}, static_cast<detail::nobody::state*>(nullptr));
    }
    boxes_[opened_ % depth].post(slot());
    ++opened_;
  }

  /// The record of the step that is open.
  [[nodiscard]] const record& now() const requires immediate { return *slot(); }

  [[nodiscard]] std::size_t in_flight() const { return opened_ - read_; }
  [[nodiscard]] bool full() const { return in_flight() == depth; }
  /// Of the oldest step under way.
  [[nodiscard]] bool ready() const { return boxes_[read_ % depth].ready(); }
  [[nodiscard]] record read() { return boxes_[read_++ % depth].read()[0]; }

 private:
  using state = typename Supervision::state;
  template <class T>
  using array_of = typename Model::backend_type::template array<T>;
  using readback = decltype(std::declval<Model&>().backend().template make_readback<record>(1));

  template <class T>
  array_of<T> place(const std::vector<T>& host) {
    array_of<T> array = model_.backend().template allocate<T>(memory_kind::parameters, host.size());
    model_.backend().upload(std::span<const T>(host), array.data());
    return array;
  }
  [[nodiscard]] record* slot() const { return records_.data() + opened_ % depth; }

  Model& model_;
  array_of<const double*> update_statistics_;
  array_of<std::uint32_t> statistics_stages_;
  array_of<std::uint32_t> part_stages_;
  array_of<std::uint32_t> part_weights_;
  array_of<record> records_;
  array_of<state> seen_;
  std::vector<readback> boxes_;
  std::size_t opened_ = 0;
  std::size_t read_ = 0;
};

}  // namespace localis
