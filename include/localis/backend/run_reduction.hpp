#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include <localis/backend/concept.hpp>
#include <localis/core/memory.hpp>
#include <localis/kernel/reduction.hpp>

namespace localis {

/// Runs a reduction on any backend as loops over independent calls.
///
/// @param work   number of elements that a call processes
/// @param parts  scratch of size x count_of_numbers values
template <class Backend, kernel::reducing Kernel>
// NOLINTNEXTLINE(readability-non-const-parameter): kernels write to it through number_parts
void run_reduction(const Backend& backend, std::size_t size, std::size_t work, const Kernel& f, double* parts) {
  constexpr std::size_t numbers = kernel::count_of_numbers<Kernel>;
  constexpr std::size_t limit = 1024 / numbers;
  const kernel::number_parts<numbers> stored{parts};
  backend.for_rows(size, work, kernel::store_numbers<Kernel>{f, stored});
  if (size > limit) backend.for_rows(limit, 1, kernel::fold_numbers<Kernel>{stored, size, limit});
  backend.for_rows(1, 1, kernel::finish_numbers<Kernel>{f, stored, (std::min)(size, limit)});
}

/// Runs several reductions one after the other.
template <class Backend, kernel::reducing Kernel>
class reductions_in_turn {
 public:
  /// @param sizes  the number of calls of each reduction of the longest list that will run
  reductions_in_turn(const Backend& backend, memory_kind kind, std::span<const std::size_t> sizes)
      : parts_(backend.template allocate<double>(
            kind, kernel::count_of_numbers<Kernel> * (sizes.empty() ? 0 : (std::ranges::max)(sizes)))) {}

  /// Runs some of the reductions of the list.
  void run(const Backend& backend, std::span<const reduction_call<Kernel>> calls) {
    for (const reduction_call<Kernel>& call : calls) {
      backend.reduce(call.size, call.work, call.kernel, parts_.data());
    }
  }

 private:
  typename Backend::template array<double> parts_;
};

}  // namespace localis
