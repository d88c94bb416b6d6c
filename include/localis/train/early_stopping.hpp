#pragma once

#include <cmath>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/model/snapshot.hpp>
#include <localis/train/report.hpp>

namespace localis {

struct early_stopping_options {
  std::size_t patience = 5;  ///< epochs without progress after which the run stops; at least 1
  double least_change = 0;   ///< by how much the watched value must fall to count as progress
  bool restore_best = true;  ///< whether the model ends with the weights of its best epoch
  /// The value to watch, lower is better; empty: the validation loss or, in a run without validation, the training
  /// loss.
  std::function<double(const epoch_record&)> value{};
};

/// A callback that ends a run when an epoch's value has made no progress for some epochs.
///
///   trainer.on_epoch(early_stopping{trainer, {.patience = 3}});
///   trainer.fit(train, validation);      // report().end is ending::stopped if it stopped early
///
/// The best epoch follows from the trainer's report, so that a resumed run continues to count; its weights are known
/// only if it was not before the resumption. A value of NaN makes no progress. With restore_best, the best weights are
/// put back when the run stops here or reaches its last epoch.
/// State:  with restore_best, a copy of the model's arrays on the host (model_snapshot).
/// Errors: config_error if patience is 0, or least_change is negative or not finite.
template <class Trainer>
class early_stopping {
 public:
  /// The trainer is held by reference, and must outlive this object. Copies share the snapshot.
  explicit early_stopping(Trainer& stopped, early_stopping_options options = {})
      : trainer_(&stopped), options_(std::move(options)), best_(std::make_shared<best_epoch>()) {
    expect(options_.patience > 0, "early_stopping: patience", "at least 1", options_.patience);
    expect(is_finite(options_.least_change) && options_.least_change >= 0, "early_stopping: least_change",
           "a finite number >= 0", options_.least_change);
  }

  void operator()(const epoch_record& last) const {
    const std::size_t best = find_best();
    if (best == last.epoch) {
      if (options_.restore_best) *best_ = {best, trainer_->model().snapshot()};
      return;
    }
    const bool stops = last.epoch - best >= options_.patience;
    if (stops) trainer_->request_stop();
    if (stops || last.epoch + 1 == trainer_->options().epochs) restore_best();
  }

 private:
  struct best_epoch {
    std::size_t epoch = 0;
    std::optional<model_snapshot<typename Trainer::scalar>> model;
  };

  [[nodiscard]] double value_of(const epoch_record& record) const {
    if (options_.value) return options_.value(record);
    return is_nan(record.validation_loss) ? record.loss : record.validation_loss;
  }
  /// The epoch of the last progress.
  [[nodiscard]] std::size_t find_best() const {
    const std::vector<epoch_record>& epochs = trainer_->report().epochs;
    std::size_t best = 0;
    double lowest = value_of(epochs[0]);
    for (const epoch_record& record : epochs) {
      const double value = value_of(record);
      if (value < lowest - options_.least_change || (is_nan(lowest) && !is_nan(value))) {
        lowest = value;
        best = record.epoch;
      }
    }
    return best;
  }
  void restore_best() const {
    if (options_.restore_best && best_->model && best_->epoch == find_best()) trainer_->model().restore(*best_->model);
  }

  Trainer* trainer_;
  early_stopping_options options_;
  std::shared_ptr<best_epoch> best_;
};

template <class T>
early_stopping(T&) -> early_stopping<T>;
template <class T>
early_stopping(T&, early_stopping_options) -> early_stopping<T>;

}  // namespace localis
