#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include <localis/core/communicator.hpp>
#include <localis/core/error.hpp>
#include <localis/model/step_options.hpp>
#include <localis/train/rank_averages.hpp>
#include <localis/train/ranks.hpp>

namespace localis::detail {

/// What ranks compare before a run, besides the values that the trainer tells everyone.
struct run_beginning {
  std::size_t samples = 0;    ///< of the training data
  std::size_t validated = 0;  ///< samples of the validation data
  std::size_t group = 1;      ///< batches of a gradient step
  std::size_t epoch = 0;
  std::size_t step = 0;
  bool diagnoses = false;
  bool rewards = false;
};

/// What a trainer does on several ranks besides its steps. It is virtual so that only programs that distribute a
/// trainer compile it.
class rank_run {
 public:
  rank_run() = default;
  rank_run(const rank_run&) = delete;
  rank_run& operator=(const rank_run&) = delete;
  virtual ~rank_run() = default;
  /// Begins a run. Errors: config_error on every rank, for what differs and for what cannot be done on several ranks.
  virtual void start(const run_beginning& begin) = 0;
  /// Begins an epoch. Returns after how many of its steps all ranks have the same weights.
  [[nodiscard]] virtual std::size_t start_epoch(std::size_t epoch, std::size_t steps) = 0;
  /// Prepares a step of which this rank has `samples`.
  virtual void begin_step(std::size_t epoch, std::size_t samples, step_options& step) = 0;
  /// Completes what is due after `done` of the `steps` steps of an epoch.
  virtual void end_step(std::size_t epoch, std::size_t done, std::size_t steps) = 0;
};

/// Holds the trainer, its learning rate and its loss by reference.
template <class Trainer, class LearningRate, class Loss>
class rank_run_of final : public rank_run {
 public:
  rank_run_of(Trainer& trainer, const LearningRate& rate, const Loss& error, const rank_options& options)
      : trainer_(trainer),
        rate_(rate),
        loss_(error),
        options_(options),
        averages_(trainer.model(), trainer.descent(), options) {}

  void start(const run_beginning& begin) override {
    rank_values values = values_of_run(trainer_);
    add_values(values, options_);
    values.emplace_back("learning rate", policy_text(rate_));
    values.emplace_back("loss", policy_text(loss_));
    values.emplace_back("batches of a gradient step", text(begin.group));
    values.emplace_back("samples of the training data", text(begin.samples));
    values.emplace_back("samples of the validation data", text(begin.validated));
    values.emplace_back("first epoch", text(begin.epoch));
    values.emplace_back("first step", text(begin.step));
    values.emplace_back("diagnose()", begin.diagnoses ? "set" : "not set");
    values.emplace_back("reward()", begin.rewards ? "set" : "not set");
    compare_on_ranks(*trainer_.model().ranks(), values);
    expect(!begin.diagnoses && !begin.rewards, "trainer::distribute: diagnose() and reward()",
           "neither, since they see the part of a rank", "one");
    expect(options_.suffix_every == 1 || begin.group == 1, "trainer::distribute: batches of a gradient step",
           "1, with suffix_every > 1", begin.group);
    averages_.start();
  }
  std::size_t start_epoch(std::size_t epoch, std::size_t steps) override {
    compare_on_ranks(*trainer_.model().ranks(), values_of_epoch(trainer_.scheduler(), epoch, steps, averages_.stages));
    return averages_.cycle(epoch);
  }
  void begin_step(std::size_t epoch, std::size_t samples, step_options& step) override {
    if (!options_.exact()) averages_.begin_step(epoch, samples, step);
  }
  void end_step(std::size_t epoch, std::size_t done, std::size_t steps) override {
    if (!options_.exact()) averages_.end_step(epoch, done, steps);
  }

 private:
  using model_type = std::remove_reference_t<decltype(std::declval<Trainer&>().model())>;

  Trainer& trainer_;
  const LearningRate& rate_;
  const Loss& loss_;
  rank_options options_;
  rank_averages<model_type, typename Trainer::descent_type> averages_;
};

}  // namespace localis::detail
