#pragma once

#include <atomic>
#include <cstddef>
#include <exception>
#include <functional>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <localis/core/communicator.hpp>
#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/data/dataset.hpp>
#include <localis/data/loader.hpp>
#include <localis/learning_rate/constant.hpp>
#include <localis/learning_rate/learning_rate.hpp>
#include <localis/loss/loss.hpp>
#include <localis/loss/softmax_cross_entropy.hpp>
#include <localis/model/evaluate.hpp>
#include <localis/model/metrics.hpp>
#include <localis/model/model.hpp>
#include <localis/optimizer/sgd.hpp>
#include <localis/scheduler/callable.hpp>
#include <localis/scheduler/scheduler.hpp>
#include <localis/supervision/supervision.hpp>
#include <localis/train/callbacks.hpp>
#include <localis/train/epoch_averages.hpp>
#include <localis/train/events.hpp>
#include <localis/train/gradient_descent.hpp>
#include <localis/train/gradients.hpp>
#include <localis/train/learn_locally.hpp>
#include <localis/train/loss_order.hpp>
#include <localis/train/rank_averages.hpp>
#include <localis/train/rank_run.hpp>
#include <localis/train/report.hpp>
#include <localis/train/run_checks.hpp>
#include <localis/train/run_memory.hpp>
#include <localis/train/run_state.hpp>
#include <localis/train/step_settings.hpp>
#include <localis/train/steps_in_flight.hpp>
#include <localis/train/stopwatch.hpp>
#include <localis/train/train_options.hpp>
#include <localis/train/update_diagnostics.hpp>

namespace localis {

// This class is longer than others: its public interface, and the loop from which the jobs in the headers beside it are
// called, read better in one place.

/// Trains a model. In each step the scheduler chooses the boundary: the stages before it learn by their rules while the
/// batch passes through them, and the others learn by gradient. Supervision turns the loss into the gain of later local
/// updates.
///
///   trainer t{model, scheduler::dynamic{}, supervision::loss_gain{}, {.epochs = 10}};
///   const report& r = t.fit(train, validation);
///
/// The scheduler may be any callable of (epoch) or (epoch, step). Optimizer, learning rate and loss are further
/// arguments; their defaults are sgd with momentum 0.9, a constant rate of 0.1 and softmax_cross_entropy. A network may
/// have more outputs than the data has classes: the additional ones take no part in loss and accuracy.
///
/// Samples without a label (data::unlabelled) learn by unsupervised rules alone. A step without any labelled sample has
/// the loss NaN, which supervision does not see, and a gradient of 0: momentum and weight decay act as in any step.
///
/// To a GPU, the batches of a data set that gives bytes (data::dataset_with_pixels) are sent as bytes, with the same
/// results, unless there is a modulator, a reward or a diagnosis, which look at features.
///
/// A process that is forked in a callback may train by a fit() of its own, but must not continue this one: the thread
/// that reads the next batch does not exist after a fork, and the loader would wait for it forever.
///
/// Errors: config_error for parameters, and for a rate, a gain or a modulator that is not finite in its step;
/// shape_error where data and network disagree; data_error for features or targets that are not finite and made a run
/// diverge, and for rows of targets that the loss is not defined for, if they are in the first batch of a fit() or in
/// the validation data, or train_options::check_all_targets is set; divergence_error if the loss or a weight is no
/// longer finite, or was not finite when fit() was called. Exceptions that data, policies and callbacks throw leave
/// fit() unchanged. report() then holds the finished steps, and the next fit() starts a new run. A step that failed
/// halfway is not undone: its local updates may have been applied, weights may not be finite, and state() (and so a
/// checkpoint) is refused.
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
                "const loss::target<T>& wanted, T* gradient, T scale) const, and must be a plain value");

 public:
  using scalar = typename Model::scalar;
  using descent_type = gradient_descent<Model, Optimizer>;

  /// The model is held by reference and must outlive the trainer.
  template <class S>
  [[gnu::cold]] trainer(Model& trained, S chosen_scheduler, Supervision chosen_supervision,
                        const train_options& options, Optimizer chosen_optimizer = {}, LearningRate rate = {},
                        Loss chosen_loss = {})
      : model_(trained),
        scheduler_(scheduler::as_scheduler(std::move(chosen_scheduler))),
        options_(options),
        learning_rate_(rate),
        loss_(chosen_loss),
        descent_(trained, chosen_optimizer),
        in_flight_(trained, descent_, chosen_supervision),
        run_step_(trained.backend().make_step_runner()) {
    options_.validate();
    run_.sums.stage_norms.resize(Model::stages);
    learning_rate::validate(learning_rate_);
    loss::validate(loss_);
    supervision::validate(chosen_supervision);
    model_.validate();
  }

  /// Trains for the number of epochs that the options state. Errors: those of the class.
  template <data::dataset Train>
  const localis::report& fit(const Train& train) {
    return run(train, static_cast<const Train*>(nullptr));
  }
  /// Also evaluates the model on `validation` after each epoch, for the report and the scheduler; the model does not
  /// learn from it.
  template <data::dataset Train, data::dataset Validation>
  const localis::report& fit(const Train& train, const Validation& validation) {
    return run(train, &validation);
  }
  /// Lets the first stages learn by their rules alone, without a run: no loss and no backward pass is computed, and the
  /// stages behind them are not run. Batches, local rate and normalization are those of fit(), third factors
  /// (modulate()) apply, and supervision and the other callbacks do not; the reward is 1. Data for unsupervised rules
  /// needs no labels. It must not be called in a callback of fit(). Errors: config_error for stages that do not all
  /// have a local rule, for 0 epochs, and for a local rate of 0; those of the class for data.
  template <data::dataset Data>
  local_report learn_locally(const Data& data, const local_options& chosen = {}) {
    stop_.store(false, std::memory_order_relaxed);
    return detail::learn_locally(model_, data, options_, chosen, modulators_, stop_);
  }
  /// From now on, fit() and learn_locally() train on several ranks, which must all call them: in each step a rank
  /// computes its part of train_options::batch, and all take the steps of one rank with the whole batch, to rounding
  /// (model::distribute(), which explains the options). Callbacks run on every rank, with the same numbers but for
  /// times. The communicator is held by reference and must outlive the trainer.
  ///
  /// Where rank_options::prefix_every or suffix_every is above 1, ranks act alone between exchanges of fit(), and a
  /// pause or a stop waits for the next step after which all have the same weights. Update norms are the means of all
  /// ranks then; learn_locally() remains exact.
  ///
  /// Before its first step, fit() compares what the ranks must have in common. Errors: config_error on every rank if
  /// something differs, and for diagnose() and reward(), which see the part of a rank; an error that only one rank
  /// has, such as a file that cannot be read, leaves the others waiting for it.
  template <communicator Ranks>
  void distribute(const Ranks& ranks, const rank_options& options = {}) {
    options.validate();
    rank_options exact = options;
    exact.prefix_every = exact.suffix_every = 1;
    model_.distribute(ranks, exact);
    rank_run_.reset();
    in_flight_.share_records({});
    if (model_.ranks() == nullptr) return;
    rank_run_ =
        std::make_unique<detail::rank_run_of<trainer, LearningRate, Loss>>(*this, learning_rate_, loss_, options);
    if (options.exact()) return;
    in_flight_.share_records([this](auto& record) { detail::average_record(*model_.ranks(), record); });
  }
  /// Ends fit() or learn_locally() after the current step (accumulate_gradients(): after the next gradient step;
  /// distribute(): when all ranks have the same weights). May be called from a callback, another thread, or a signal
  /// handler.
  void request_stop() noexcept { stop_.store(true, std::memory_order_relaxed); }

  // Callbacks of one kind are called in the order in which they were added; an empty function, as in on_step({}),
  // removes all of its kind.

  /// Adds a function that is called after each step.
  void on_step(std::function<void(const step_event&)> callback) { step_callbacks_.add(std::move(callback)); }
  /// Adds a function that is called after each epoch and its validation.
  void on_epoch(std::function<void(const epoch_record&)> callback) { epoch_callbacks_.add(std::move(callback)); }
  /// Adds a function that is called between two steps while no step is in flight: after each epoch, and after every
  /// `every`-th step of an epoch unless `every` is 0. It may write a checkpoint (io/checkpoint.hpp).
  void on_pause(std::size_t every, std::function<void()> callback) { pause_callbacks_.add(every, std::move(callback)); }
  /// Adds a function that is called before each gradient step with the gradients, which it may change. They lie in the
  /// backend's memory; with accumulate_gradients() they are the means over the batches. descent() has clip_norm(),
  /// clip_value() and groups of parameters, which act after it. A step is then no CUDA graph.
  void on_gradients(std::function<void(const gradients_event<scalar>&)> callback) {
    gradient_callbacks_.add(std::move(callback));
  }
  /// From the next fit() on, takes a gradient step after every `batches`-th batch of an epoch and after its last one,
  /// with the gradient of the mean loss over the samples of these batches: without batch normalization and dropout, the
  /// step of one large batch. Rules before the boundary learn from every batch. The report still counts batches as
  /// steps. A pause waits for the next gradient step, and so does a stop. State: one more array per parameter. Errors:
  /// config_error if `batches` is 0.
  void accumulate_gradients(std::size_t batches) {
    expect(batches > 0, "trainer::accumulate_gradients: batches", "at least 1", batches);
    group_ = batches;
    accumulate_ = {};
    if (batches > 1) accumulate_ = [this](std::size_t samples) { descent_.accumulate(samples); };
  }
  /// Sets the third factor of local learning, such as reward or novelty. The function is called before each step with
  /// the batch and one value per sample, preset to 1, which multiplies the sample's part of every local update; a
  /// second function receives the values that the first one left. fit() throws config_error for a value that is not
  /// finite.
  void modulate(std::function<void(const data::batch_view<scalar>&, std::span<double>)> third_factor) {
    modulators_.add(std::move(third_factor));
  }
  /// Sets the reward of each step, with which rules that have a rule::eligibility_trace multiply their traces. The
  /// function is called before each step with the batch; the results of several functions add up. Without one, the
  /// reward is 1. A modulator acts on each sample before the trace, a reward after it: rule/policy.hpp states the
  /// order. fit() throws config_error for a reward that is not finite.
  void reward(std::function<double(const data::batch_view<scalar>&)> function) {
    static_assert(Model::has_traces,
                  "localis: trainer::reward: no rule of this network has a trace that a reward could act on. Write "
                  "rule::local<Rule, rule::eligibility_trace>, or use modulate() for factors on single samples");
    rewards_.add(std::move(function));
  }
  /// After each epoch, also averages `metric` over the samples of the validation data, for the report and the logs, as
  /// evaluate() does (model/metrics.hpp):
  ///
  ///   trainer.measure("top_5", metric::top_k<5>{});
  ///
  /// Errors: config_error for an empty function, or for a name that is empty or taken.
  void measure(std::string name,
               std::function<double(std::span<const scalar> output, const loss::target<scalar>& wanted)> metric) {
    std::vector<named_metric<scalar>> metrics = metrics_;
    metrics.push_back({std::move(name), std::move(metric)});
    detail::check_metrics<scalar>("trainer::measure", metrics);
    metrics_ = std::move(metrics);
  }
  /// From the next fit() on, computes the diagnostics of these stages (train/update_diagnostics.hpp) before every
  /// `every`-th step of an epoch. They do not change the run, but its memory is planned for all boundaries. Errors:
  /// config_error for a stage that cannot lie before the boundary, or if `every` is 0.
  void diagnose(std::vector<std::size_t> stages, std::size_t every,
                std::function<void(const diagnostics_event&)> callback) {
    expect(every > 0, "trainer::diagnose: every", "at least 1", every);
    if (!callback) return diagnostics_.clear();
    diagnostics_.add(every, [compute = diagnosis_of(std::move(stages)), callback = std::move(callback)](
                                std::size_t epoch, std::size_t step, const data::batch_view<scalar>& batch,
                                const step_options& options) {
      const std::vector<stage_diagnostics> found = compute(batch, options);
      callback({epoch, step, found});
    });
  }
  /// From the next fit() on, computes the diagnostics of these stages after each epoch, for the report and the logs:
  /// epoch_record::stage_cosines, stage_part_cosines and stage_dead_fractions. The batch is the same in every epoch,
  /// the first one of the first epoch, with gains, third factors and reward of 1. No stages: no diagnosis. The run does
  /// not change, but its memory is planned for all boundaries. Errors: config_error for a stage that cannot lie before
  /// the boundary.
  void diagnose(std::vector<std::size_t> stages) {
    epoch_diagnostics_ = {};
    if (!stages.empty()) epoch_diagnostics_ = diagnosis_of(std::move(stages));
  }

  /// The report of the current run or, between two runs, of the last one, even if it ended in an exception.
  [[nodiscard]] const localis::report& report() const { return run_.report; }
  [[nodiscard]] const Scheduler& scheduler() const { return scheduler_; }
  [[nodiscard]] const train_options& options() const { return options_; }
  [[nodiscard]] Model& model() const { return model_; }
  [[nodiscard]] descent_type& descent() { return descent_; }
  [[nodiscard]] const descent_type& descent() const { return descent_; }

  /// The state of the run: after fit(), or in a callback of on_pause().
  /// Errors: config_error while steps are in flight, or if a step failed halfway.
  [[nodiscard, gnu::cold]] run_state state() const {
    expect(in_flight_.empty(), "trainer::state: steps under way", "none, as in on_pause() and after fit()",
           in_flight_.size());
    if (restored_) return *restored_;
    run_state result = run_;
    result.supervision = detail::to_bytes(in_flight_.seen());
    return result;
  }
  /// Makes the next fit() continue from `stored`. If the arrays of model and optimizer have been restored, and options,
  /// policies and data are those of the stored run, it takes the same steps as a run that was never interrupted and
  /// ends with the same report, except for the times. A finished run continues if there are more epochs now. Errors:
  /// config_error for a state of another supervision or network; in fit(), for data of another size.
  [[gnu::cold]] void restore(run_state stored) {
    check_state(stored);
    restored_ = std::move(stored);
    in_flight_.clear();  // a step that failed halfway no longer matters
  }
  /// Throws the errors of restore(), and changes nothing.
  [[gnu::cold]] static void check_state(const run_state& stored) {
    detail::check_run_state(stored, sizeof(typename Supervision::state), Model::stages);
  }

 private:
  using step_settings = detail::step_settings<Model::stages>;
  using diagnosis =
      std::function<std::vector<stage_diagnostics>(const data::batch_view<scalar>& batch, const step_options& options)>;

  /// What computes the diagnostics of these stages. Only programs that ask for diagnostics compile it.
  [[nodiscard]] diagnosis diagnosis_of(std::vector<std::size_t> stages) {
    const auto compute = std::make_shared<update_diagnostics<Model>>(model_, std::move(stages));
    return [this, compute](const data::batch_view<scalar>& batch, const step_options& options) {
      return (*compute)(batch.features, batch.labels, options, loss_, batch.targets);
    };
  }

  template <class Train, class Validation>
  [[gnu::cold]] const localis::report& run(const Train& train, const Validation* validation) {
    if (rank_run_ != nullptr) {
      rank_run_->start({.samples = train.size(),
                        .validated = validation == nullptr ? 0 : validation->size(),
                        .group = group_,
                        .epoch = restored_ ? restored_->epoch : 0,
                        .step = restored_ ? restored_->step : 0,
                        .diagnoses = diagnoses(),
                        .rewards = !rewards_.empty()});
    }
    check_run(train, validation);
    classes_ = train.classes();
    stop_.store(false, std::memory_order_relaxed);
    data::loader<scalar, Train> batches(train, options_.batch, options_.seed, true,
                                        data::detail::part_of(model_.ranks()));
    start_run(batches.steps());
    try {
      train_epochs(batches, train.size(), validation);
    } catch (const divergence_error& failure) {
      run_.report.end = ending::diverged;
      end_by_error(failure);
      std::string cause =
          detail::not_finite_sample(batches.get(failure.epoch, failure.step), failure.epoch, failure.step);
      if (model_.ranks() != nullptr) cause = detail::first_text(*model_.ranks(), cause);
      if (cause.empty()) throw;
      run_.report.message = cause;
      throw data_error(cause);
    } catch (const std::exception& failure) {
      end_by_error(failure);
      throw;
    }
    run_.report.end = stopped() ? ending::stopped : ending::finished;
    return run_.report;
  }

  /// The training loop.
  template <class Loader, class Validation>
  void train_epochs(Loader& batches, std::size_t samples, const Validation* validation) {
    while (run_.epoch < options_.epochs && !stopped()) {
      cycle_ = group_;
      if (rank_run_ != nullptr) cycle_ = std::lcm(group_, rank_run_->start_epoch(run_.epoch, run_.steps));
      prepare_memory(samples, sends_pixels(batches));
      const detail::drop_empty_epoch guard(run_.report);
      start_epoch();
      while (run_.step < run_.steps && (in_cycle() || !stopped())) {
        start_step(batches);
        const bool pause = !in_cycle() && pause_callbacks_.any_due(run_.step, run_.steps, cycle_);
        retire_steps(pause ? retire::all : retire::arrived);
        if (pause) add_processor_time();
        if (pause) pause_callbacks_.call_due(run_.step, run_.steps, cycle_);
      }
      retire_steps(retire::all);
      if (run_.step == 0) return;  // stopped before the first step
      add_processor_time();
      const bool complete = run_.step == run_.steps && !stopped();
      if (complete && validation != nullptr) validate(*validation);
      if (complete && epoch_diagnostics_) diagnose_epoch(batches);
      end_epoch(complete);
      epoch_callbacks_(run_.report.epochs.back());
      if (complete) pause_callbacks_.call_all();
    }
  }

  /// Starts one step: chooses its boundary, rates and gains, and runs or launches its passes.
  template <class Loader>
  void start_step(Loader& batches) {
    const detail::stopwatch watch;
    const bool pixels = model_.memory().pixels && sends_pixels(batches);
    data::batch_view<scalar> batch =
        pixels ? batches.get_pixels(run_.epoch, run_.step) : batches.get(run_.epoch, run_.step);
    step_settings step = detail::choose_step(scheduler_, learning_rate_, descent_, options_, run_, batch.size);
    if (step.part == 0) pass_stages(step.base);
    if (step.part > 0 && order_) batch = order_(batch, step.part);
    step.takes_step = (run_.step + 1) % group_ == 0 || run_.step + 1 == run_.steps;
    step.labelled = data::labelled_samples(batch.labels, batch.size);
    step_options options = detail::options_of(step, options_, batch, classes_);
    whole_batch whole;
    if (model_.ranks() != nullptr) {
      model_.ranks()->begin_step(run_.epoch, run_.step);
      whole = detail::join_parts(*model_.ranks(), batch.size, step.labelled);
      step.samples = whole.samples;
      step.labelled = whole.labelled;
      options.whole = &whole;
      rank_run_->begin_step(run_.epoch, batch.size, options);
    }
    options.modulator = modulators_.factors(batch);
    options.reward = rewards_.sum(batch, step.epoch, step.step);
    options.check_targets = options_.check_all_targets || !targets_checked_;
    if (diagnostics_.any_due(step.step)) {
      in_flight_.open(step, options);
      diagnostics_(step.epoch, step.step, batch, options);
    }
    const auto body = [&] {
      in_flight_.open(step, options);
      in_flight_.push(step);
      ++run_.step;
      model_.forward(batch, options);
      model_.compute_loss_async(loss_, batch.labels, batch.targets);
      model_.backward();
      in_flight_.close_forward();  // on several ranks, stages before the boundary learn in backward()
      if (accumulate_) accumulate_(step.labelled);
      if (step.takes_step) {
        if (!gradient_callbacks_.empty()) {
          gradient_callbacks_(gradients_event<scalar>{step.epoch, step.step, descent_.next_gradients()});
        }
        descent_.step(step.rate, step.factors);
      }
      in_flight_.close(descent_);
    };
    // What a user does with gradients cannot be collected in advance, nor which features are there. Sums of ranks
    // could, but each step collects its work anew, and a communicator would have to set up every sum again for it.
    if (gradient_callbacks_.empty() && model_.ranks() == nullptr && options_.cache_bytes == 0) {
      run_step_(2 * (step.boundary + Model::stages * step.part) + (step.takes_step ? 1 : 0), batch.size, body);
    } else {
      body();
    }
    if (rank_run_ != nullptr) rank_run_->end_step(run_.epoch, run_.step, run_.steps);
    targets_checked_ = true;
    add_time(watch);
  }

  enum class retire { arrived, all };

  /// Retires the steps whose records have arrived, or all steps. Each is added to the report and passed to the
  /// callbacks.
  void retire_steps(retire selection) {
    const detail::stopwatch watch;
    epoch_record& record = run_.report.epochs.back();
    std::vector<step_event> events;
    while (!in_flight_.empty() && (selection == retire::all || in_flight_.must_retire())) {
      const auto done = in_flight_.retire();
      detail::add_step<Model>(done, labelled(), record, run_.sums);
      const step_settings& step = done.settings;
      events.push_back({step.epoch, options_.epochs, step.step, step.steps, step.boundary, done.record.loss, step.rate,
                        done.gain, 0, record.samples});
    }
    add_time(watch);
    if (events.empty()) return;
    detail::write_averages(run_.sums, labelled(), run_.report);
    record.clips = in_flight_.clips_of_epoch();
    std::size_t earlier_samples = 0;
    for (const epoch_record& epoch : run_.report.epochs) earlier_samples += &epoch == &record ? 0 : epoch.samples;
    for (step_event& event : events) {
      event.seconds = run_.report.seconds;
      event.samples += earlier_samples;
      step_callbacks_(event);
    }
  }

  template <class Validation>
  [[gnu::cold]] void validate(const Validation& data) {
    score result = evaluate(model_, data, loss_, metrics_);
    if (is_nan(result.loss)) {
      throw divergence_error("the validation loss is NaN", Model::stages - 1, run_.epoch, run_.step - 1);
    }
    run_.report.epochs.back().validation_loss = result.loss;
    run_.report.epochs.back().validation_accuracy = result.accuracy;
    run_.report.epochs.back().validation_metrics = std::move(result.metrics);
  }

  template <class Loader>
  [[gnu::cold]] void diagnose_epoch(Loader& batches) {
    const data::batch_view<scalar> batch = batches.get(0, 0);
    const step_options options =
        detail::options_of(step_settings{.local_rate = options_.local_rate}, options_, batch, classes_);
    epoch_record& record = run_.report.epochs.back();
    start_diagnosis(record);  // one that a restored run began may have no lists
    for (const stage_diagnostics& stage : epoch_diagnostics_(batch, options)) {
      record.stage_cosines[stage.stage] = stage.cosine;
      record.stage_part_cosines[stage.stage] = stage.part_cosine;
      record.stage_dead_fractions[stage.stage] =
          static_cast<double>(stage.dead_channels) / static_cast<double>(stage.channels);
    }
  }
  /// Gives each stage a place in the lists of the diagnosis, so that all epochs of a log have the same columns.
  void start_diagnosis(epoch_record& record) const {
    if (!epoch_diagnostics_) return;
    record.stage_cosines.assign(Model::stages, std::numeric_limits<double>::quiet_NaN());
    record.stage_part_cosines = record.stage_cosines;
    record.stage_dead_fractions = record.stage_cosines;
  }

  /// Checks, before anything changes, that data and weights permit a run.
  template <class Train, class Validation>
  [[gnu::cold]] void check_run(const Train& train, const Validation* validation) {
    detail::check_learnable<Model>("training data", train);
    if (options_.local_rate > 0) detail::check_supervision<Model>("trainer", "training data", train);
    if (validation != nullptr) detail::check_learnable<Model>("validation data", *validation);
    if (options_.cache_bytes > 0) detail::check_cache(options_, train, model_.ranks() == nullptr);
    try {
      detail::check_weights(model_, descent_, restored_ ? restored_->epoch : 0, restored_ ? restored_->step : 0);
    } catch (const divergence_error& failure) {
      run_.report = restored_ ? restored_->report : localis::report{};
      run_.report.end = ending::diverged;
      run_.report.message = failure.what();
      throw;
    }
  }
  /// Begins a run at its first step, or at the step of a restored run.
  [[gnu::cold]] void start_run(std::size_t steps_per_epoch) {
    scheduler::start(scheduler_, schedule_limits{Model::stages, detail::highest_boundary<Model>(scheduler_),
                                                 options_.epochs, steps_per_epoch});
    run_state first;
    first.sums.stage_norms.resize(Model::stages);
    typename Supervision::state supervision_state{};
    if (restored_) {
      expect(restored_->steps == 0 || restored_->steps == steps_per_epoch, "trainer: steps of an epoch",
             text(restored_->steps, ", as in the run that goes on").c_str(), steps_per_epoch);
      first = std::move(*restored_);
      restored_.reset();
      supervision_state = detail::from_bytes<typename Supervision::state>(first.supervision);
    }
    in_flight_.start(supervision_state);
    descent_.forget_accumulated();
    run_ = std::move(first);
    run_.steps = steps_per_epoch;
    run_.report.end = ending::unfinished;
    run_.report.message.clear();
    passed_ = run_.report.epochs.empty() ? 0 : run_.report.epochs.back().boundary;
    memory_prepared_ = false;
    model_.forget_features();
    targets_checked_ = false;
    processor_seconds_ = 0;
    if constexpr (scheduler::has_differentiated<Scheduler>) {
      order_ = {};
      if (scheduler::differentiated(scheduler_, 0).largest_losses) {
        order_ = [this, order = detail::loss_order<Model>()](const data::batch_view<scalar>& batch,
                                                             std::size_t part) mutable {
          return order(model_, loss_, batch, classes_, part);
        };
      }
    }
    for (std::size_t epoch = 0; epoch < run_.epoch; ++epoch) {
      scheduler::observe(scheduler_, detail::observation_of(run_.report.epochs[epoch]));
    }
    model_.backend().counters().forget_peak();
  }
  /// Begins an epoch, unless a restored run is in the middle of one.
  [[gnu::cold]] void start_epoch() {
    if (run_.step == 0) {
      detail::start_epoch(run_.epoch, Model::stages, run_.report, run_.sums);
      start_diagnosis(run_.report.epochs.back());
    }
    in_flight_.start_epoch(run_.report.epochs.back().clips);
  }
  /// Reports the epoch to the scheduler, and advances to the next epoch if this one is complete.
  [[gnu::cold]] void end_epoch(bool complete) {
    epoch_record& record = run_.report.epochs.back();
    detail::track_memory(model_, run_.report.memory);
    record.bytes = model_.backend().counters().snapshot().total;
    scheduler::observe(scheduler_, detail::observation_of(record));
    if (!complete) return;
    ++run_.epoch;
    run_.step = 0;
  }
  [[gnu::cold]] void end_by_error(const std::exception& failure) {
    run_.report.message = failure.what();
    detail::track_memory(model_, run_.report.memory);
  }
  /// Whether batches go to the device as bytes. The functions of a user who looks at batches get features.
  template <class Loader>
  [[nodiscard]] bool sends_pixels(const Loader& batches) const {
    return !Model::backend_type::memory::host_accessible && batches.gives_pixels() && modulators_.empty() &&
           rewards_.empty() && !diagnoses() && !order_;
  }
  /// Plans for the boundaries that this epoch may have, and frees the memory that only lower ones need.
  [[gnu::cold]] void prepare_memory(std::size_t samples, bool pixels) {
    memory_request wanted =
        detail::memory_of_epoch<Model>(scheduler_, options_, run_.epoch, samples, diagnoses(), pixels);
    wanted.batch = data::detail::part_of(model_.ranks()).largest(wanted.batch);
    if (memory_prepared_ && wanted == model_.memory()) return;
    memory_prepared_ = true;
    if (wanted.part_samples == 0) {  // else no stage has stopped to learn by gradient
      if (wanted.lowest_boundary > passed_) pass_stages(wanted.lowest_boundary);
      descent_.release_below(wanted.lowest_boundary);
    }
    model_.prepare(wanted);
  }
  /// Lets the stages that the boundary has passed take over the averages of their weights, if the optimizer keeps them.
  void pass_stages(std::size_t boundary) {
    if constexpr (optimizer::keeps_average<Optimizer>) {
      if (boundary > passed_) descent_.take_averages(passed_, boundary);
    }
    passed_ = boundary;
  }
  void add_time(const detail::stopwatch& watch) {
    const double seconds = watch.seconds();
    run_.report.epochs.back().seconds += seconds;
    run_.report.seconds += seconds;
    processor_seconds_ += watch.processor_seconds();
    if (model_.ranks() == nullptr) add_processor_time();
  }
  /// Adds the processor time of all ranks since the last call to the report.
  void add_processor_time() {
    if (model_.ranks() != nullptr) model_.ranks()->sum(std::span<double>(&processor_seconds_, 1));
    run_.report.epochs.back().processor_seconds += std::exchange(processor_seconds_, 0.0);
  }

  /// Whether the run cannot be interrupted: gradients have been accumulated for a step to come, or ranks have weights
  /// of their own.
  [[nodiscard]] bool in_cycle() const { return run_.step % cycle_ != 0 && run_.step < run_.steps; }
  /// Whether a stop was requested, on any rank.
  [[nodiscard]] bool stopped() const {
    return detail::on_any_rank(model_.ranks(), stop_.load(std::memory_order_relaxed));
  }
  [[nodiscard]] bool diagnoses() const { return !diagnostics_.empty() || epoch_diagnostics_; }
  [[nodiscard]] bool labelled() const { return classes_ > 0; }

  Model& model_;
  Scheduler scheduler_;
  train_options options_;
  LearningRate learning_rate_;
  Loss loss_;
  descent_type descent_;
  detail::steps_in_flight<Model, Supervision> in_flight_;
  decltype(std::declval<typename Model::backend_type&>().make_step_runner()) run_step_;
  detail::callback_list<const step_event&> step_callbacks_;
  detail::callback_list<const epoch_record&> epoch_callbacks_;
  detail::pause_callbacks pause_callbacks_;
  detail::modulators<scalar> modulators_;
  detail::rewards<scalar> rewards_;
  detail::callback_list<const gradients_event<scalar>&> gradient_callbacks_;
  std::function<void(std::size_t)> accumulate_;  ///< adds the gradients of a batch; empty if each makes a step
  std::unique_ptr<detail::rank_run> rank_run_;   ///< null if there is one rank
  /// Puts the samples of the largest losses first; empty if their order does not matter.
  std::function<data::batch_view<scalar>(const data::batch_view<scalar>&, std::size_t)> order_;
  std::size_t group_ = 1;  ///< number of batches of a gradient step
  std::size_t cycle_ = 1;  ///< number of batches after which the run can be interrupted
  detail::diagnostics_callbacks<scalar> diagnostics_;
  diagnosis epoch_diagnostics_;                ///< after each epoch; empty if there are none
  std::vector<named_metric<scalar>> metrics_;  ///< of the validation
  run_state run_;                              ///< without the state of supervision, which in_flight_ has
  std::optional<run_state> restored_;          ///< the start of the next run
  std::size_t classes_ = 0;                    ///< number of classes of the training data
  std::size_t passed_ = 0;                     ///< the base boundary of the latest step
  double processor_seconds_ = 0;               ///< of this rank's steps that the report does not have yet
  bool memory_prepared_ = false;               ///< whether memory was prepared in this run
  bool targets_checked_ = false;               ///< whether the targets of this run's first batch were checked
  std::atomic<bool> stop_{false};
};

template <class M, class S, class V, class O = optimizer::sgd, class R = learning_rate::constant,
          class L = loss::softmax_cross_entropy>
trainer(M&, S, V, train_options, O = {}, R = {}, L = {})
    -> trainer<M, scheduler::scheduler_of<S>, supervision::supervision_of<V>, O, R, L>;

}  // namespace localis
