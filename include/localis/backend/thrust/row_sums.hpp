#pragma once

#include <algorithm>
#include <cstddef>

#include <localis/backend/thrust/loops.hpp>
#include <localis/core/workspace.hpp>
#include <localis/kernel/launch.hpp>
#include <localis/kernel/rows.hpp>

namespace localis::device {

/// Sums over rows, `count` for each column. Rows are cut into chunks that depend on their number alone, and the sums of
/// the chunks are added in order: the same bytes on every run.
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

  /// sums: count x columns, what f(row, begin, end, sums) adds for all rows
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
