#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include <localis/backend/thrust/loops.hpp>
#include <localis/core/workspace.hpp>
#include <localis/kernel/column_blocks.hpp>
#include <localis/kernel/divide.hpp>
#include <localis/kernel/launch.hpp>
#include <localis/kernel/reduction.hpp>
#include <localis/kernel/rows.hpp>

namespace localis::device {

/// Computes `count` sums over rows for each column. Rows are cut into chunks that depend only on the extents, and the
/// sums of the chunks are added in order, so that every run gives bitwise identical results. A GPU takes the sums of a
/// kernel that defines `terms` in one launch (kernel/column_blocks.hpp).
template <class Scalar, class System>
class row_sums {
 public:
  row_sums(std::size_t rows, std::size_t columns, std::size_t count, workspace& scratch)
      : rows_(rows),
        columns_(columns),
        count_(count),
        totals_(scratch.take<double>((std::max)(chunks(), block_chunks()) * count * columns)),
        parts_(scratch.take<Scalar>(chunks() * count * columns)) {}

  /// Calls f(row, begin, end, sums), or f.terms(row, column), for all rows, stores the totals in `sums`, count x
  /// columns, or adds them to it, and then calls f.finish if there is such a function.
  template <class Kernel>
  void operator()(const System& system, const Kernel& f, Scalar* sums,
                  kernel::store mode = kernel::store::replace) const {
    if constexpr (System::by_element && kernel::has_terms<Kernel>) {
      using blocks = kernel::column_blocks<Scalar, Kernel>;
      const std::size_t groups = kernel::column_groups(columns_);
      const std::size_t teams = block_chunks();
      const std::span<std::uint32_t> counters = system.block_counters();
      for (std::size_t first = 0; first < groups; first += counters.size()) {
        system.run_blocks(
            (std::min)(groups - first, counters.size()) * teams,
            kernel::one_reduction<blocks>{{f, kernel::narrow(rows_), kernel::narrow(columns_), kernel::narrow(teams),
                                           totals_, sums, mode, counters.data(), kernel::narrow(first)}});
      }
    } else {
      for_rows(system, chunks(), columns_,
               kernel::sum_chunk<Scalar, Kernel>{f, rows_, chunks(), columns_, count_, parts_, totals_});
      for_rows(system, 1, columns_,
               kernel::add_chunks<Scalar, Kernel>{f, totals_, chunks(), columns_, count_, sums, mode});
    }
  }

 private:
  [[nodiscard]] std::size_t chunks() const { return std::clamp<std::size_t>((rows_ + 255) / 256, 1, 64); }
  [[nodiscard]] std::size_t block_chunks() const {
    return System::by_element ? kernel::chunks_of_blocks(rows_, columns_) : 0;
  }

  std::size_t rows_;
  std::size_t columns_;
  std::size_t count_;
  double* totals_;
  Scalar* parts_;
};

}  // namespace localis::device
