#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/data/loader.hpp>
#include <localis/model/step_options.hpp>
#include <localis/train/events.hpp>

// The functions that a user has given to a trainer, by kind. The functions of one kind are called in the order in which
// they were added; adding an empty one removes them all. A function may add others while it runs, because std::deque
// does not move its elements.

namespace localis::detail {

template <class... Arguments>
class callback_list {
 public:
  using callback = std::function<void(Arguments...)>;

  void add(callback added) {
    if (added) {
      callbacks_.push_back(std::move(added));
    } else {
      callbacks_.clear();
    }
  }
  [[nodiscard]] bool empty() const { return callbacks_.empty(); }

  template <class... Values>
  void operator()(Values&&... values) const {
    for (std::size_t i = 0; i < callbacks_.size(); ++i) callbacks_[i](values...);
  }

 private:
  std::deque<callback> callbacks_;
};

/// The functions that give each sample of a batch the third factor of its local updates.
template <class Scalar>
class modulators : public callback_list<const data::batch_view<Scalar>&, std::span<double>> {
 public:
  /// One factor per sample, valid until the next call; empty if there is no modulator.
  /// Errors: config_error for a factor that is not finite.
  [[nodiscard]] std::span<const double> factors(const data::batch_view<Scalar>& batch) {
    if (this->empty()) return {};
    factors_.assign(batch.size, 1.0);
    (*this)(batch, factors_);
    for (std::size_t n = 0; n < batch.size; ++n) {
      if (!is_finite(factors_[n])) {
        throw config_error(text("trainer: modulator of sample ", batch.indices[n],
                                " of the data: expected a finite number, found ", factors_[n]));
      }
    }
    return factors_;
  }

 private:
  std::vector<double> factors_;
};

/// The functions whose results add up to the reward of a step.
template <class Scalar>
class rewards : public callback_list<const data::batch_view<Scalar>&, double&> {
 public:
  using list = callback_list<const data::batch_view<Scalar>&, double&>;

  void add(std::function<double(const data::batch_view<Scalar>&)> added) {
    if (!added) return list::add({});
    list::add(
        [function = std::move(added)](const data::batch_view<Scalar>& batch, double& sum) { sum += function(batch); });
  }

  /// The reward of a step; 1 if there is no function. Errors: config_error for one that is not finite.
  [[nodiscard]] double sum(const data::batch_view<Scalar>& batch, std::size_t epoch, std::size_t step) const {
    if (this->empty()) return 1;
    double result = 0;
    (*this)(batch, result);
    if (!is_finite(result)) {
      throw config_error(
          text("trainer: reward of epoch ", epoch, ", step ", step, ": expected a finite number, found ", result));
    }
    return result;
  }
};

/// The diagnostics that a run computes for a user, each at its own interval of steps.
template <class Scalar>
class diagnostics_callbacks {
 public:
  /// What computes diagnostics before a step, and passes them on.
  using callback = std::function<void(std::size_t epoch, std::size_t step, const data::batch_view<Scalar>& batch,
                                      const step_options& options)>;

  void add(std::size_t interval, callback added) { callbacks_.push_back({interval, std::move(added)}); }
  void clear() { callbacks_.clear(); }
  [[nodiscard]] bool empty() const { return callbacks_.empty(); }
  [[nodiscard]] bool any_due(std::size_t step) const {
    for (const entry& one : callbacks_) {
      if (step % one.interval == 0) return true;
    }
    return false;
  }
  void operator()(std::size_t epoch, std::size_t step, const data::batch_view<Scalar>& batch,
                  const step_options& options) const {
    for (std::size_t i = 0; i < callbacks_.size(); ++i) {
      if (step % callbacks_[i].interval == 0) callbacks_[i].call(epoch, step, batch, options);
    }
  }

 private:
  struct entry {
    std::size_t interval;  ///< in steps
    callback call;
  };

  std::deque<entry> callbacks_;
};

/// The functions that are called between two steps while none is in flight.
class pause_callbacks {
 public:
  void add(std::size_t interval, std::function<void()> added) {
    if (added) {
      callbacks_.push_back({interval, std::move(added)});
    } else {
      callbacks_.clear();
    }
  }

  /// Whether a callback is due after the first `done` of the `steps` steps of an epoch, if the last `group` of them
  /// cannot be interrupted. The end of the epoch does not count.
  [[nodiscard]] bool any_due(std::size_t done, std::size_t steps, std::size_t group = 1) const {
    for (const entry& one : callbacks_) {
      if (one.due(done, steps, group)) return true;
    }
    return false;
  }
  void call_due(std::size_t done, std::size_t steps, std::size_t group = 1) {
    call_if([&](const entry& one) { return one.due(done, steps, group); });
  }
  void call_all() {
    call_if([](const entry&) { return true; });
  }

 private:
  struct entry {
    std::size_t interval;  ///< in steps; 0: at the end of epochs only
    std::function<void()> call;

    [[nodiscard]] bool due(std::size_t done, std::size_t steps, std::size_t group) const {
      return interval > 0 && done / interval > (done - group) / interval && done < steps;
    }
  };

  /// Calls the callbacks that satisfy the predicate. A callback may add another one, which is then called, too.
  template <class Predicate>
  void call_if(const Predicate& wanted) {
    std::size_t i = 0;
    while (i < callbacks_.size()) {
      const entry& one = callbacks_[i++];
      if (wanted(one)) one.call();
    }
  }

  std::deque<entry> callbacks_;
};

}  // namespace localis::detail
