#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <exception>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/data/dataset.hpp>
#include <localis/data/loader.hpp>
#include <localis/learning_rate/constant.hpp>
#include <localis/learning_rate/learning_rate.hpp>
#include <localis/loss/loss.hpp>
#include <localis/loss/softmax_cross_entropy.hpp>
#include <localis/model/evaluate.hpp>
#include <localis/model/model.hpp>
#include <localis/optimizer/sgd.hpp>
#include <localis/scheduler/callable.hpp>
#include <localis/scheduler/scheduler.hpp>
#include <localis/supervision/supervision.hpp>
#include <localis/train/gradient_descent.hpp>
#include <localis/train/report.hpp>
#include <localis/train/run_state.hpp>
#include <localis/train/step_pipeline.hpp>
#include <localis/train/update_diagnostics.hpp>

namespace localis {

struct train_options {
  std::size_t epochs = 10;
  std::size_t batch = 64;
  double local_rate = 1e-3;  ///< of the rules before the boundary: eta, or with relative_step a share; 0 freezes them
  prefix_normalization normalization = prefix_normalization::running;
  std::uint64_t seed = 1;  ///< of the order of samples
};

/// After each step.
struct step_event {
  static constexpr const char* name = "step";
  [[nodiscard]] std::size_t number() const { return epoch * steps + step; }

  std::size_t epoch;
  std::size_t epochs;
  std::size_t step;
  std::size_t steps;  ///< of an epoch
  std::size_t boundary;
  double loss;
  double learning_rate;
  double gain;
  double seconds;       ///< training so far
  std::size_t samples;  ///< so far
};

/// visit(name, member) for each member, in order.
template <detail::kind_of<step_event> Event, class Visit>
void visit_members(Event& event, const Visit& visit) {
  visit("epoch", event.epoch);
  visit("epochs", event.epochs);
  visit("step", event.step);
  visit("steps", event.steps);
  visit("boundary", event.boundary);
  visit("loss", event.loss);
  visit("learning_rate", event.learning_rate);
  visit("gain", event.gain);
  visit("seconds", event.seconds);
  visit("samples", event.samples);
}

/// What update_diagnostics saw before a step.
struct diagnostics_event {
  std::size_t epoch;
  std::size_t step;
  std::span<const stage_diagnostics> stages;
};

/// Trains a model: for each batch the scheduler says where the boundary lies, the stages before it learn by their rules
/// while the batch passes, the others by gradient; supervision turns the loss into the gain of the next local step.
///
///   trainer t{model, scheduler::dynamic{}, supervision::loss_gain{}, {.epochs = 10}};
///   const report r = t.fit(train, validation);
///
/// A network may have more outputs than the data has classes: those beyond stay out of loss and accuracy.
/// The scheduler may be any callable of (epoch) or (epoch, step). Optimizer, learning rate and loss follow the options
/// where the defaults (sgd with momentum 0.9, constant 0.05, softmax_cross_entropy) are not wanted.
/// A process that is forked in a callback may train by a fit() of its own, and not go on with this one: the thread that
/// reads the next batch was not forked, and would be waited for without end.
/// Errors: config_error for parameters, and for a rate, a gain or a modulator that is not finite in its step;
/// shape_error where data and network disagree; data_error for features or targets that are not finite where a run
/// diverges by them, and for targets that the loss is not defined for; divergence_error where the loss or a weight is
/// no longer finite, or was not when fit() was called; and whatever data, policies and callbacks throw comes out of
/// fit() as it is. report() then holds the steps that were finished, and the next fit() starts anew. A step that failed
/// half way is not undone: weights may be those of its local part, or not finite, and state() (so a checkpoint) is
/// refused.
template <class Model, class Scheduler, class Supervision, class Optimizer = optimizer::sgd,
          class LearningRate = learning_rate::constant, class Loss = loss::softmax_cross_entropy>
class trainer {
  static_assert(scheduler::check_scheduler<Scheduler>());
  static_assert(supervision::check_supervision<Supervision>());
  static_assert(learning_rate::validate_fits<LearningRate>,
                "localis: validate() of your learning rate would never be called. Expected: "
                "void validate() const");
  static_assert(learning_rate::learning_rate<LearningRate>,
                "localis: a learning rate needs double operator()(double epoch, double epochs) const");
  static_assert(loss::loss<Loss>,
                "localis: a loss needs template <class T> T sample(const T* output, std::size_t size, "
                "const loss::target<T>& wanted, T* gradient, T share) const, and must be a plain value");

 public:
  using scalar = typename Model::scalar;

  template <class S>
  trainer(Model& trained, S chosen_scheduler, Supervision chosen_supervision, const train_options& options,
          Optimizer chosen_optimizer = {}, LearningRate rate = {}, Loss chosen_loss = {})
      : model_(trained),
        scheduler_(scheduler::as_scheduler(std::move(chosen_scheduler))),
        supervision_(chosen_supervision),
        options_(options),
        learning_rate_(rate),
        loss_(chosen_loss),
        descent_(trained, chosen_optimizer),
        log_(trained, descent_) {
    expect(options_.epochs > 0, "trainer: epochs", "at least 1", options_.epochs);
    expect(options_.batch > 0, "trainer: batch", "at least 1", options_.batch);
    expect(is_finite(options_.local_rate) && options_.local_rate >= 0, "trainer: local_rate", "a finite number >= 0",
           options_.local_rate);
    sums_.stage_norms.resize(Model::stages);
    learning_rate::validate(learning_rate_);
    supervision::validate(supervision_);
    model_.validate();
  }

  // Callbacks of a kind add up, and are called in the order in which they came; an empty one, on_step({}), takes all of
  // its kind away.

  void on_step(std::function<void(const step_event&)> callback) { add(step_callbacks_, std::move(callback)); }
  void on_epoch(std::function<void(const epoch_record&)> callback) { add(epoch_callbacks_, std::move(callback)); }

  /// The third factor of local learning (reward, novelty): called before each step with the batch and one value per
  /// sample, preset to 1, by which the sample's part of every local update is multiplied; a second function is given
  /// what the first one left there. fit() throws config_error where a value is not finite.
  void modulate(std::function<void(const data::batch_view<scalar>&, std::span<double>)> third_factor) {
    add(modulators_, std::move(third_factor));
  }

  /// From the next fit() on, looks at these stages before every `every`-th step (train/update_diagnostics.hpp) and
  /// hands over what it saw. The run itself stays the same; memory is then planned for all boundaries. Errors:
  /// config_error for a stage that cannot lie before the boundary, or where `every` is 0.
  void diagnose(std::vector<std::size_t> stages, std::size_t every,
                std::function<void(const diagnostics_event&)> callback) {
    expect(every > 0, "trainer::diagnose: every", "at least 1", every);
    if (callback) {
      diagnostics_.push_back({update_diagnostics<Model>(model_, std::move(stages)), every, std::move(callback)});
    } else {
      diagnostics_.clear();
    }
  }

  /// Between two steps, when none is under way: after every `every`-th step of an epoch (0: none), and behind each
  /// epoch. There a checkpoint may be written (io/checkpoint.hpp).
  void on_pause(std::size_t every, std::function<void()> callback) {
    if (callback) {
      pausers_.push_back({every, std::move(callback)});
    } else {
      pausers_.clear();
    }
  }

  /// Ends the run after the step under way. May be called from a callback, another thread, or a signal handler.
  void request_stop() noexcept { stop_.store(true, std::memory_order_relaxed); }

  [[nodiscard]] const localis::report& report() const { return report_; }
  [[nodiscard]] const Scheduler& scheduler() const { return scheduler_; }
  [[nodiscard]] const train_options& options() const { return options_; }
  [[nodiscard]] Model& model() const { return model_; }
  [[nodiscard]] gradient_descent<Model, Optimizer>& descent() { return descent_; }
  [[nodiscard]] const gradient_descent<Model, Optimizer>& descent() const { return descent_; }

  /// Where the run stands: after fit(), or in a callback of on_pause().
  /// Errors: config_error while steps are under way, or where one failed half way.
  [[nodiscard]] run_state state() const {
    expect(in_flight_.empty(), "trainer::state: steps under way", "none, as in on_pause() and after fit()",
           in_flight_.size());
    if (restored_) return *restored_;
    run_state result;
    result.epoch = epoch_;
    result.step = step_;
    result.steps = steps_;
    result.report = report_;
    result.sums = sums_;
    const typename Supervision::state seen = log::supervises ? log_.seen() : supervision_state_;
    result.supervision.resize(sizeof(seen));
    // The one byte of an empty state has no value.
    if constexpr (!std::is_empty_v<typename Supervision::state>) {
      std::memcpy(result.supervision.data(), &seen, sizeof(seen));
    }
    return result;
  }
  /// The next fit() goes on from there: the same steps, and the same report but for its times, as a run that was never
  /// interrupted, where model and optimizer have their arrays back and options, policies and data are the same. A run
  /// that was over goes on where there are more epochs now.
  /// Errors: config_error here for a state of another supervision or network, in fit() for data of another size.
  void restore(run_state from) {
    check_state(from);
    restored_ = std::move(from);
    in_flight_.clear();  // a step that failed half way is of no account any more
  }
  /// The errors of restore().
  static void check_state(const run_state& from) {
    const auto expect_stored = [](bool good, const char* what, const auto& expected,
                                  std::size_t found) {  // allocates on failure
      if (!good) throw config_error(text("trainer::restore: ", what, ": expected ", expected(), ", found ", found));
    };
    const auto same = [&](const char* what, std::size_t expected, std::size_t found) {
      expect_stored(
          expected == found, what, [&] { return text(expected); }, found);
    };
    same("bytes of supervision", sizeof(typename Supervision::state), from.supervision.size());
    same("stages", Model::stages, from.sums.stage_norms.size());
    expect_stored(
        from.step <= from.steps, "step", [&] { return text("at most ", from.steps); }, from.step);
    const std::size_t begun = from.report.epochs.size();
    const std::size_t in_flight = from.step > 0 ? 1 : 0;
    const auto next = [&] {
      return text("the one after those of the report (", begun, ", ", in_flight, " of them under way)");
    };
    expect_stored(begun >= in_flight && from.epoch == begun - in_flight, "epoch", next, from.epoch);
  }

  template <data::dataset Train>
  const localis::report& fit(const Train& train) {
    return run(train, static_cast<const Train*>(nullptr));
  }
  /// `validation` feeds the scheduler and the report; no gradient comes from it.
  template <data::dataset Train, data::dataset Validation>
  const localis::report& fit(const Train& train, const Validation& validation) {
    return run(train, &validation);
  }

 private:
  using clock = std::chrono::steady_clock;
  using log = step_pipeline<Model, Supervision>;

  [[nodiscard]] std::size_t clamped(std::size_t boundary) const {
    return (std::min)(boundary, Model::network_type::highest_boundary);
  }

  /// Plans for the boundaries that this epoch may have, and frees what only lower ones need.
  void settle_memory(std::size_t epoch, std::size_t samples) {
    constexpr std::size_t top = Model::network_type::highest_boundary;
    const bool watched = !diagnostics_.empty();
    const std::size_t lowest = watched ? 0 : clamped(scheduler::lowest_boundary(scheduler_, epoch));
    const std::size_t highest = watched ? top : clamped(scheduler::highest_boundary(scheduler_, epoch, top));
    const memory_request wanted{options_.batch,        lowest, highest, options_.local_rate > 0, true, samples,
                                options_.normalization};
    if (settled_ && wanted == model_.memory()) return;
    settled_ = true;
    descent_.release_below(lowest);
    model_.prepare(wanted);
  }

  void note_memory() {
    const memory_counters counters = model_.backend().counters().snapshot();
    memory_use& use = report_.memory;
    use.parameters = (std::max)(use.parameters, counters.of(memory_kind::parameters));
    use.rule_state = (std::max)(use.rule_state, counters.of(memory_kind::rule_state));
    use.optimizer_state = (std::max)(use.optimizer_state, counters.of(memory_kind::optimizer_state));
    use.arena = (std::max)(use.arena, counters.of(memory_kind::arena));
    use.peak = (std::max)(use.peak, counters.peak);
    for (const auto& row : model_.summary().memory) {
      use.activations = (std::max)(use.activations, row.activations);
      use.gradients = (std::max)(use.gradients, row.gradients);
      use.scratch = (std::max)(use.scratch, row.scratch);
    }
  }

  template <class Train, class Validation>
  const localis::report& run(const Train& train, const Validation* validation) {
    detail::check_data<Model>("trainer", "training data", train);
    detail::check_goals("trainer", "training data", train);
    if (validation != nullptr) {
      detail::check_data<Model>("trainer", "validation data", *validation);
      detail::check_goals("trainer", "validation data", *validation);
    }
    check_weights();
    classes_ = train.classes();
    stop_.store(false, std::memory_order_relaxed);
    data::loader<scalar, Train> batches(train, options_.batch, options_.seed);
    scheduler::start(scheduler_, schedule_limits{Model::stages, Model::network_type::highest_boundary, options_.epochs,
                                                 batches.steps()});
    in_flight_.clear();
    clips_at_start_ = clips_seen_ = model_.read_update_statistics().clips;
    settled_ = false;
    steps_ = batches.steps();
    begin();
    model_.backend().counters().forget_peak();
    try {
      while (epoch_ < options_.epochs && !stop_.load(std::memory_order_relaxed)) {
        settle_memory(epoch_, train.size());
        run_epoch(batches, train.classes() > 0);
        if (step_ == 0) break;  // stopped before the first step
        const bool whole = step_ == steps_ && !stop_.load(std::memory_order_relaxed);
        epoch_record& record = report_.epochs.back();
        if (validation != nullptr && whole) {
          const score seen = evaluate(model_, *validation, loss_);
          if (is_nan(seen.loss)) {
            throw divergence_error("the validation loss is NaN", Model::stages - 1, epoch_, step_ - 1);
          }
          record.validation_loss = seen.loss;
          record.validation_accuracy = seen.accuracy;
        }
        note_memory();
        record.bytes = model_.backend().counters().snapshot().total;
        scheduler::observe(scheduler_, observation_of(record));
        if (whole) {
          ++epoch_;
          step_ = 0;
        }
        call(epoch_callbacks_, record);
        if (whole) {
          for (std::size_t i = 0; i < pausers_.size(); ++i) pausers_[i].callback();
        }
      }
    } catch (const divergence_error& failure) {
      report_.end = ending::diverged;
      report_.message = failure.what();
      note_memory();
      check_batch(batches, failure.epoch, failure.step);
      throw;
    } catch (const std::exception& failure) {
      report_.message = failure.what();
      note_memory();
      throw;
    }
    report_.end = stop_.load(std::memory_order_relaxed) ? ending::stopped : ending::finished;
    return report_;
  }

  /// Before anything changes. Errors: divergence_error for an array of the model or its optimizer that is not finite.
  void check_weights() {
    const auto must_hold = [this](const char* what, const char* array, const operation& op,
                                  std::span<const scalar> values) {
      if (model_.all_finite(values)) return;
      const auto index = static_cast<std::size_t>(&op - Model::operations().data());
      const divergence_error failure(
          text(what, array, " of operation ", index, " (", op.name, ") was not finite before this run"), op.stage,
          restored_ ? restored_->epoch : 0, restored_ ? restored_->step : 0);
      report_ = restored_ ? restored_->report : localis::report{};
      report_.end = ending::diverged;
      report_.message = failure.what();
      throw divergence_error(failure);
    };
    model_.for_each_parameter([&](const operation& op, const auto& p) {
      must_hold("", p.name, op, {p.value, p.size()});
    });
    model_.for_each_state([&](const operation& op, const auto& p) {
      must_hold("the rule's ", p.name, op, {p.value, p.size()});
    });
    std::size_t index = 0;
    model_.for_each_parameter([&](const operation& op, const auto& p) {
      if (p.trainable) must_hold("the optimizer's state for ", p.name, op, descent_.state(index++));
    });
    const std::span<const scalar> errors = model_.remembered_errors();
    must_hold("the remembered errors", "", Model::operations()[Model::size - 1], errors);
  }

  /// Where a run diverged: whether its batch is to blame. Errors: data_error that names the sample.
  template <class Loader>
  void check_batch(Loader& batches, std::size_t epoch, std::size_t step) {
    const data::batch_view<scalar> batch = batches.get(epoch, step);
    const auto must_hold = [&](const char* what, std::span<const scalar> all) {
      const std::size_t size = all.size() / batch.size;
      for (std::size_t n = 0; n < batch.size; ++n) {
        if (loss::all_finite(all.data() + n * size, size)) continue;
        report_.message = text("trainer: ", what, " of sample ", batch.indices[n],
                               " of the training data: expected finite numbers, found NaN or infinity (epoch ", epoch,
                               ", step ", step, ')');
        throw data_error(report_.message);
      }
    };
    must_hold("features", batch.features);
    must_hold("targets", batch.targets);
  }

  [[nodiscard]] static epoch_observation observation_of(const epoch_record& record) {
    return {record.epoch,
            record.boundary,
            record.update_norm,
            record.loss,
            record.validation_loss,
            record.validation_accuracy,
            record.stage_update_norms};
  }

  /// At the first step, or where a restored run stood.
  void begin() {
    run_state from;
    if (restored_) {
      expect(restored_->steps == 0 || restored_->steps == steps_, "trainer: steps of an epoch",
             text(restored_->steps, ", as in the run that goes on").c_str(), steps_);
      from = std::move(*restored_);
      restored_.reset();
      std::memcpy(&supervision_state_, from.supervision.data(), sizeof(supervision_state_));
    } else {
      from.sums.stage_norms.resize(Model::stages);
      supervision_state_ = {};
    }
    log_.start(supervision_state_);
    epoch_ = from.epoch;
    step_ = from.step;
    sums_ = std::move(from.sums);
    report_ = std::move(from.report);
    report_.end = ending::unfinished;
    report_.message.clear();
    for (std::size_t e = 0; e < epoch_; ++e) scheduler::observe(scheduler_, observation_of(report_.epochs[e]));
  }

  /// A report has no epoch without a step: one that a stop or an exception kept from its first is taken out.
  struct drop_unless_begun {
    std::vector<epoch_record>& epochs;
    ~drop_unless_begun() {
      if (epochs.back().steps == 0) epochs.pop_back();
    }
  };

  template <class Loader>
  void run_epoch(Loader& batches, bool labelled) {
    const std::size_t epoch = epoch_;
    if (step_ == 0) {
      report_.epochs.emplace_back();
      report_.epochs.back().epoch = epoch;
      report_.epochs.back().stage_update_norms.assign(Model::stages, std::numeric_limits<double>::quiet_NaN());
      sums_ = {};
      sums_.stage_norms.resize(Model::stages);
    }
    epoch_record& record = report_.epochs.back();
    const drop_unless_begun guard{report_.epochs};
    const double clips_before = total(clips_seen_) - static_cast<double>(record.clips);
    const auto retire = [&](bool all) {
      const auto start = clock::now();
      std::vector<step_event> ended;
      while (!in_flight_.empty() && (all || log_.full() || log_.ready())) {
        ended.push_back(end_step(record, labelled));
      }
      const double seconds = std::chrono::duration<double>(clock::now() - start).count();
      record.seconds += seconds;
      report_.seconds += seconds;
      if (ended.empty()) return;
      close_averages(record, labelled);
      record.clips = static_cast<std::size_t>(total(clips_seen_) - clips_before);
      for (step_event& event : ended) {
        event.seconds = report_.seconds;
        for (const epoch_record& e : report_.epochs) event.samples += &e == &record ? 0 : e.samples;
        call(step_callbacks_, event);
      }
    };
    while (step_ < steps_ && !stop_.load(std::memory_order_relaxed)) {
      const auto start = clock::now();
      const data::batch_view<scalar> batch = batches.get(epoch, step_);
      start_step(batch, epoch, step_, steps_, labelled);
      const double seconds = std::chrono::duration<double>(clock::now() - start).count();
      record.seconds += seconds;
      report_.seconds += seconds;
      const auto due = [this](const pauser& one) { return one.every > 0 && step_ % one.every == 0 && step_ < steps_; };
      retire(std::any_of(pausers_.begin(), pausers_.end(), due));
      for (std::size_t i = 0; i < pausers_.size(); ++i) {
        if (due(pausers_[i])) pausers_[i].callback();
      }
    }
    retire(true);
  }

  /// A step whose record is still to come.
  struct launched {
    std::size_t epoch;
    std::size_t step;
    std::size_t steps;
    std::size_t boundary;
    std::size_t base;
    double rate;
    double gain;  ///< where supervision is asked on the host
    std::array<double, Model::stages> factors;
    std::size_t samples;
  };

  void start_step(const data::batch_view<scalar>& batch, std::size_t epoch, std::size_t step, std::size_t steps,
                  bool labelled) {
    launched now{};
    now.epoch = epoch;
    now.step = step;
    now.steps = steps;
    now.boundary = clamped(scheduler_.boundary(epoch, step));
    now.base = clamped(scheduler::base_boundary(scheduler_, epoch, step));
    now.rate = learning_rate_(static_cast<double>(epoch) + static_cast<double>(step) / static_cast<double>(steps),
                              static_cast<double>(options_.epochs));
    if (!descent_.is_rate(now.rate)) {
      descent_.check_rate(text("trainer: learning rate of epoch ", epoch, ", step ", step).c_str(), now.rate);
    }
    now.factors = gradient_factors(epoch, step);
    descent_.check_factors(now.rate, now.factors);
    now.samples = batch.size;
    step_options options;
    options.boundary = now.boundary;
    options.local_rate = options_.local_rate;
    options.normalization = options_.normalization;
    options.step = std::uint64_t{epoch} * steps + step;
    std::array<double, Model::stages> gains{};
    if constexpr (log::supervises) {
      log_.open(supervision_);
      if constexpr (log::immediate) check_gains(log_.now());
      options.gains_are_set = true;
    } else {
      gains = stage_gains();
      now.gain = supervision_.gain(supervision_state_);
      options.stage_gains = gains;
    }
    options.modulator = third_factors(batch);
    if (labelled) options.labels = batch.labels;
    options.indices = batch.indices;
    options.classes = classes_;
    for (std::size_t i = 0; i < diagnostics_.size(); ++i) {
      diagnosis& one = diagnostics_[i];
      if (step % one.every != 0) continue;
      const std::vector<stage_diagnostics> seen = one.look(batch.features, batch.labels, options, loss_, batch.targets);
      one.callback({epoch, step, seen});
    }
    in_flight_.push_back(now);
    ++step_;
    model_.forward(batch.features, batch.size, options);
    model_.compute_loss_async(loss_, batch.labels, batch.targets);
    log_.close_forward(batch.size);
    if constexpr (log::immediate) check_forward(log_.now(), now);  // before anything learns from it
    model_.backward();
    descent_.step(now.rate, now.factors);
    log_.close_step(supervision_, descent_);
  }

  /// Takes in the record of the oldest step under way.
  step_event end_step(epoch_record& record, bool labelled) {
    const launched now = in_flight_.front();
    const typename log::record seen = log_.read();
    check_forward(seen, now);
    const double gain = log::supervises ? seen.gain : now.gain;
    for (std::size_t stage = now.boundary; stage < Model::stages; ++stage) {
      if (!is_finite(seen.change[stage])) {
        throw divergence_error("a weight is not finite", stage, now.epoch, now.step);
      }
      const double rate = now.rate * now.factors[stage];
      if (rate > 0) {
        const double norm = std::sqrt(seen.weight_change[stage]) / rate;
        sums_.stage_norms[stage].add(norm);
        if (stage == now.base && stage == now.boundary) sums_.norm.add(norm);
      }
    }
    if constexpr (!log::supervises) supervision_.observe(supervision_state_, seen.loss);
    in_flight_.pop_front();
    clips_seen_ = seen.clips;

    record.boundary = now.base;
    ++record.steps;
    record.samples += now.samples;
    sums_.rate += now.rate;
    sums_.gain += gain;
    sums_.loss += seen.loss * static_cast<double>(now.samples);
    if (labelled) sums_.correct += static_cast<std::size_t>(seen.correct);
    const auto shares = Model::work_shares();
    for (std::size_t stage = 0; stage < now.boundary; ++stage) sums_.share += shares[stage];
    return step_event{now.epoch, options_.epochs, now.step, now.steps, now.boundary,
                      seen.loss, now.rate,        gain,     0,         record.samples};
  }

  [[nodiscard]] std::array<double, Model::stages> gradient_factors(std::size_t epoch, std::size_t step) const {
    std::array<double, Model::stages> factors{};
    for (std::size_t stage = 0; stage < Model::stages; ++stage) {
      factors[stage] = scheduler::gradient_scale(scheduler_, epoch, step, stage);
    }
    return factors;
  }

  [[nodiscard]] std::array<double, Model::stages> stage_gains() const {
    std::array<double, Model::stages> gains{};
    for (std::size_t stage = 0; stage < Model::stages; ++stage) {
      gains[stage] = supervision::stage_gain(supervision_, supervision_state_, stage);
      check_gain(stage, gains[stage]);
    }
    return gains;
  }

  /// One value per sample; none where there is no modulator.
  [[nodiscard]] std::span<const double> third_factors(const data::batch_view<scalar>& batch) {
    if (modulators_.empty()) return {};
    third_factors_.assign(batch.size, 1.0);
    call(modulators_, batch, third_factors_);
    for (std::size_t n = 0; n < batch.size; ++n) {
      if (!is_finite(third_factors_[n])) {
        throw config_error(text("trainer: modulator of sample ", batch.indices[n],
                                " of the data: expected a finite number, found ", third_factors_[n]));
      }
    }
    return third_factors_;
  }

  /// The rule of a stage's first trainable layer.
  static const char* rule_of(std::size_t stage) {
    for (const operation& op : Model::operations()) {
      if (op.trainable() && op.stage == stage) return op.rule;
    }
    return "";
  }

  /// Errors: config_error for a gain, divergence_error for an update or a loss, that is not finite.
  void check_forward(const typename log::record& seen, const launched& now) const {
    if constexpr (log::supervises) check_gains(seen);
    if (options_.local_rate > 0) {
      for (std::size_t stage = 0; stage < now.boundary; ++stage) {
        if (!is_finite(seen.local_change[stage])) {
          throw divergence_error(text("rule ", rule_of(stage), " made a weight that is not finite"), stage, now.epoch,
                                 now.step);
        }
        if (model_.fails_on_clips()[stage] && seen.clips[stage] > clips_at_start_[stage]) {
          throw divergence_error(
              text("a step of rule ", rule_of(stage), " would turn a weight row around (1 - eta c < 0)"), stage,
              now.epoch, now.step);
        }
      }
    }
    if (!is_finite(seen.loss)) {
      throw divergence_error(is_nan(seen.loss) ? "the loss is NaN" : "the loss is infinite", Model::stages - 1,
                             now.epoch, now.step);
    }
  }
  static void check_gains(const typename log::record& seen) {
    for (std::size_t stage = 0; stage < Model::stages; ++stage) check_gain(stage, seen.gains[stage]);
  }
  static void check_gain(std::size_t stage, double gain) {
    if (is_finite(gain)) return;
    throw config_error(text("supervision: gain of stage ", stage, ": expected a finite number, found ", gain));
  }

  void close_averages(epoch_record& record, bool labelled) {
    const auto steps = static_cast<double>(record.steps);
    const auto samples = static_cast<double>(record.samples);
    record.loss = sums_.loss / samples;
    record.accuracy = detail::accuracy(labelled, static_cast<double>(sums_.correct), samples);
    record.learning_rate = sums_.rate / steps;
    record.gain = sums_.gain / steps;
    record.prefix_share = sums_.share / steps;
    record.update_norm = sums_.norm.value();
    record.stage_update_norms.clear();
    for (const epoch_sums::mean& norms : sums_.stage_norms) record.stage_update_norms.push_back(norms.value());
    double all_steps = 0;
    double all_shares = 0;
    for (const epoch_record& e : report_.epochs) {
      all_steps += static_cast<double>(e.steps);
      all_shares += e.prefix_share * static_cast<double>(e.steps);
    }
    report_.prefix_share = all_shares / all_steps;
  }

  template <class Array>
  static double total(const Array& parts) {
    double sum = 0;
    for (const double part : parts) sum += part;
    return sum;
  }

  /// Callbacks stay where they are while one of them adds another.
  template <class Signature>
  using callbacks = std::deque<std::function<Signature>>;
  template <class Signature>
  static void add(callbacks<Signature>& to, std::function<Signature> callback) {
    if (callback) {
      to.push_back(std::move(callback));
    } else {
      to.clear();
    }
  }
  template <class Signature, class... Arguments>
  static void call(const callbacks<Signature>& all, Arguments&&... arguments) {
    for (std::size_t i = 0; i < all.size(); ++i) all[i](arguments...);
  }
  struct diagnosis {
    update_diagnostics<Model> look;
    std::size_t every;
    std::function<void(const diagnostics_event&)> callback;
  };
  struct pauser {
    std::size_t every;
    std::function<void()> callback;
  };

  Model& model_;
  Scheduler scheduler_;
  Supervision supervision_;
  typename Supervision::state supervision_state_{};
  train_options options_;
  LearningRate learning_rate_;
  Loss loss_;
  gradient_descent<Model, Optimizer> descent_;
  log log_;
  std::deque<launched> in_flight_;  ///< oldest first
  std::array<double, Model::stages> clips_at_start_{};
  std::array<double, Model::stages> clips_seen_{};
  callbacks<void(const step_event&)> step_callbacks_;
  callbacks<void(const epoch_record&)> epoch_callbacks_;
  callbacks<void(const data::batch_view<scalar>&, std::span<double>)> modulators_;
  std::vector<double> third_factors_;
  std::size_t classes_ = 0;  ///< of the data in training
  std::deque<diagnosis> diagnostics_;
  std::deque<pauser> pausers_;
  std::size_t epoch_ = 0;  ///< under way
  std::size_t step_ = 0;   ///< to come next
  std::size_t steps_ = 0;  ///< of an epoch
  epoch_sums sums_;
  std::optional<run_state> restored_;  ///< where the next run begins
  bool settled_ = false;               ///< memory was prepared in this run
  std::atomic<bool> stop_{false};
  localis::report report_;
};

template <class M, class S, class V, class O = optimizer::sgd, class R = learning_rate::constant,
          class L = loss::softmax_cross_entropy>
trainer(M&, S, V, train_options, O = {}, R = {}, L = {})
    -> trainer<M, scheduler::scheduler_of<S>, supervision::supervision_of<V>, O, R, L>;

}  // namespace localis
