#pragma once

#include <cstddef>
#include <limits>
#include <vector>

#include <localis/train/report.hpp>

namespace localis {

/// Sums over the steps of the epoch under way.
struct epoch_sums {
  struct mean {
    double sum = 0;
    std::size_t count = 0;
    void add(double value) {
      sum += value;
      ++count;
    }
    [[nodiscard]] double value() const {
      return count == 0 ? std::numeric_limits<double>::quiet_NaN() : sum / static_cast<double>(count);
    }
  };

  double rate = 0;
  double gain = 0;
  double share = 0;
  double loss = 0;
  std::size_t correct = 0;
  mean norm;
  std::vector<mean> stage_norms;
};

/// Where a run stands between two steps, beside the arrays of its model and its optimizer. The order of samples,
/// dropout and augmentation follow from seeds and these counts; a scheduler's state follows from what the report says
/// of the epochs before.
struct run_state {
  std::size_t epoch = 0;  ///< under way; the number of epochs where the run is over
  std::size_t step = 0;   ///< of that epoch, to come next
  std::size_t steps = 0;  ///< of an epoch
  localis::report report;
  epoch_sums sums;
  std::vector<std::byte> supervision;  ///< its state
};

}  // namespace localis
