#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

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
#include <localis/train/report.hpp>
#include <localis/train/stored_run.hpp>
#include <localis/train/trainer.hpp>

namespace localis::io {
class checkpoint_folder;
}

/// Comparisons of training runs. What knows the model is here; the rest is compiled once, in lab.cpp.
namespace examples {

struct earlier_runs;  // resume.hpp

/// Does one run after the other, keeps what they came to, and writes the report after each.
class lab {
 public:
  /// @param network  that the runs train
  /// @param fractions   of its stages in its products
  lab(const settings& chosen, const pictures& data, const report_folder& folder, localis::summary network,
      std::vector<double> fractions);
  lab(const lab&) = delete;
  lab& operator=(const lab&) = delete;
  ~lab();

  /// What tells one run from another, besides its boundary.
  struct conditions {
    double local_rate = 0;  ///< 0: stages before the boundary are frozen
    localis::prefix_normalization normalization = localis::prefix_normalization::running;
    std::size_t epochs = 0;
  };

  /// Trains the model that `make(seed)` returns, and looks at the test pictures once, at the end. Does nothing where
  /// the run is not wanted, or is there from before. A run that diverges is a result too. One that is interrupted is
  /// stored, and taken up by --resume.
  template <class Make, class Scheduler, class Supervision>
  void run(const std::string& name, std::uint64_t seed, const Make& make, const Scheduler& scheduler,
           const Supervision& supervision, const conditions& how) {
    const settings& s = all_.chosen;
    if (!s.wants(name) || interrupted() || is_there(name, seed, how)) return;
    auto fresh = make(seed);
    localis::trainer trainer(fresh, scheduler, supervision,
                             localis::train_options{.epochs = how.epochs,
                                                    .batch = s.batch,
                                                    .local_rate = how.local_rate,
                                                    .normalization = how.normalization,
                                                    .seed = seed},
                             s.optimizer, s.learning_rate);
    std::string place;
    std::function<void(const localis::epoch_record&)> log;
    trainer.on_step([&](const localis::step_event& now) {
      bar_.step(now);
      if (!interrupted()) return;
      trainer.request_stop();
      place = localis::text("epoch ", now.epoch + 1, " of ", now.epochs, ", step ", now.step + 1, " of ", now.steps);
    });
    trainer.on_epoch([&](const localis::epoch_record& record) {
      bar_.epoch(record, how.epochs);
      if (place.empty()) log(record);  // else it is a part of one, and comes again
      if (!interrupted()) return;
      trainer.request_stop();
      if (place.empty()) place = localis::text("after epoch ", record.epoch + 1, " of ", how.epochs);
    });

    run_result result = begin(name, seed, how);
    const std::vector<float> before = first_weights(fresh);
    const bool goes_on =
        s.resume && take_up([&](const localis::stored_run<float>& from) { localis::restore(trainer, from); });
    log = open_log(name, seed, goes_on);
    const auto keep = [&] { write_checkpoint(localis::store(trainer)); };
    if (s.every > 0) trainer.on_pause(s.every, keep);
    try {
      result.report = trainer.fit(data_.train, data_.validation);
      if (result.finished()) {
        result.confusion = localis::confusion(fresh, data_.test);
        result.test_accuracy = result.confusion.accuracy();
        result.filters = drawn_filters(fresh.operations()[0], before, first_weights(fresh));
      }
      if (!result.finished()) {
        all_.message = localis::text("interrupted in ", name, ", seed ", seed, ", ", place);
        keep();
      }
    } catch (const localis::divergence_error& failure) {
      result.report = trainer.report();
      diverged_ = localis::text(name, ", seed ", seed, ": ", failure.what(), " (epoch and step counted from 0)");
    }
    end(std::move(result));
  }

  /// Which run was the last to diverge, where and how; empty where none did.
  [[nodiscard]] const std::string& diverged() const { return diverged_; }

  /// Takes up runs that were done before; see read_runs.
  void keep(earlier_runs earlier);

  /// No run follows.
  void finish();

  [[nodiscard]] const experiment& all() const { return all_; }
  [[nodiscard]] progress& bar() { return bar_; }

 private:
  /// Whether the run is there from before, and came to its end; else what is there of it goes.
  [[nodiscard]] bool is_there(const std::string& name, std::uint64_t seed, const conditions& how);
  [[nodiscard]] run_result begin(const std::string& name, std::uint64_t seed, const conditions& how);
  void end(run_result result);
  /// What takes a run's epochs to the files of its own folder; those that are there from before go, or go on.
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
  /// Empty where the units are no pictures.
  [[nodiscard]] static std::string drawn_filters(const localis::operation& layer, const std::vector<float>& before,
                                                 const std::vector<float>& after);
  /// Hands over the last checkpoint of the run begun that loads; false where there is none.
  bool take_up(const std::function<void(const localis::stored_run<float>&)>& restore);
  void write_checkpoint(const localis::stored_run<float>& run);
  void save() const;

  const pictures& data_;
  const report_folder& folder_;
  progress bar_;
  experiment all_;
  std::filesystem::path checkpoints_;
  std::unique_ptr<localis::io::checkpoint_folder> stored_;  ///< of the run begun
  bool anew_ = false;                                       ///< what is stored of it was done in another way
  std::string diverged_;
};

/// The whole number of epochs of gradient descent that comes closest to the training time of another run.
[[nodiscard]] std::size_t short_epochs(const lab& lab, const std::string& of, std::uint64_t seed);

/// A whole comparison; returns the program's exit status.
/// @param runs  does all runs of one seed
/// Errors: config_error, shape_error for what only shows once the data and the network are known
[[nodiscard]] int compare(const settings& chosen, const pictures& data, localis::summary network,
                          std::vector<double> fractions, const std::function<void(lab&, std::uint64_t seed)>& runs);

/// What would be lost, or not be there, in the folders that were chosen: looked at before pictures are read.
/// Errors: config_error
void check_folders(const settings& chosen);

/// What --dry-run tells, with the memory of local learning and of a frozen prefix; returns the exit status.
[[nodiscard]] int tell_dry_run(const settings& chosen, const localis::summary& local, const localis::summary& frozen);

/// The same for the network of a model.
/// @param load  reads the pictures
/// @param make  a fresh Model from a seed
template <class Model, class Make>
[[nodiscard]] int compare(const settings& chosen, const std::function<pictures()>& load, const Make& make,
                          const std::function<void(lab&, std::uint64_t seed)>& runs) {
  if (chosen.dry_run) {
    const Model fresh = make(1);
    localis::memory_request wanted{.batch = chosen.batch, .normalization = chosen.normalization};
    const localis::summary local = fresh.summary(wanted);
    wanted.local_learning = false;
    return tell_dry_run(chosen, local, fresh.summary(wanted));
  }
  check_folders(chosen);
  const pictures data = load();
  const auto fractions = Model::work_fractions();
  return compare(chosen, data, make(1).summary(), {fractions.begin(), fractions.end()}, runs);
}

/// The program around it all: reads the command line of `of`, whose defaults are those of `defaults`, does the work,
/// and tells what goes wrong in one line. Returns the exit status.
/// @param what  it does, for --help
[[nodiscard]] int run_comparison(const program& of, const char* what, int argc, char** argv, const settings& defaults,
                                 const std::function<int(const settings&)>& work);

}  // namespace examples
