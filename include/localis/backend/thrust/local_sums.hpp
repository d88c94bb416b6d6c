#pragma once

#include <algorithm>
#include <cstddef>

#include <localis/backend/concept.hpp>
#include <localis/backend/thrust/loops.hpp>
#include <localis/backend/thrust/product.hpp>
#include <localis/backend/thrust/row_sums.hpp>
#include <localis/core/shape.hpp>
#include <localis/core/workspace.hpp>
#include <localis/kernel/elementwise.hpp>
#include <localis/kernel/launch.hpp>
#include <localis/kernel/rows.hpp>

/// The parts of a learning pass that all algorithms share: its chunks of rows, its gates and its sums per unit.
namespace localis::device {

/// Returns the largest number of rows of X that a pass processes at once. It does not fall with the number of samples,
/// so that scratch memory for a batch suffices for a smaller one.
template <class Scalar, class Operand, class System>
[[nodiscard]] std::size_t rows_per_chunk(const System& system, const linear_map& map, std::size_t samples) {
  const std::size_t row = (std::max)(map.seen() * sizeof(Operand), map.outputs() * sizeof(Scalar));
  return std::clamp<std::size_t>(system.chunk_bytes() / row, 1, (std::max)(map.rows(samples), std::size_t{1}));
}
/// Cuts `size` rows into as few pieces as have at most `limit` rows, and returns the size of a piece, which is the same
/// for all but the last. Large pieces are multiples of 128 rows, which are whole tiles of a product.
[[nodiscard]] constexpr std::size_t even_piece(std::size_t size, std::size_t limit) {
  if (size <= limit) return limit;
  const std::size_t tile = limit < 1024 ? 1 : 128;
  const auto divide_up = [](std::size_t a, std::size_t b) { return (a + b - 1) / b; };
  const std::size_t pieces = divide_up(size, limit / tile * tile);
  return divide_up(divide_up(size, pieces), tile) * tile;
}

/// The `count` rows first, first + every, ... of X.
struct row_stretch {
  std::size_t first;
  std::size_t every;
  std::size_t count;
};
/// Returns those among the `rows` rows of X from row `begin` on that a rule learns from.
[[nodiscard]] constexpr row_stretch learned_rows(const row_sample& sample, std::size_t begin, std::size_t rows) {
  const std::size_t skipped = sample.count(begin);
  return {sample.first + skipped * sample.every, sample.every, sample.count(begin + rows) - skipped};
}

/// The gates of some rows of X, each row `stride` values after the one before.
template <class Scalar>
struct gate_rows {
  const Scalar* gates;
  std::size_t stride;
  const Scalar* plain;  ///< gates without the modulator
  std::size_t plain_stride;
};

/// Scratch for the gates of one chunk of rows.
template <class Scalar>
class gate_arrays {
 public:
  /// @param rows  largest number of rows in a chunk
  gate_arrays(const linear_map& map, const learn_options& options, std::size_t rows, workspace& scratch)
      : units_(map.outputs()),
        gates_(scratch.take<Scalar>(rows * units_)),
        plain_(options.is_modulated ? scratch.take<Scalar>(rows * units_) : nullptr),
        signal_rows_(options.signal != gate_signal::response ? scratch.take<Scalar>(rows * units_) : nullptr) {}

  /// Rows for the signals of the gates; for gate_signal::reweighted the caller stores X H^T in them.
  [[nodiscard]] Scalar* signal_rows() const { return signal_rows_; }

  /// Computes the gates of some rows of X and their sums per unit, which replace learn.sums.unit or are added to it,
  /// unless it is null. If the gates are the signals, they are not copied.
  ///
  /// @param u  response of all rows of X, P x O
  template <class System, class Gate>
  gate_rows<Scalar> open(const System& system, const learning_arguments<Scalar, Gate>& learn, const row_stretch& rows,
                         const Scalar* u, kernel::store mode, workspace scratch) const {
    const gate_signal kind = learn.options.signal;
    const Scalar* signal = u + rows.first * units_;
    std::size_t stride = rows.every * units_;
    if (kind == gate_signal::reweighted) {
      signal = signal_rows_;
      stride = units_;
    }
    if (kind != gate_signal::response) {
      for_rows(system, rows.count, units_,
               kernel::see_rows<Scalar, Gate>{learn.gate, signal, stride, signal_rows_, units_});
      signal = signal_rows_;
      stride = units_;
    }
    bool passes_signals = false;
    if constexpr (requires { learn.gate.passes_signals(); }) passes_signals = learn.gate.passes_signals();
    gate_rows<Scalar> opened{signal, stride, signal, stride};
    if (!passes_signals) {
      opened = {gates_, units_, plain_ == nullptr ? gates_ : plain_, units_};
      for_rows(
          system, rows.count, units_,
          kernel::open_rows<Scalar, Gate>{learn.gate, rows.first, rows.every, signal, stride, gates_, plain_, units_});
    }
    if (learn.sums.unit != nullptr) {
      row_sums<Scalar, System>(rows.count, units_, learn.options.unit_sums, scratch)(
          system, kernel::gate_sums<Scalar, Gate>{learn.gate, signal, stride, opened.gates, opened.stride},
          learn.sums.unit, mode);
    }
    return opened;
  }
  /// Computes sums.matrix, or adds to it, if the rule's units forget by each other.
  template <class System>
  void multiply(const System& system, const learn_options& options, std::size_t rows, const gate_rows<Scalar>& opened,
                const accumulators<Scalar>& sums, kernel::store mode) const {
    if (options.forgetting != mutual_forgetting::matrix) return;
    device::multiply(system, product<Scalar>{.rows = units_,
                                             .inner = rows,
                                             .columns = units_,
                                             .a = {opened.gates, opened.stride, 0, layout::transposed},
                                             .b = {opened.plain, opened.plain_stride},
                                             .c = {sums.matrix, units_},
                                             .beta = Scalar(mode == kernel::store::add ? 1 : 0)});
  }

 private:
  std::size_t units_;
  Scalar* gates_;
  Scalar* plain_;
  Scalar* signal_rows_;
};

/// Sets all sums that are wanted to 0, for a pass that learns from no row.
template <class Scalar, class System>
void clear_sums(const System& system, const linear_map& map, const learn_options& options,
                const accumulators<Scalar>& sums) {
  const auto clear = [&](Scalar* target, std::size_t size) {
    for_rows(system, 1, size, kernel::fill<Scalar>{target, Scalar(0)});
  };
  clear(sums.sum, map.weights());
  clear(sums.unit, options.unit_sums * map.outputs());
  if (options.forgetting == mutual_forgetting::matrix) clear(sums.matrix, map.outputs() * map.outputs());
  if (options.sums_inputs) clear(sums.input, map.seen());
}

}  // namespace localis::device
