#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <deque>
#include <functional>
#include <utility>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/core/operation.hpp>
#include <localis/model/step_options.hpp>
#include <localis/supervision/supervision.hpp>
#include <localis/train/step_pipeline.hpp>
#include <localis/train/step_settings.hpp>

namespace localis::detail {

/// One finished training step: its settings and its record.
template <std::size_t Stages>
struct finished_step {
  step_settings<Stages> settings;
  step_record<Stages> record;
  double gain = 0;

  /// The Frobenius norm of the gradient step of a stage's weights, divided by the stage's rate. The rate must be > 0.
  [[nodiscard]] double update_norm(std::size_t stage) const {
    return std::sqrt(record.weight_change[stage]) / rate(stage);
  }
  [[nodiscard]] double rate(std::size_t stage) const { return settings.rate * settings.factors[stage]; }
};

/// The training steps that have been started and whose records have not yet been read, oldest first, with the
/// supervision that sees their losses. On a GPU a step is launched while earlier ones still run; on the host each step
/// is retired before the next one starts.
///
/// One step consists of these calls, in this order: open(), push(), the passes and the loss, close_forward(), the
/// gradient step, close(); and later retire(). Errors: config_error for a gain that is not
/// finite, and divergence_error for a loss, a local update or a weight that is not finite.
template <class Model, class Supervision>
class steps_in_flight {
 public:
  static constexpr std::size_t stages = Model::stages;
  using settings = step_settings<stages>;
  using pipeline = step_pipeline<Model, Supervision>;
  using record = typename pipeline::record;
  using supervision_state = typename Supervision::state;

  template <class Descent>
  steps_in_flight(Model& trained, const Descent& descent, const Supervision& policy)
      : model_(trained), supervision_(policy), pipeline_(trained, descent) {}

  /// Sets what replaces the record of each step by one that all ranks have; empty if they have the same anyway.
  void share_records(std::function<void(record&)> share) { share_record_ = std::move(share); }
  /// Begins a run, in which supervision continues from `state`.
  void start(const supervision_state& state) {
    steps_.clear();
    clips_at_start_ = clips_ = model_.read_update_statistics().clips;
    state_ = state;
    pipeline_.start(state);
  }
  /// Begins an epoch, or continues one that has had `clips` clipped rows.
  void start_epoch(std::size_t clips) { clips_before_epoch_ = total_clips() - static_cast<double>(clips); }

  [[nodiscard]] bool empty() const { return steps_.empty(); }
  [[nodiscard]] std::size_t size() const { return steps_.size(); }
  /// Drops all steps, including one that failed halfway.
  void clear() { steps_.clear(); }

  /// Sets the gains of the next step. May be called more than once before push().
  void open(settings& step, step_options& options) {
    if constexpr (pipeline::supervises) {
      pipeline_.open(supervision_);
      if constexpr (pipeline::immediate) check_gains(pipeline_.open_record().gains);
      options.gains_are_set = true;
    } else {
      for (std::size_t stage = 0; stage < stages; ++stage) {
        stage_gains_[stage] = supervision::stage_gain(supervision_, state_, stage);
        check_gain(stage, stage_gains_[stage]);
      }
      step.gain = supervision_.gain(state_);
      options.stage_gains = stage_gains_;
    }
  }
  /// Adds a step; from here on it counts as in flight, even if it fails.
  void push(const settings& step) { steps_.push_back(step); }
  /// Completes the first half of a step. On the host, a divergence is found here, before a weight learns from the loss,
  /// unless ranks must share the record first.
  void close_forward() {
    const settings& step = steps_.back();
    pipeline_.close_forward(step.labelled);
    if constexpr (pipeline::immediate) {
      if (!share_record_) check_forward(pipeline_.open_record(), step);
    }
  }
  template <class Descent>
  void close(const Descent& descent) {
    pipeline_.close_step(supervision_, descent);
  }

  /// Whether the oldest step can be retired without waiting, or must be retired before another step starts. On several
  /// ranks only the latter, since a record arrives at another moment on each, and they must agree on what was found.
  [[nodiscard]] bool must_retire() const {
    return !empty() && (pipeline_.full() || (model_.ranks() == nullptr && pipeline_.ready()));
  }
  /// Reads the record of the oldest step, checks it, and shows its loss to supervision unless no sample
  /// was labelled.
  finished_step<stages> retire() {
    finished_step<stages> done;
    done.settings = steps_.front();
    done.record = pipeline_.read();
    if (share_record_) share_record_(done.record);
    check_forward(done.record, done.settings);
    done.gain = pipeline::supervises ? done.record.gain : done.settings.gain;
    for (std::size_t stage = done.settings.first_gradient_stage(); stage < stages; ++stage) {
      if (!is_finite(done.record.change[stage])) {
        throw divergence_error("a weight is not finite", stage, done.settings.epoch, done.settings.step);
      }
    }
    if constexpr (!pipeline::supervises) {
      if (done.settings.labelled > 0) supervision_.observe(state_, done.record.loss);
    }
    clips_ = done.record.clips;
    steps_.pop_front();
    return done;
  }

  /// The state of supervision after the retired steps. No step may be in flight.
  [[nodiscard]] supervision_state seen() const {
    if constexpr (pipeline::supervises) {
      return pipeline_.state();
    } else {
      return state_;
    }
  }
  /// The number of weight rows in this epoch whose scale 1 - eta c was negative.
  [[nodiscard]] std::size_t clips_of_epoch() const {
    return static_cast<std::size_t>(total_clips() - clips_before_epoch_);
  }

 private:
  /// The rule of a stage's first trainable layer.
  [[nodiscard]] static const char* rule_of(std::size_t stage) {
    for (const operation& op : Model::operations()) {
      if (op.trainable() && op.stage == stage) return op.rule;
    }
    return "";
  }

  void check_forward(const record& values, const settings& step) const {
    if constexpr (pipeline::supervises) check_gains(values.gains);
    if (step.local_rate > 0) {
      for (std::size_t stage = 0; stage < step.boundary; ++stage) check_local_update(stage, values, step);
    }
    if (step.labelled > 0 && !is_finite(values.loss)) {
      throw divergence_error(is_nan(values.loss) ? "the loss is NaN" : "the loss is infinite", stages - 1, step.epoch,
                             step.step);
    }
  }
  void check_local_update(std::size_t stage, const record& values, const settings& step) const {
    if (!is_finite(values.local_change[stage])) {
      throw divergence_error(text("rule ", rule_of(stage), " made a weight that is not finite"), stage, step.epoch,
                             step.step);
    }
    if (model_.fails_on_clips()[stage] && values.clips[stage] > clips_at_start_[stage]) {
      throw divergence_error(text("a step of rule ", rule_of(stage), " would turn a weight row around (1 - eta c < 0)"),
                             stage, step.epoch, step.step);
    }
  }
  static void check_gains(const std::array<double, stages>& gains) {
    for (std::size_t stage = 0; stage < stages; ++stage) check_gain(stage, gains[stage]);
  }
  static void check_gain(std::size_t stage, double gain) {
    if (is_finite(gain)) return;
    throw config_error(text("supervision: gain of stage ", stage, ": expected a finite number, found ", gain));
  }
  [[nodiscard]] double total_clips() const {
    double sum = 0;
    for (const double clips : clips_) sum += clips;
    return sum;
  }

  Model& model_;
  Supervision supervision_;
  supervision_state state_{};  ///< state of a supervision that runs on the host
  pipeline pipeline_;
  std::function<void(record&)> share_record_;
  std::deque<settings> steps_;  ///< oldest first
  std::array<double, stages> stage_gains_{};
  std::array<double, stages> clips_at_start_{};  ///< rows clipped before this run, by stage
  std::array<double, stages> clips_{};           ///< rows clipped up to the last retired step, by stage
  double clips_before_epoch_ = 0;
};

}  // namespace localis::detail
