#pragma once

#include <algorithm>
#include <cstddef>

#include <localis/backend/thrust/loops.hpp>
#include <localis/core/workspace.hpp>
#include <localis/kernel/launch.hpp>
#include <localis/kernel/rows.hpp>

namespace localis::device {

/// Computes `count` sums over rows for each column. Rows are cut into chunks that depend only on their number, and the
/// sums of the chunks are added in order, so that every run gives bitwise identical results.
template <class Scalar>
class row_sums {
 public:
  row_sums(std::size_t rows, std::size_t columns, std::size_t count, workspace& scratch)
      : rows_(rows),
        columns_(columns),
        count_(count),
        chunks_(std::clamp<std::size_t>((rows + 255) / 256, 1, 64)),
        totals_(scratch.take<double>(chunks_ * count * columns)),
        parts_(scratch.take<Scalar>(chunks_ * count * columns)) {}

  /// Calls f(row, begin, end, sums) for all rows and stores the totals in `sums`, count x columns, or adds them to it.
  template <class System, class Kernel>
  void operator()(const System& system, const Kernel& f, Scalar* sums,
                  kernel::store mode = kernel::store::replace) const {
    for_rows(system, chunks_, columns_,
             kernel::sum_chunk<Scalar, Kernel>{f, rows_, chunks_, columns_, count_, parts_, totals_});
    for_rows(system, 1, count_ * columns_, kernel::add_chunks<Scalar>{totals_, chunks_, count_ * columns_, sums, mode});
  }

 private:
  std::size_t rows_;
  std::size_t columns_;
  std::size_t count_;
  std::size_t chunks_;
  double* totals_;
  Scalar* parts_;
};

}  // namespace localis::device
