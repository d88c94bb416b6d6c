#pragma once

#include <array>
#include <cstddef>
#include <type_traits>

#include <localis/config.hpp>
#include <localis/core/shape.hpp>
#include <localis/math/activation.hpp>

namespace localis::kernel {

/// An empty epilogue: nothing runs after the response in the same pass.
struct no_epilogue {
  static constexpr bool present = false;
  static constexpr bool trains = false;
  static constexpr std::size_t pool = 1;
};

/// Does nothing once the moments of a response are complete.
struct no_finish {
  constexpr void operator()(std::size_t, std::size_t, std::size_t) const {}
};

/// The function of an epilogue that leaves the response as it is and takes its moments.
struct no_function {};

/// The operations that run on a response while its rows are in cache: y = f(u scale + shift), in place; the moments of
/// u about `center`, if it is not null, and then the kernel `at_end` over their columns; then the maximum of each
/// pool x pool square.
template <class T, class Function, class End = no_finish>
struct epilogue {
  static constexpr bool present = true;
  /// Whether it takes moments alone, which only a pass in mode::train does.
  static constexpr bool trains = std::is_same_v<Function, no_function>;

  const T* scale;   ///< O values, or null if Function is no_function
  const T* shift;   ///< likewise
  const T* center;  ///< O values, or null
  T* moments;       ///< 2 x O, set by the backend: sums of u - center and of its square
  Function function;
  std::size_t pool = 1;  ///< side of the squares; rows and columns beyond the last whole square are dropped
  End at_end{};          ///< may write to scale, shift and center

  /// Runs the epilogue, except pooling, on some units of one row. `sums` and `squares` have O values unless center is
  /// null, and overlap no other array.
  constexpr void operator()(T* row, std::size_t begin, std::size_t end, T* __restrict sums,
                            T* __restrict squares) const {
    if (center == nullptr) {
      LOCALIS_VECTORIZE
      for (std::size_t o = begin; o < end; ++o) apply(row[o], o);
      return;
    }
    LOCALIS_VECTORIZE
    for (std::size_t o = begin; o < end; ++o) {
      const std::array<T, 2> terms = complete(row[o], o);
      sums[o] += terms[0];
      squares[o] += terms[1];
    }
  }
  /// Runs the epilogue, except pooling, on a value of unit o, and returns what it adds to the moments.
  constexpr std::array<T, 2> complete(T& value, std::size_t o) const {
    const T x = value - center[o];
    apply(value, o);
    return {x, x * x};
  }

  /// Runs the epilogue, except pooling and moments, on a value of unit o.
  constexpr void apply(T& value, std::size_t o) const {
    if constexpr (!trains) value = function(value * scale[o] + shift[o]);
  }

  /// Must be called for all units once their moments are complete and all rows of these units are done.
  constexpr void finish(std::size_t begin, std::size_t last) const { at_end(0, begin, last); }

  /// Returns the map that pools `lines` lines of a response, each of `width` x `units` values.
  [[nodiscard]] constexpr linear_map pooling(std::size_t lines, std::size_t width, std::size_t units) const {
    return {{lines, width, units}, {lines / pool, width / pool, units}, {pool, pool, pool}, 1};
  }
};

/// An epilogue as a kernel over the rows of a whole response.
template <class T, class Epilogue>
struct epilogue_rows {
  Epilogue epilogue;
  T* u;
  std::size_t units;

  constexpr std::array<T, 2> terms(std::size_t row, std::size_t o) const {
    return epilogue.complete(u[row * units + o], o);
  }
  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end, T* sums) const {
    epilogue(u + row * units, begin, end, sums, sums + units);
  }
  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    epilogue(u + row * units, begin, end, nullptr, nullptr);
  }
  constexpr void finish(std::size_t begin, std::size_t end) const { epilogue.finish(begin, end); }
};

}  // namespace localis::kernel
