#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <type_traits>

#include <localis/backend/concept.hpp>
#include <localis/backend/host_backend.hpp>
#include <localis/backend/run_epilogue.hpp>
#include <localis/backend/run_reduction.hpp>
#include <localis/backend/step_runner.hpp>
#include <localis/core/shape.hpp>
#include <localis/core/workspace.hpp>
#include <localis/fwd.hpp>
#include <localis/kernel/epilogue.hpp>
#include <localis/kernel/reduction.hpp>
#include <localis/kernel/rows.hpp>

namespace localis::reference {

/// A backend of plain loops on one thread, written from the definitions: no unfolding, no tiles, no matrix library. It
/// is slow; the other backends are tested against it. Its default scalar is double.
template <class Scalar = double>
class backend : public host_backend {
 public:
  using scalar = Scalar;
  static constexpr const char* name = "reference";

  [[nodiscard]] std::size_t threads() const { return 1; }
  [[nodiscard]] static std::string instructions() { return "plain loops"; }
  [[nodiscard]] static std::string arithmetic() { return "direct convolution"; }

  void copy(const Scalar* source, std::size_t size, Scalar* target) const { std::copy(source, source + size, target); }

  [[nodiscard]] static constexpr std::size_t row_threads(std::size_t) { return 1; }
  template <class Kernel>
  void for_rows(std::size_t rows, std::size_t columns, const Kernel& f) const {
    static_assert(std::is_trivially_copyable_v<Kernel>, "localis: a kernel is a trivially copyable function object");
    for (std::size_t row = 0; row < rows; ++row) run_row(f, row, columns);
  }
  template <class Kernel>
  void for_samples(std::size_t samples, std::size_t, std::size_t channels, const Kernel& f) const {
    for_rows(samples, channels, f);
  }
  template <class Kernel>
  void reduce_columns(std::size_t rows, std::size_t columns, std::size_t count, const Kernel& f, Scalar* sums,
                      workspace) const {
    std::fill(sums, sums + count * columns, Scalar(0));
    for (std::size_t row = 0; row < rows; ++row) f(row, 0, columns, sums);
    kernel::finish_columns(f, 0, columns);
  }
  void reduce_scratch(std::size_t, std::size_t, std::size_t, workspace&) const {}
  template <kernel::reducing Kernel>
  void reduce(std::size_t size, std::size_t, const Kernel& f, double*) const {
    kernel::numbers_of<Kernel> all{};
    for (std::size_t i = 0; i < size; ++i) kernel::combine<Kernel::kind>(all, f(i));
    f.finish(all);
  }
  template <kernel::reducing Kernel>
  [[nodiscard]] auto make_reductions(memory_kind kind, std::span<const std::size_t> sizes) const {
    return reductions_in_turn<backend, Kernel>(*this, kind, sizes);
  }
  [[nodiscard]] static step_runner make_step_runner() { return {}; }

  template <class Epilogue = kernel::no_epilogue>
  void respond(const linear_map& map, const response_arguments<Scalar>& forward, workspace scratch,
               const Epilogue& epilogue = {}) const {
    const auto& [samples, x, w, bias, u] = forward;
    for (std::size_t p = 0; p < map.rows(samples); ++p) {
      for (std::size_t o = 0; o < map.outputs(); ++o) {
        const Scalar sum = windowed_sum(map, p, o, x, w);
        u[p * map.outputs() + o] = bias == nullptr ? sum : sum + bias[o];
      }
    }
    run_epilogue(*this, map.rows(samples), map.outputs(), u, epilogue, scratch);
  }
  void respond_scratch(const linear_map&, std::size_t, workspace&, const epilogue_options& = {}) const {}
  [[nodiscard]] static constexpr bool pools(const linear_map&) { return false; }

  template <class Gate, class Epilogue = kernel::no_epilogue>
  void respond_and_learn(const linear_map& map, const response_arguments<Scalar>& forward,
                         const learning_arguments<Scalar, Gate>& learn, workspace scratch,
                         const Epilogue& epilogue = {}) const {
    const auto& [samples, x, w, bias, u] = forward;
    const learn_options& options = learn.options;
    const std::size_t outputs = map.outputs();
    if (!options.response_is_given) respond(map, {.samples = samples, .x = x, .w = w, .u = u}, scratch);
    const learn_arrays arrays(map, options, scratch);
    clear(map, options, learn.sums);
    for (std::size_t p = options.rows.first; p < map.rows(samples); p += options.rows.every) {
      const Scalar* signal = u + p * outputs;
      if (options.signal == gate_signal::reweighted) {
        for (std::size_t o = 0; o < outputs; ++o) arrays.signal[o] = windowed_sum(map, p, o, x, learn.h);
        signal = arrays.signal;
      }
      if (options.signal != gate_signal::response) {
        learn.gate.see(0, outputs, signal, arrays.signal);
        signal = arrays.signal;
      }
      learn.gate.open(p, 0, outputs, signal, arrays.gates, arrays.plain);
      learn.gate.add(0, outputs, signal, arrays.gates, learn.sums.unit);
      gather_inputs(map, p, x, arrays.input);
      add_row(map, options, w, arrays, learn.sums);
    }
    for (std::size_t p = 0; bias != nullptr && p < map.rows(samples); ++p) {
      for (std::size_t o = 0; o < outputs; ++o) u[p * outputs + o] += bias[o];
    }
    run_epilogue(*this, map.rows(samples), outputs, u, epilogue, scratch);
  }
  void learn_scratch(const linear_map& map, std::size_t, const learn_options& options, workspace& scratch,
                     const epilogue_options& = {}) const {
    (void)learn_arrays(map, options, scratch);
  }

  void weight_gradient(const linear_map& map, const weight_gradient_arguments<Scalar>& backward, workspace) const {
    std::fill_n(backward.dw, map.weights(), Scalar(0));
    if (backward.db != nullptr) std::fill_n(backward.db, map.outputs(), Scalar(0));
    for (std::size_t p = 0; p < map.rows(backward.samples); ++p) {
      for (std::size_t o = 0; o < map.outputs(); ++o) {
        const Scalar error = backward.d[p * map.outputs() + o];
        for_window(map, p, o, [&](std::size_t i, std::size_t element) {
          backward.dw[o * map.inputs() + i] += error * backward.x[element];
        });
        if (backward.db != nullptr) backward.db[o] += error;
      }
    }
  }
  void weight_gradient_scratch(const linear_map&, std::size_t, workspace&) const {}

  void input_gradient(const linear_map& map, const input_gradient_arguments<Scalar>& backward, workspace) const {
    if (backward.mode == kernel::store::replace) std::fill_n(backward.dx, backward.samples * map.in.size(), Scalar(0));
    for (std::size_t p = 0; p < map.rows(backward.samples); ++p) {
      for (std::size_t o = 0; o < map.outputs(); ++o) {
        const Scalar error = backward.d[p * map.outputs() + o];
        for_window(map, p, o, [&](std::size_t i, std::size_t element) {
          backward.dx[element] += error * backward.w[o * map.inputs() + i];
        });
      }
    }
  }
  void input_gradient_scratch(const linear_map&, std::size_t, workspace&) const {}

  void subtract_product(const product_arguments<Scalar>& product) const {
    const auto& [rows, inner, columns, a, b, c] = product;
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t k = 0; k < inner; ++k) {
        for (std::size_t j = 0; j < columns; ++j) c[r * columns + j] -= a[r * inner + k] * b[k * columns + j];
      }
    }
  }

 private:
  struct learn_arrays {
    Scalar* gates;
    Scalar* plain;   ///< gates without the modulator
    Scalar* input;   ///< one row of X, over all groups
    Scalar* signal;  ///< gate signals of one row

    learn_arrays(const linear_map& map, const learn_options& options, workspace& scratch)
        : gates(scratch.take<Scalar>(map.outputs())),
          plain(scratch.take<Scalar>(map.outputs())),
          input(scratch.take<Scalar>(map.seen())),
          signal(options.signal != gate_signal::response ? scratch.take<Scalar>(map.outputs()) : nullptr) {}
  };

  static void clear(const linear_map& map, const learn_options& options, const accumulators<Scalar>& sums) {
    const std::size_t outputs = map.outputs();
    std::fill_n(sums.sum, map.weights(), Scalar(0));
    std::fill_n(sums.unit, options.unit_sums * outputs, Scalar(0));
    if (options.forgetting == mutual_forgetting::matrix) std::fill_n(sums.matrix, outputs * outputs, Scalar(0));
    if (options.sums_inputs) std::fill_n(sums.input, map.seen(), Scalar(0));
  }
  /// Adds the contribution of one row of X and its gates to all sums except those per unit.
  static void add_row(const linear_map& map, const learn_options& options, const Scalar* w, const learn_arrays& arrays,
                      const accumulators<Scalar>& sums) {
    const std::size_t outputs = map.outputs();
    const std::size_t inputs = map.inputs();
    for (std::size_t i = 0; options.sums_inputs && i < map.seen(); ++i) sums.input[i] += arrays.input[i];
    for (std::size_t o = 0; options.forgetting == mutual_forgetting::remainder && o < outputs; ++o) {
      for (std::size_t i = 0; i < inputs; ++i) arrays.input[i] -= arrays.plain[o] * w[o * inputs + i];
    }
    for (std::size_t o = 0; o < outputs; ++o) {
      const Scalar* row = seen_by(map, o, arrays.input);
      for (std::size_t i = 0; i < inputs; ++i) sums.sum[o * inputs + i] += arrays.gates[o] * row[i];
      for (std::size_t k = 0; options.forgetting == mutual_forgetting::matrix && k < outputs; ++k) {
        sums.matrix[o * outputs + k] += arrays.gates[o] * arrays.plain[k];
      }
    }
  }

  /// Copies row p of X, over all groups, to `input`.
  static void gather_inputs(const linear_map& map, std::size_t p, const Scalar* x, Scalar* input) {
    std::fill_n(input, map.seen(), Scalar(0));
    for (std::size_t o = 0; o < map.outputs(); o += map.outputs() / map.groups) {
      Scalar* row = seen_by(map, o, input);
      for_window(map, p, o, [&](std::size_t i, std::size_t element) { row[i] = x[element]; });
    }
  }
  /// Returns the response of unit o with weights w to row p of X.
  static Scalar windowed_sum(const linear_map& map, std::size_t p, std::size_t o, const Scalar* x, const Scalar* w) {
    Scalar sum = 0;
    for_window(map, p, o, [&](std::size_t i, std::size_t element) { sum += x[element] * w[o * map.inputs() + i]; });
    return sum;
  }
  /// Returns the part that unit o sees of a row of X over all groups.
  static Scalar* seen_by(const linear_map& map, std::size_t o, Scalar* row) {
    return row + map.group_of(o) * map.inputs();
  }

  /// Calls body(i, element) for each input element that unit o sees through the window of output row p, where i is the
  /// weight column of unit o that multiplies this element.
  template <class Body>
  static void for_window(const linear_map& map, std::size_t p, std::size_t o, const Body& body) {
    const std::size_t sample = p / map.out.positions();
    const std::size_t position = p % map.out.positions();
    const std::size_t out_y = position / map.out.width;
    const std::size_t out_x = position % map.out.width;
    const lengths pad = map.field.padding;
    for (std::size_t r = 0; r < map.field.height; ++r) {
      for (std::size_t c = 0; c < map.field.width; ++c) {
        const std::size_t y = out_y * map.field.stride.height + r * map.field.dilation.height;
        const std::size_t x = out_x * map.field.stride.width + c * map.field.dilation.width;
        if (y < pad.height || y - pad.height >= map.in.height) continue;
        if (x < pad.width || x - pad.width >= map.in.width) continue;
        const std::size_t pixel = (sample * map.in.height + y - pad.height) * map.in.width + x - pad.width;
        const std::size_t cell = r * map.field.width + c;
        const std::size_t channels = map.in.channels / map.groups;
        const std::size_t first = map.group_of(o) * channels;
        for (std::size_t channel = 0; channel < channels; ++channel) {
          body(cell * channels + channel, pixel * map.in.channels + first + channel);
        }
      }
    }
  }
};

static_assert(localis::backend<backend<double>>);

}  // namespace localis::reference
