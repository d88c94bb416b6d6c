#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include <localis/core/communicator.hpp>
#include <localis/core/error.hpp>

namespace localis {

/// Counts how often samples of one class were predicted as another, with a row for each true class and a column for
/// each predicted class.
///
///   const confusion_matrix seen = confusion(model, test);   // model/evaluate.hpp
///   seen.recall(3)        // fraction of the samples of class 3 that were predicted as class 3
///   seen.precision(3)     // fraction of the samples predicted as class 3 that belong to it
class confusion_matrix {
 public:
  confusion_matrix() = default;
  explicit confusion_matrix(std::size_t classes) : classes_(classes), counts_(classes * classes) {}

  [[nodiscard]] std::size_t classes() const { return classes_; }
  /// The number of samples of class `truth` that were predicted as class `predicted`. Errors: config_error for a class
  /// that does not exist.
  [[nodiscard]] std::size_t count(std::size_t truth, std::size_t predicted) const {
    return counts_[place(truth, predicted)];
  }
  /// Adds samples of class `truth` that were predicted as class `predicted`. Errors: as count().
  void add(std::size_t truth, std::size_t predicted, std::size_t samples = 1) {
    counts_[place(truth, predicted)] += samples;
  }

  /// Adds the counts of other samples of the same classes; a matrix without classes takes those of `other`. Errors:
  /// shape_error.
  confusion_matrix& operator+=(const confusion_matrix& other) {
    if (classes_ == 0) return *this = other;
    if (other.classes_ != classes_) {
      throw shape_error(
          text("confusion_matrix: expected a sum over the same ", classes_, " classes, found ", other.classes_));
    }
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    return *this;
  }

  [[nodiscard]] std::size_t total() const {
    std::size_t sum = 0;
    for (const std::size_t count : counts_) sum += count;
    return sum;
  }
  /// The number of samples of a class.
  [[nodiscard]] std::size_t row(std::size_t truth) const {
    std::size_t sum = 0;
    for (std::size_t predicted = 0; predicted < classes_; ++predicted) sum += count(truth, predicted);
    return sum;
  }
  /// The number of samples that were predicted as a class.
  [[nodiscard]] std::size_t column(std::size_t predicted) const {
    std::size_t sum = 0;
    for (std::size_t truth = 0; truth < classes_; ++truth) sum += count(truth, predicted);
    return sum;
  }

  /// The fraction of correct predictions; NaN without samples.
  [[nodiscard]] double accuracy() const {
    std::size_t right = 0;
    for (std::size_t c = 0; c < classes_; ++c) right += count(c, c);
    return fraction(right, total());
  }
  /// The fraction of the samples of a class that were predicted as that class; NaN if there are none.
  [[nodiscard]] double recall(std::size_t label) const { return fraction(count(label, label), row(label)); }
  /// The fraction of the samples predicted as a class that belong to it; NaN if there are none.
  [[nodiscard]] double precision(std::size_t label) const { return fraction(count(label, label), column(label)); }

  [[nodiscard]] bool operator==(const confusion_matrix&) const = default;

 private:
  [[nodiscard]] std::size_t place(std::size_t truth, std::size_t predicted) const {
    if ((std::max)(truth, predicted) >= classes_) {
      throw config_error(
          text("confusion_matrix: class: expected less than ", classes_, ", found ", (std::max)(truth, predicted)));
    }
    return truth * classes_ + predicted;
  }
  [[nodiscard]] static double fraction(std::size_t part, std::size_t whole) {
    return whole == 0 ? std::numeric_limits<double>::quiet_NaN()
                      : static_cast<double>(part) / static_cast<double>(whole);
  }

  std::size_t classes_ = 0;
  std::vector<std::size_t> counts_;  ///< row-major
};

namespace detail {

/// Adds the counts of all ranks up.
[[gnu::cold]] inline void sum_counts(const exchange& ranks, confusion_matrix& own) {
  std::vector<double> counts;
  for (std::size_t i = 0; i < own.classes() * own.classes(); ++i) {
    counts.push_back(static_cast<double>(own.count(i / own.classes(), i % own.classes())));
  }
  ranks.sum(std::span<double>(counts));
  confusion_matrix all(own.classes());
  for (std::size_t i = 0; i < counts.size(); ++i) {
    all.add(i / own.classes(), i % own.classes(), static_cast<std::size_t>(counts[i]));
  }
  own = all;
}

}  // namespace detail

}  // namespace localis
