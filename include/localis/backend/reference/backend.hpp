#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <type_traits>

#include <localis/backend/concept.hpp>
#include <localis/backend/host_backend.hpp>
#include <localis/core/shape.hpp>
#include <localis/core/workspace.hpp>
#include <localis/fwd.hpp>
#include <localis/kernel/epilogue.hpp>

namespace localis::reference {

/// Plain loops on one thread, written from the definitions: no unfolding, no tiles, no matrix library. Slow, and what
/// the other backends are tested against. Its scalar is double.
template <class Scalar = double>
class backend : public host_backend {
 public:
  using scalar = Scalar;
  static constexpr const char* name = "reference";

  [[nodiscard]] std::size_t threads() const { return 1; }
  [[nodiscard]] static std::string instructions() { return "plain loops"; }

  void copy(const Scalar* from, std::size_t size, Scalar* to) const { std::copy(from, from + size, to); }

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
  }
  void reduce_scratch(std::size_t, std::size_t, std::size_t, workspace&) const {}

  template <class Epilogue = kernel::no_epilogue>
  void respond(const linear_map& map, std::size_t samples, const Scalar* x, const Scalar* w, const Scalar* bias,
               Scalar* u, workspace scratch, const Epilogue& epilogue = {}) const {
    for (std::size_t p = 0; p < map.rows(samples); ++p) {
      for (std::size_t o = 0; o < map.outputs(); ++o) {
        Scalar sum = 0;
        for_window(map, p, o, [&](std::size_t i, std::size_t at) { sum += x[at] * w[o * map.inputs() + i]; });
        u[p * map.outputs() + o] = bias == nullptr ? sum : sum + bias[o];
      }
    }
    run_epilogue(*this, map.rows(samples), map.outputs(), u, epilogue, scratch);
  }
  void respond_scratch(const linear_map&, std::size_t, workspace&, const epilogue_options& = {}) const {}
  /// Whether a response may be pooled in its own pass.
  [[nodiscard]] static constexpr bool pools(const linear_map&) { return false; }

  template <class Gate, class Epilogue = kernel::no_epilogue>
  void respond_and_learn(const linear_map& map, std::size_t samples, const Scalar* x, const Scalar* w,
                         const Scalar* bias, Scalar* u, const Gate& gate, const learn_options& options, const Scalar* h,
                         const accumulators<Scalar>& sums, workspace scratch, const Epilogue& epilogue = {}) const {
    const std::size_t outputs = map.outputs();
    const std::size_t inputs = map.inputs();
    if (!options.responded) respond(map, samples, x, w, nullptr, u, scratch);
    const learn_arrays at = take_learn_arrays(map, options, scratch);
    std::fill(sums.sum, sums.sum + map.weights(), Scalar(0));
    std::fill(sums.unit, sums.unit + options.unit_sums * outputs, Scalar(0));
    if (options.matrix) std::fill(sums.matrix, sums.matrix + outputs * outputs, Scalar(0));
    if (options.inputs) std::fill(sums.input, sums.input + map.seen(), Scalar(0));
    for (std::size_t p = options.rows.first; p < map.rows(samples); p += options.rows.every) {
      const Scalar* seen = u + p * outputs;
      if (options.sees_other) {
        if (h != nullptr) {
          for (std::size_t o = 0; o < outputs; ++o) {
            at.signal[o] = 0;
            for_window(map, p, o,
                       [&](std::size_t i, std::size_t at_x) { at.signal[o] += x[at_x] * h[o * inputs + i]; });
          }
        }
        gate.see(0, outputs, h != nullptr ? at.signal : seen, at.signal);
        seen = at.signal;
      }
      gate.open(p, 0, outputs, seen, at.gates, at.plain);
      gate.add(0, outputs, seen, at.gates, sums.unit);
      std::fill(at.input, at.input + map.seen(), Scalar(0));
      for (std::size_t o = 0; o < outputs; o += outputs / map.groups) {
        Scalar* row = seen_by(map, o, at.input);
        for_window(map, p, o, [&](std::size_t i, std::size_t at_x) { row[i] = x[at_x]; });
      }
      for (std::size_t i = 0; options.inputs && i < map.seen(); ++i) sums.input[i] += at.input[i];
      for (std::size_t o = 0; options.reconstructs && o < outputs; ++o) {
        for (std::size_t i = 0; i < inputs; ++i) at.input[i] -= at.plain[o] * w[o * inputs + i];
      }
      for (std::size_t o = 0; o < outputs; ++o) {
        const Scalar* row = seen_by(map, o, at.input);
        for (std::size_t i = 0; i < inputs; ++i) sums.sum[o * inputs + i] += at.gates[o] * row[i];
        for (std::size_t k = 0; options.matrix && k < outputs; ++k)
          sums.matrix[o * outputs + k] += at.gates[o] * at.plain[k];
      }
    }
    for (std::size_t p = 0; bias != nullptr && p < map.rows(samples); ++p) {
      for (std::size_t o = 0; o < outputs; ++o) u[p * outputs + o] += bias[o];
    }
    run_epilogue(*this, map.rows(samples), map.outputs(), u, epilogue, scratch);
  }
  void learn_scratch(const linear_map& map, std::size_t, const learn_options& options, workspace& scratch,
                     const epilogue_options& = {}) const {
    (void)take_learn_arrays(map, options, scratch);
  }
  void subtract_product(std::size_t rows, std::size_t inner, std::size_t columns, const Scalar* a, const Scalar* b,
                        Scalar* c) const {
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t k = 0; k < inner; ++k) {
        for (std::size_t j = 0; j < columns; ++j) c[r * columns + j] -= a[r * inner + k] * b[k * columns + j];
      }
    }
  }

  void weight_gradient(const linear_map& map, std::size_t samples, const Scalar* x, const Scalar* d, Scalar* dw,
                       Scalar* db, workspace) const {
    std::fill(dw, dw + map.weights(), Scalar(0));
    if (db != nullptr) std::fill(db, db + map.outputs(), Scalar(0));
    for (std::size_t p = 0; p < map.rows(samples); ++p) {
      for (std::size_t o = 0; o < map.outputs(); ++o) {
        const Scalar error = d[p * map.outputs() + o];
        for_window(map, p, o, [&](std::size_t i, std::size_t at) { dw[o * map.inputs() + i] += error * x[at]; });
        if (db != nullptr) db[o] += error;
      }
    }
  }
  void weight_gradient_scratch(const linear_map&, std::size_t, workspace&) const {}

  void input_gradient(const linear_map& map, std::size_t samples, const Scalar* d, const Scalar* w, Scalar* dx,
                      workspace) const {
    std::fill(dx, dx + samples * map.in.size(), Scalar(0));
    for (std::size_t p = 0; p < map.rows(samples); ++p) {
      for (std::size_t o = 0; o < map.outputs(); ++o) {
        const Scalar error = d[p * map.outputs() + o];
        for_window(map, p, o, [&](std::size_t i, std::size_t at) { dx[at] += error * w[o * map.inputs() + i]; });
      }
    }
  }
  void input_gradient_scratch(const linear_map&, std::size_t, workspace&) const {}

 private:
  struct learn_arrays {
    Scalar* gates;
    Scalar* plain;   ///< without the modulator
    Scalar* input;   ///< one row of all that the units see
    Scalar* signal;  ///< of one row
  };
  static learn_arrays take_learn_arrays(const linear_map& map, const learn_options& options, workspace& scratch) {
    learn_arrays at{};
    at.gates = scratch.take<Scalar>(map.outputs());
    at.plain = scratch.take<Scalar>(map.outputs());
    at.input = scratch.take<Scalar>(map.seen());
    if (options.sees_other) at.signal = scratch.take<Scalar>(map.outputs());
    return at;
  }

  /// The row of X of unit o, in a row of all that the units see.
  static Scalar* seen_by(const linear_map& map, std::size_t o, Scalar* row) {
    return row + map.group_of(o) * map.inputs();
  }

  /// body(i, at): weight column i of unit o meets input element `at`, for each element that the unit sees through the
  /// window of output row p.
  template <class Body>
  static void for_window(const linear_map& map, std::size_t p, std::size_t o, const Body& body) {
    const std::size_t sample = p / map.out.positions();
    const std::size_t position = p % map.out.positions();
    const std::size_t out_y = position / map.out.width;
    const std::size_t out_x = position % map.out.width;
    for (std::size_t r = 0; r < map.field.height; ++r) {
      for (std::size_t c = 0; c < map.field.width; ++c) {
        const std::size_t y = out_y * map.field.stride + r * map.field.dilation;
        const std::size_t x = out_x * map.field.stride + c * map.field.dilation;
        if (y < map.field.padding || y - map.field.padding >= map.in.height) continue;
        if (x < map.field.padding || x - map.field.padding >= map.in.width) continue;
        const std::size_t pixel =
            (sample * map.in.height + y - map.field.padding) * map.in.width + x - map.field.padding;
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
