#pragma once

#include <algorithm>
#include <cstddef>

#include <localis/backend/thrust/loops.hpp>
#include <localis/core/workspace.hpp>
#include <localis/kernel/elementwise.hpp>
#include <localis/kernel/launch.hpp>
#include <localis/kernel/rows.hpp>

namespace localis::device {

/// Computes `count` sums over rows for each column. Rows are cut into chunks that depend only on the extents, the
/// chunks' sums are summed in the same way where there are many, and the last few are added in order, so that every run
/// gives bitwise identical results.
template <class Scalar, class System>
class row_sums {
 public:
  row_sums(std::size_t rows, std::size_t columns, std::size_t count, workspace& scratch)
      : rows_(rows),
        columns_(columns),
        count_(count),
        chunks_(chunks_of(rows, columns)),
        totals_(scratch.take<double>(chunks_ * count * columns)),
        last_totals_(chunks_ > few_chunks ? scratch.take<double>(few_chunks * count * columns) : totals_),
        parts_(scratch.take<Scalar>(chunks_ * count * columns)) {}

  /// Calls f(row, begin, end, sums), or f.terms(row, column), for all rows, and stores the totals in `sums`, count x
  /// columns, or adds them to it.
  template <class Kernel>
  void operator()(const System& system, const Kernel& f, Scalar* sums,
                  kernel::store mode = kernel::store::replace) const {
    if constexpr (System::by_element && kernel::has_terms<Kernel>) {
      for_rows(system, chunks_, columns_, kernel::sum_terms<Scalar, Kernel>{f, rows_, chunks_, columns_, totals_});
    } else {
      for_rows(system, chunks_, columns_,
               kernel::sum_chunk<Scalar, Kernel>{f, rows_, chunks_, columns_, count_, parts_, totals_});
    }
    const std::size_t size = count_ * columns_;
    if (chunks_ > few_chunks) {
      using column_sums = kernel::column_sums<double>;
      for_rows(system, few_chunks, size,
               kernel::sum_terms<double, column_sums>{{totals_, size}, chunks_, few_chunks, size, last_totals_});
    }
    for_rows(system, 1, size,
             kernel::add_chunks<Scalar>{last_totals_, (std::min)(chunks_, few_chunks), size, sums, mode});
  }

 private:
  static constexpr std::size_t few_chunks = 64;

  /// With a call for each element, as many chunks as give a GPU 2^17 calls to run side by side, but of 32 rows at
  /// least; else a chunk for each thread of a large machine.
  static std::size_t chunks_of(std::size_t rows, std::size_t columns) {
    if constexpr (System::by_element) {
      const std::size_t most = std::max<std::size_t>(few_chunks, (std::size_t{1} << 17) / columns);
      return std::clamp<std::size_t>(rows / 32, 1, most);
    } else {
      return std::clamp<std::size_t>((rows + 255) / 256, 1, few_chunks);
    }
  }

  std::size_t rows_;
  std::size_t columns_;
  std::size_t count_;
  std::size_t chunks_;
  double* totals_;
  double* last_totals_;
  Scalar* parts_;
};

}  // namespace localis::device
