#pragma once

#include <array>
#include <cstddef>
#include <type_traits>
#include <utility>

#include <localis/config.hpp>

namespace localis {

namespace detail {

template <class Kernel>
constexpr bool check_whole_rows() {
  if constexpr (std::is_invocable_v<const Kernel&, std::size_t>) {
    static_assert(std::is_void_v<std::invoke_result_t<const Kernel&, std::size_t>>,
                  "localis: a loop would drop what this kernel returns; reduce() takes kernels that return numbers");
    return true;
  }
  return false;
}

}  // namespace detail

/// Whether a kernel takes whole rows: f(row). All other kernels take a stretch of a row's columns, f(row, begin, end),
/// and backends may cut rows into stretches. There are at most kernel::most_rows rows and columns.
template <class Kernel>
inline constexpr bool takes_whole_rows = detail::check_whole_rows<Kernel>();

template <class Kernel>
constexpr void run_row(const Kernel& f, std::size_t row, std::size_t columns) {
  if constexpr (takes_whole_rows<Kernel>) {
    f(row);
  } else {
    f(row, 0, columns);
  }
}

namespace kernel {

/// Whether a result replaces the values of its array or is added to them.
enum class store { replace, add };

/// The type of what a kernel over rows adds to the sums of one column for one row, f.terms(row, column): an array with
/// one value for each sum. A kernel that defines `terms` can be summed in registers.
template <class Kernel>
using terms_of = decltype(std::declval<const Kernel&>().terms(std::size_t{}, std::size_t{}));

template <class Kernel>
concept has_terms = requires {
  typename terms_of<Kernel>;
};

/// Adds terms First ... to sums that lie `stride` values apart.
template <std::size_t First = 0, class T, std::size_t Count>
constexpr void add_terms(const std::array<T, Count>& terms, T* sums, std::size_t stride) {
  [&]<std::size_t... K>(std::index_sequence<K...>) { ((sums[(First + K) * stride] += terms[First + K]), ...); }
  (std::make_index_sequence<Count - First>());
}

/// Adds the terms of a stretch of a row to the sums of its columns, Count x columns, which must not overlap what f
/// reads or writes: compilers then need not check that.
template <class Kernel, class T>
constexpr void add_row_terms(const Kernel& f, std::size_t row, std::size_t begin, std::size_t end, std::size_t columns,
                             T* __restrict sums) {
  LOCALIS_VECTORIZE
  for (std::size_t c = begin; c < end; ++c) add_terms(f.terms(row, c), sums + c, columns);
}

/// Sums over rows by the kernel `sums`, and then the kernel `end` over one row of their columns, which reads the sums
/// where they were stored.
template <class Sums, class End>
struct followed_by {
  Sums sums;
  End end;

  constexpr auto terms(std::size_t row, std::size_t column) const requires has_terms<Sums> {
    return sums.terms(row, column);
  }
  template <class T>
  constexpr void operator()(std::size_t row, std::size_t first, std::size_t last, T* totals) const {
    sums(row, first, last, totals);
  }
  constexpr void finish(std::size_t first, std::size_t last) const { end(0, first, last); }
};

/// Finishes the sums of some columns that a kernel has taken, f.finish(first column, last column), if it wants that.
template <class Kernel>
constexpr void finish_columns(const Kernel& f, std::size_t first, std::size_t last) {
  if constexpr (requires { f.finish(first, last); }) f.finish(first, last);
}

}  // namespace kernel

}  // namespace localis
