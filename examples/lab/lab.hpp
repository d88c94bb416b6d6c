#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "../ranks.hpp"
#include "experiment.hpp"
#include "interrupt.hpp"
#include "pictures.hpp"
#include "progress.hpp"
#include "report/report_folder.hpp"
#include "settings.hpp"

#include <localis/core/error.hpp>
#include <localis/core/operation.hpp>
#include <localis/model/evaluate.hpp>
#include <localis/model/step_options.hpp>
#include <localis/model/summary.hpp>
#include <localis/optimizer/averaged.hpp>
#include <localis/train/report.hpp>
#include <localis/train/stored_run.hpp>
#include <localis/train/trainer.hpp>

namespace localis::io {
class checkpoint_folder;
}

/// Comparisons of training runs. This header contains the code that depends on the model; the rest is compiled once, in
/// lab.cpp.
namespace examples {

struct earlier_runs;  // resume.hpp

/// Performs one run after the other, keeps their results, and writes the report after each. All ranks perform the runs,
/// and the first one writes.
class lab {
 public:
  /// @param folder  for the report; null on ranks that are not the first
  /// @param network  that the runs train
  /// @param fractions   of its stages in its products
  lab(const settings& chosen, const pictures& data, const report_folder* folder, localis::summary network,
      std::vector<double> fractions);
  lab(const lab&) = delete;
  lab& operator=(const lab&) = delete;
  ~lab();

  /// The settings that distinguish one run from another, besides the boundary.
  struct conditions {
    double local_rate = 0;  ///< 0: stages before the boundary are frozen
    localis::prefix_normalization normalization = localis::prefix_normalization::running;
    std::size_t epochs = 0;
    double average_decay = 0;     ///< of the weights that stages take over when the boundary passes them; 0: none
    std::size_t cache_bytes = 0;  ///< of features that are kept of frozen stages
    bool constant_rate = false;   ///< after its rise the learning rate stays, since the scheduler lets it fall
  };

  /// Trains the model that `make(seed)` returns, and evaluates the test pictures once, at the end. It does nothing if
  /// the run was not requested or was finished earlier. A run that diverges is a result, too. A run that is interrupted
  /// is stored, and --resume continues it.
  template <class Make, class Scheduler, class Supervision>
  void run(const std::string& name, std::uint64_t seed, const Make& make, const Scheduler& scheduler,
           const Supervision& supervision, const conditions& options) {
    const settings& s = all_.chosen;
    if (!s.wants(name) || on_any_rank(interrupted()) || is_there(name, seed, options)) return;
    if (options.average_decay > 0) {
      const localis::optimizer::averaged averaging{s.optimizer, options.average_decay};
      train(name, seed, make, scheduler, supervision, options, averaging);
    } else {
      train(name, seed, make, scheduler, supervision, options, s.optimizer);
    }
  }

  /// Describes the last run that diverged, and where and how it did; empty if no run diverged.
  [[nodiscard]] const std::string& diverged() const { return diverged_; }

  /// Takes over the runs of an earlier comparison; see read_runs. Errors: config_error if runs are to go on for more
  /// epochs, and a checkpoint of one is missing.
  void keep(earlier_runs earlier);

  /// Must be called after the last run.
  void finish();

  [[nodiscard]] const experiment& all() const { return all_; }
  [[nodiscard]] progress& bar() { return bar_; }

 private:
  template <class Make, class Scheduler, class Supervision, class Optimizer>
  void train(const std::string& name, std::uint64_t seed, const Make& make, const Scheduler& scheduler,
             const Supervision& supervision, const conditions& options, const Optimizer& optimizer) {
    const settings& s = all_.chosen;
    auto fresh = make(seed);
    localis::trainer trainer(fresh, scheduler, supervision,
                             localis::train_options{.epochs = options.epochs,
                                                    .batch = s.batch,
                                                    .local_rate = options.local_rate,
                                                    .normalization = options.normalization,
                                                    .seed = seed,
                                                    .cache_bytes = options.cache_bytes},
                             optimizer, learning_rate_of(name, options));
    if (s.diagnose) {
      std::vector<std::size_t> stages(decltype(fresh)::network_type::highest_boundary);
      std::iota(stages.begin(), stages.end(), std::size_t{0});
      trainer.diagnose(std::move(stages));
    }
    distribute(trainer, s.ranks);
    std::string place;  // where this rank has asked for a stop or, after an epoch, any has
    std::function<void(const localis::epoch_record&)> log;
    trainer.on_step([&](const localis::step_event& event) {
      bar_.step(event);
      if (!interrupted()) return;
      trainer.request_stop();
      place = localis::text("epoch ", event.epoch + 1, " of ", event.epochs, ", step ", event.step + 1, " of ",
                            event.steps);
    });
    trainer.on_epoch([&](const localis::epoch_record& record) {
      bar_.epoch(record, options.epochs);
      place = first_text(place);
      if (place.empty()) log(record);  // else it is a part of one, and comes again
      if (!interrupted()) return;
      trainer.request_stop();
      if (place.empty()) place = localis::text("after epoch ", record.epoch + 1, " of ", options.epochs);
    });

    run_result result = begin(name, seed, options);
    const std::vector<float> initial_weights = first_weights(fresh);
    const bool goes_on =
        s.resume && take_up([&](const localis::stored_run<float>& stored) { localis::restore(trainer, stored); });
    log = open_log(name, seed, goes_on);
    const auto keep = [&] { write_checkpoint([&] { return localis::store(trainer); }); };
    if (s.every > 0) trainer.on_pause(s.every, keep);
    try {
      result.report = trainer.fit(data_.train, data_.validation);
      if (result.finished()) {
        result.confusion = localis::confusion(fresh, data_.test);
        result.test_accuracy = result.confusion.accuracy();
        result.filters = drawn_filters(fresh.operations()[0], initial_weights, first_weights(fresh));
      }
      if (!result.finished()) {
        all_.message = localis::text("interrupted in ", name, ", seed ", seed, ", ", first_text(place));
        keep();
      }
    } catch (const localis::divergence_error& failure) {
      result.report = trainer.report();
      diverged_ = localis::text(name, ", seed ", seed, ": ", failure.what(), " (epoch and step counted from 0)");
    }
    end(std::move(result));
  }

  using rate_function = std::function<double(double epoch, double epochs)>;
  [[nodiscard]] rate_function learning_rate_of(const std::string& name, const conditions& options) const;
  /// Whether the run was finished earlier. If it was not, its partial results are removed.
  [[nodiscard]] bool is_there(const std::string& name, std::uint64_t seed, const conditions& options);
  [[nodiscard]] run_result begin(const std::string& name, std::uint64_t seed, const conditions& options);
  void end(run_result result);
  /// Returns a function that writes a run's epochs to the files of its folder. Existing files are replaced or
  /// continued.
  [[nodiscard]] std::function<void(const localis::epoch_record&)> open_log(const std::string& name, std::uint64_t seed,
                                                                           bool goes_on) const;

  /// On the host.
  template <class Model>
  [[nodiscard]] static std::vector<float> first_weights(const Model& model) {
    if constexpr (Model::network_type::program.operations[0].trainable()) {
      const auto weights = model.template layer<0>().parameters()[0];
      std::vector<float> values(weights.size());
      model.backend().download(weights.value, std::span<float>(values));
      return values;
    } else {
      return {};
    }
  }
  /// Draws the weights of the first layer; empty if the units cannot be shown as pictures.
  [[nodiscard]] static std::string drawn_filters(const localis::operation& layer,
                                                 const std::vector<float>& initial_weights,
                                                 const std::vector<float>& trained_weights);
  /// Passes the latest checkpoint of the current run that loads to a function; returns false if there is none.
  bool take_up(const std::function<void(const localis::stored_run<float>&)>& restore);
  void write_checkpoint(const std::function<localis::stored_run<float>()>& store);
  void save() const;

  const pictures& data_;
  const report_folder* folder_;
  progress bar_;
  experiment all_;
  std::filesystem::path checkpoints_;
  std::unique_ptr<localis::io::checkpoint_folder> stored_;  ///< checkpoints of the current run
  bool anew_ = false;                                       ///< whether its stored state has other settings
  bool grows_ = false;                                      ///< whether earlier runs go on for more epochs
  std::string diverged_;
};

/// The whole number of epochs of gradient descent that comes closest to the training time of another run.
[[nodiscard]] std::size_t short_epochs(const lab& lab, const std::string& name, std::uint64_t seed);

/// A whole comparison; returns the program's exit status.
/// @param runs  performs all runs of one seed
/// Errors: config_error, shape_error for what only shows once the data and the network are known
[[nodiscard]] int compare(const settings& chosen, const pictures& data, localis::summary network,
                          std::vector<double> fractions, const std::function<void(lab&, std::uint64_t seed)>& runs);

/// Checks the chosen folders, before pictures are read, for files that would be lost or that are missing.
/// Errors: config_error
void check_folders(const settings& chosen);

/// What --dry-run tells, with the memory of local learning and of a frozen prefix; returns the exit status.
[[nodiscard]] int tell_dry_run(const settings& chosen, const localis::summary& local, const localis::summary& frozen);

/// Performs a whole comparison with the network of a model; returns the program's exit status.
/// @param load  reads the pictures
/// @param make  returns a fresh Model from a seed
template <class Model, class Make>
[[nodiscard]] int compare(const settings& chosen, const std::function<pictures()>& load, const Make& make,
                          const std::function<void(lab&, std::uint64_t seed)>& runs) {
  if (chosen.dry_run) {
    const Model fresh = make(1);
    const std::size_t part = (chosen.batch + ranks().size() - 1) / ranks().size();
    localis::memory_request wanted{.batch = part, .normalization = chosen.normalization};
    const localis::summary local = fresh.summary(wanted);
    wanted.local_learning = false;
    return tell_dry_run(chosen, local, fresh.summary(wanted));
  }
  run_on_first([&] { check_folders(chosen); });
  const pictures data = load();
  const auto fractions = Model::work_fractions();
  return compare(chosen, data, make(1).summary(), {fractions.begin(), fractions.end()}, runs);
}

/// Runs a comparison program: it reads the command line, performs the work, and reports an error in one line. Returns
/// the exit status.
/// @param defaults  the program, and the settings with which it begins
[[nodiscard]] int run_comparison(const settings& defaults, int argc, const char* const* argv,
                                 const std::function<int(const settings&)>& work);

}  // namespace examples
