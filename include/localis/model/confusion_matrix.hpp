#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <vector>

#include <localis/core/error.hpp>

namespace localis {

/// How often samples of one class were taken for another: a row for each true class, a column for each predicted one.
///
///   const confusion_matrix seen = confusion(model, test);   // model/evaluate.hpp
///   seen.recall(3)        // of the samples of class 3, the fraction that was found
///   seen.precision(3)     // of those taken for class 3, the fraction that was
class confusion_matrix {
 public:
  confusion_matrix() = default;
  explicit confusion_matrix(std::size_t classes) : classes_(classes), counts_(classes * classes) {}

  [[nodiscard]] std::size_t classes() const { return classes_; }
  /// Samples of class `truth` that were taken for class `predicted`. Errors: config_error for a class that is not
  /// there.
  [[nodiscard]] std::size_t count(std::size_t truth, std::size_t predicted) const {
    return counts_[place(truth, predicted)];
  }
  /// Errors: as count().
  void add(std::size_t truth, std::size_t predicted, std::size_t samples = 1) {
    counts_[place(truth, predicted)] += samples;
  }

  /// Of other samples of the same classes, or to a matrix of none. Errors: shape_error.
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
  /// Samples of a class.
  [[nodiscard]] std::size_t row(std::size_t truth) const {
    std::size_t sum = 0;
    for (std::size_t predicted = 0; predicted < classes_; ++predicted) sum += count(truth, predicted);
    return sum;
  }
  /// Samples that were taken for it.
  [[nodiscard]] std::size_t column(std::size_t predicted) const {
    std::size_t sum = 0;
    for (std::size_t truth = 0; truth < classes_; ++truth) sum += count(truth, predicted);
    return sum;
  }

  /// Fraction of right answers. Here and below NaN where it would be a fraction of nothing.
  [[nodiscard]] double accuracy() const {
    std::size_t right = 0;
    for (std::size_t c = 0; c < classes_; ++c) right += count(c, c);
    return fraction(right, total());
  }
  [[nodiscard]] double recall(std::size_t label) const { return fraction(count(label, label), row(label)); }
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

}  // namespace localis
