#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <tuple>

#include <localis/kernel/divide.hpp>
#include <localis/kernel/epilogue.hpp>
#include <localis/kernel/rows.hpp>

/// Kernels for backends whose loops are launches (Thrust, CUDA): they cut rows into stretches, sum chunks, and run
/// gates.
namespace localis::kernel {

/// Maps call i to a kernel over rows: one stretch of one row, or one whole row.
template <class Kernel>
struct cut_rows {
  Kernel kernel;
  std::size_t columns;
  std::size_t length;
  std::size_t pieces;  ///< number of stretches of a row

  constexpr void operator()(std::size_t i) const {
    if constexpr (takes_whole_rows<Kernel>) {
      kernel(i);
    } else {
      const std::size_t begin = i % pieces * length;
      const std::size_t left = columns - begin;
      kernel(i / pieces, begin, begin + (left < length ? left : length));
    }
  }
};

/// Maps call i to one element of a kernel over rows, from row `first` on, so that the loop over a stretch vanishes.
template <class Kernel>
struct cut_elements {
  Kernel kernel;
  std::size_t first;
  divider by_columns;

  constexpr void operator()(std::size_t i) const {
    if constexpr (takes_whole_rows<Kernel>) {
      kernel(first + i);
    } else {
      const auto place = by_columns(narrow(i));
      const std::size_t column = place.remainder;  // in 64 bits, where column + 1 cannot be 0: one iteration of a loop
      kernel(first + place.whole, column, column + 1);
    }
  }
};

/// The number of values that a GPU loads or stores with one instruction of 16 bytes.
template <class T>
inline constexpr std::size_t pack_size = 16 / sizeof(T);

/// Whether a kernel computes several neighbouring columns of a row in one call, f.packed<N>(row, begin), where
/// f.packs(N) is true and `begin` is a multiple of N.
template <class Kernel>
inline constexpr bool takes_packs = requires(const Kernel& f) {
  typename Kernel::scalar;
  { f.packs(std::size_t{}) } -> std::same_as<bool>;
};

/// Maps call i to N neighbouring elements of a kernel that takes packs, from row `first` on.
template <class Kernel, std::size_t N>
struct cut_packs {
  Kernel kernel;
  std::uint32_t first;
  divider by_packs;

  constexpr void operator()(std::size_t i) const {
    const auto place = by_packs(narrow(i));
    kernel.template packed<N>(first + place.whole, place.remainder * narrow(N));
  }
};

/// A kernel over samples as a kernel over their positions, f.position(row, column), for backends that give every
/// element a call of its own.
template <class Kernel>
struct by_position {
  Kernel kernel;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    for (std::size_t column = begin; column < end; ++column) kernel.position(narrow(row), narrow(column));
  }
};

/// The rows of a chunk, if the first chunks have one row more than the others.
struct chunk_range {
  std::size_t begin;
  std::size_t end;

  constexpr chunk_range(std::size_t rows, std::size_t chunks, std::size_t chunk) {
    const quotient portion = divide(rows, chunks);
    begin = chunk * portion.whole + (chunk < portion.remainder ? chunk : portion.remainder);
    end = begin + portion.whole + (chunk < portion.remainder ? 1 : 0);
  }
};

/// Computes row `chunk` of the partial sums: it adds up a few rows in T, and these sums in double.
template <class T, class Kernel>
struct sum_chunk {
  Kernel kernel;
  std::size_t rows;
  std::size_t chunks;
  std::size_t columns;
  std::size_t count;  ///< number of sums per column
  T* parts;           ///< chunks x count x columns
  double* totals;     ///< chunks x count x columns

  constexpr void operator()(std::size_t chunk, std::size_t begin, std::size_t end) const {
    constexpr std::size_t group = 32;
    T* part = parts + chunk * count * columns;
    double* total = totals + chunk * count * columns;
    const auto at_sums = [&](const auto& body) {
#if defined(__CUDA_ARCH__)
#pragma unroll 1  // unrolled, the loop takes more registers than are available
#endif
      for (std::size_t k = 0; k < count; ++k) {
        for (std::size_t c = begin; c < end; ++c) body(k * columns + c);
      }
    };
    at_sums([&](std::size_t i) {
      part[i] = T(0);
      total[i] = 0;
    });
    const chunk_range range(rows, chunks, chunk);
    for (std::size_t first = range.begin; first < range.end; first += group) {
      const std::size_t last = first + group < range.end ? first + group : range.end;
      for (std::size_t row = first; row < last; ++row) kernel(row, begin, end, part);
      at_sums([&](std::size_t i) {
        total[i] += static_cast<double>(part[i]);
        part[i] = T(0);
      });
    }
  }
};

/// Adds up the totals of the chunks in their order, stores the results in `sums` or adds them, as `mode` says, and
/// finishes them.
template <class T, class Kernel>
struct add_chunks {
  Kernel kernel;
  const double* totals;
  std::size_t chunks;
  std::size_t columns;
  std::size_t count;  ///< number of sums per column
  T* sums;
  store mode;

  constexpr void operator()(std::size_t, std::size_t begin, std::size_t end) const {
    for (std::size_t k = 0; k < count; ++k) {
      for (std::size_t c = begin; c < end; ++c) {
        const std::size_t i = k * columns + c;
        double sum = 0;
        for (std::size_t chunk = 0; chunk < chunks; ++chunk) sum += totals[chunk * count * columns + i];
        sums[i] = (mode == store::add ? sums[i] : T(0)) + static_cast<T>(sum);
      }
    }
    finish_columns(kernel, begin, end);
  }
};

/// Computes the signals of rows that a rule learns from: row n of z = see(row n of u); rows of u lie `stride` apart.
template <class T, class Gate>
struct see_rows {
  Gate gate;
  const T* u;
  std::size_t stride;
  T* z;
  std::size_t units;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    gate.see(begin, end, u + row * stride, z + row * units);
  }
};

/// Computes the gates of rows first, first + every, ... of X from their signals z, whose rows lie `stride` apart.
template <class T, class Gate>
struct open_rows {
  Gate gate;
  std::size_t first;  ///< first row of X
  std::size_t every;
  const T* z;
  std::size_t stride;
  T* gates;
  T* plain;  ///< gates without the modulator, or null
  std::size_t units;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const requires(!Gate::whole_rows) {
    open(row, begin, end);
  }
  constexpr void operator()(std::size_t row) const requires(Gate::whole_rows) { open(row, 0, units); }
  template <class Team>
  constexpr void operator()(std::size_t row, const Team& team) const requires(Gate::whole_rows&& Gate::takes_teams) {
    open(row, 0, units, team);
  }

 private:
  /// The team, if there is one, is the last argument.
  template <class... Team>
  constexpr void open(std::size_t row, std::size_t begin, std::size_t end, const Team&... team) const {
    gate.open(first + row * every, begin, end, z + row * stride, gates + row * units,
              plain == nullptr ? nullptr : plain + row * units, team...);
  }
};

/// Whether the sums of a gate can be taken in the pass of an epilogue.
template <class Epilogue, class Gate>
concept sums_with_epilogue = Epilogue::present && requires(const Gate& gate) {
  gate.terms(0.0F, 0.0F);
  { gate.passes_signals() } -> std::same_as<bool>;
};

/// An epilogue that takes moments, over the rows of a whole response, and in the same pass the sums per unit of a rule
/// whose gates are the responses.
template <class T, class Epilogue, class Gate>
struct epilogue_and_gate_sums {
  epilogue_rows<T, Epilogue> rows;
  Gate gate;
  const T* totals;  ///< all sums, k x O: the two of the epilogue, which go to its moments, and those of the gate
  T* gate_totals;

  constexpr auto terms(std::size_t row, std::size_t o) const {
    const T response = rows.u[row * rows.units + o];
    const auto more = gate.terms(response, response);
    const std::array<T, 2> moments = rows.terms(row, o);
    std::array<T, 2 + std::tuple_size_v<decltype(more)>> all{moments[0], moments[1]};
    for (std::size_t k = 2; k < all.size(); ++k) all[k] = more[k - 2];
    return all;
  }
  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end, T* sums) const {
    add_row_terms(*this, row, begin, end, rows.units, sums);
  }
  constexpr void finish(std::size_t begin, std::size_t end) const {
    constexpr std::size_t count = std::tuple_size_v<terms_of<epilogue_and_gate_sums>>;
    for (std::size_t o = begin; o < end; ++o) {
      for (std::size_t k = 0; k < count; ++k) {
        T* target = k < 2 ? rows.epilogue.moments + k * rows.units : gate_totals + (k - 2) * rows.units;
        target[o] = totals[k * rows.units + o];
      }
    }
    rows.finish(begin, end);
  }
};

/// Adds up the sums per unit of the rows that a rule learns from; rows of z lie `stride` values apart, and rows of
/// gates `gate_stride`.
template <class T, class Gate>
struct gate_sums {
  Gate gate;
  const T* z;
  std::size_t stride;
  const T* gates;
  std::size_t gate_stride;

  constexpr auto terms(std::size_t row, std::size_t o) const requires requires { gate.terms(T{}, T{}); }
  { return gate.terms(z[row * stride + o], gates[row * gate_stride + o]); }
  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end, T* sums) const {
    gate.add(begin, end, z + row * stride, gates + row * gate_stride, sums);
  }
};

}  // namespace localis::kernel
