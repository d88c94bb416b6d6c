#pragma once

#include <algorithm>
#include <cstddef>

#include <localis/backend/concept.hpp>
#include <localis/backend/cpu/algorithm.hpp>
#include <localis/backend/cpu/depthwise_kernels.hpp>
#include <localis/backend/cpu/parallel.hpp>
#include <localis/backend/cpu/resources.hpp>
#include <localis/config.hpp>
#include <localis/core/shape.hpp>
#include <localis/core/workspace.hpp>

namespace localis::cpu::depthwise {
inline namespace LOCALIS_CPU_THREADS {

/// The sums of each thread: accumulators in the layout I x C. They are added up in the order of threads, whatever the
/// timing.
template <class T>
class partial_sums {
 public:
  partial_sums(const linear_map& map, const learn_options& options, std::size_t threads, workspace& scratch)
      : map_(map),
        inputs_(options.sums_inputs),
        units_(options.unit_sums * map.outputs()),
        threads_(threads),
        // Threads write constantly, so that no two of them may share a cache line.
        size_(workspace::round_up(((inputs_ ? 2 : 1) * map.weights() + units_) * sizeof(T)) / sizeof(T)),
        data_(scratch.take<T>(threads * size_)) {}

  void clear() const { std::fill(data_, data_ + threads_ * size_, T(0)); }
  /// Returns the sums that a thread adds to.
  [[nodiscard]] accumulators<T> part(std::size_t thread) const {
    T* sum = data_ + thread * size_;
    T* unit = sum + map_.weights();
    return {sum, unit, nullptr, inputs_ ? unit + units_ : nullptr};
  }
  void add_up(const accumulators<T>& result) const {
    for (std::size_t thread = 1; thread < threads_; ++thread) {
      for (std::size_t i = 0; i < size_; ++i) data_[i] += data_[thread * size_ + i];
    }
    const accumulators<T> total = part(0);
    transpose(total.sum, map_.inputs(), map_.outputs(), result.sum);
    if (result.unit != nullptr) std::copy(total.unit, total.unit + units_, result.unit);
    if (inputs_) transpose(total.input, map_.inputs(), map_.outputs(), result.input);
  }

 private:
  linear_map map_;
  bool inputs_;
  std::size_t units_;
  std::size_t threads_;
  std::size_t size_;
  T* data_;
};

/// The scratch arrays of a learning pass.
template <class T>
struct learn_arrays {
  T* weights;           ///< W, I x C
  T* response_weights;  ///< H, I x C; null unless gate_signal::reweighted
  T* gates;             ///< for each thread, the gates of one image row
  T* signal_rows;       ///< for each thread, the gate signals of one image row; null if they are U
  partial_sums<T> sums;

  learn_arrays(const linear_map& map, const learn_options& options, std::size_t threads, workspace& scratch)
      : weights(scratch.take<T>(map.weights())),
        response_weights(options.signal == gate_signal::reweighted ? scratch.take<T>(map.weights()) : nullptr),
        gates(scratch.take<T>(threads * map.out.width * map.outputs())),
        signal_rows(options.signal != gate_signal::response ? scratch.take<T>(threads * map.out.width * map.outputs())
                                                            : nullptr),
        sums(map, options, threads, scratch) {}
};

}  // namespace LOCALIS_CPU_THREADS
}  // namespace localis::cpu::depthwise

namespace localis::cpu {
inline namespace LOCALIS_CPU_THREADS {

/// Depthwise convolution, in which each channel is convolved separately. Work is cut into image rows, of which each
/// thread owns a contiguous range: the few input rows that one output row sees stay in the core's caches for the
/// response, the gates and all sums, and the input is read once.
template <class T>
struct depthwise_convolution {
  linear_map map;
  resources available;

  static constexpr bool fuses_epilogue = false;
  static constexpr bool fuses_pooling = false;
  [[nodiscard]] static constexpr bool takes(const linear_map& map, const resources&) { return map.depthwise(); }

  template <class Epilogue>
  void respond(const response_arguments<T>& forward, workspace scratch, const Epilogue&) const {
    T* weights = scratch.take<T>(map.weights());
    depthwise::transpose(forward.w, map.outputs(), map.inputs(), weights);
    for_image_rows(forward.samples, map.out.height, [&](std::size_t, std::size_t sample, std::size_t y) {
      const std::size_t row = (sample * map.out.height + y) * map.out.width;
      depthwise::correlate<T>(map.field, depthwise::correlation::response, map.in, y, {0, 1, map.out.width},
                              forward.x + sample * map.in.size(), weights, forward.bias,
                              forward.u + row * map.outputs());
    });
  }
  void respond_scratch(const epilogue_options&, workspace& scratch) const { (void)scratch.take<T>(map.weights()); }

  template <class Gate, class Epilogue>
  void respond_and_learn(const response_arguments<T>& forward, const learning_arguments<T, Gate>& learn,
                         workspace scratch, const Epilogue&) const {
    const std::size_t width = map.out.width;
    const std::size_t channels = map.outputs();
    const depthwise::learn_arrays<T> arrays(map, learn.options, available.threads_for(map, forward.samples), scratch);
    depthwise::transpose(forward.w, channels, map.inputs(), arrays.weights);
    if (learn.options.signal == gate_signal::reweighted)
      depthwise::transpose(learn.h, channels, map.inputs(), arrays.response_weights);
    arrays.sums.clear();
    for_image_rows(forward.samples, map.out.height, [&](std::size_t thread, std::size_t sample, std::size_t y) {
      const accumulators<T> sums = arrays.sums.part(thread);
      const std::size_t row = (sample * map.out.height + y) * width;
      const T* x = forward.x + sample * map.in.size();
      T* u = forward.u + row * channels;
      if (!learn.options.response_is_given) {
        depthwise::correlate<T>(map.field, depthwise::correlation::response, map.in, y, {0, 1, width}, x,
                                arrays.weights, nullptr, u);
      }
      learn_row(thread, y, row, x, u, learn, arrays, sums);
      for (std::size_t p = 0; forward.bias != nullptr && p < width; ++p) {
        LOCALIS_VECTORIZE
        for (std::size_t c = 0; c < channels; ++c) u[p * channels + c] += forward.bias[c];
      }
    });
    arrays.sums.add_up(learn.sums);
  }
  void learn_scratch(std::size_t, const learn_options& options, const epilogue_options&, workspace& scratch) const {
    (void)depthwise::learn_arrays<T>(map, options, available.threads, scratch);
  }

  void weight_gradient(const weight_gradient_arguments<T>& backward, workspace scratch) const {
    const std::size_t width = map.out.width;
    const std::size_t channels = map.outputs();
    const depthwise::partial_sums<T> all(map, {}, available.threads_for(map, backward.samples), scratch);
    all.clear();
    for_image_rows(backward.samples, map.out.height, [&](std::size_t thread, std::size_t sample, std::size_t y) {
      const accumulators<T> sums = all.part(thread);
      const T* error = backward.d + (sample * map.out.height + y) * width * channels;
      depthwise::add_products<T>(map, y, {0, 1, width}, backward.x + sample * map.in.size(), error, sums.sum);
      for (std::size_t p = 0; backward.db != nullptr && p < width; ++p) {
        LOCALIS_VECTORIZE
        for (std::size_t c = 0; c < channels; ++c) sums.unit[c] += error[p * channels + c];
      }
    });
    all.add_up({.sum = backward.dw, .unit = backward.db});
  }
  void weight_gradient_scratch(workspace& scratch) const {
    (void)depthwise::partial_sums<T>(map, {}, available.threads, scratch);
  }

  void input_gradient(const input_gradient_arguments<T>& backward, workspace scratch) const {
    T* weights = scratch.take<T>(map.weights());
    depthwise::transpose(backward.w, map.outputs(), map.inputs(), weights);
    for (std::size_t i = 0; i < map.inputs() / 2; ++i) {
      std::swap_ranges(weights + i * map.outputs(), weights + (i + 1) * map.outputs(),
                       weights + (map.inputs() - 1 - i) * map.outputs());
    }
    for_image_rows(backward.samples, map.in.height, [&](std::size_t, std::size_t sample, std::size_t y) {
      const std::size_t row = (sample * map.in.height + y) * map.in.width;
      depthwise::correlate<T>(map.field, depthwise::correlation::input_gradient, map.out, y, {0, 1, map.in.width},
                              backward.d + sample * map.out.size(), weights, nullptr, backward.dx + row * map.outputs(),
                              backward.mode);
    });
  }
  void input_gradient_scratch(workspace& scratch) const { (void)scratch.take<T>(map.weights()); }

 private:
  /// Computes the gates and sums of those pixels in row `y` of an image that the rule learns from.
  ///
  /// @param row   index in X of the first pixel of this row
  /// @param x     input of one sample
  /// @param u     response of this row
  /// @param sums  sums of the calling thread
  template <class Gate>
  void learn_row(std::size_t thread, std::size_t y, std::size_t row, const T* x, const T* u,
                 const learning_arguments<T, Gate>& learn, const depthwise::learn_arrays<T>& arrays,
                 const accumulators<T>& sums) const {
    const std::size_t width = map.out.width;
    const std::size_t channels = map.outputs();
    const learn_options& options = learn.options;
    T* gates = arrays.gates + thread * width * channels;
    const bool reweighted = options.signal == gate_signal::reweighted;
    T* signal_rows = arrays.signal_rows + (options.signal != gate_signal::response ? thread * width * channels : 0);
    const std::size_t skipped = options.rows.count(row);
    const depthwise::pixels learned{options.rows.first + skipped * options.rows.every - row, options.rows.every,
                                    options.rows.count(row + width) - skipped};
    if (reweighted) {
      depthwise::correlate<T>(map.field, depthwise::correlation::response, map.in, y, learned, x,
                              arrays.response_weights, nullptr, signal_rows);
    }
    for (std::size_t j = 0; j < learned.count; ++j) {
      const std::size_t pixel = learned.first + j * learned.step;
      const T* signal = u + pixel * channels;
      if (options.signal != gate_signal::response) {
        T* other = signal_rows + j * channels;
        learn.gate.see(0, channels, reweighted ? other : signal, other);
        signal = other;
      }
      learn.gate.open(row + pixel, 0, channels, signal, gates + j * channels, static_cast<T*>(nullptr));
      learn.gate.add(0, channels, signal, gates + j * channels, sums.unit);
    }
    depthwise::add_products<T>(map, y, learned, x, gates, sums.sum);
    if (options.sums_inputs) depthwise::add_products<T>(map, y, learned, x, nullptr, sums.input);
  }

  /// Calls body(thread, sample, y) for each of the `height` rows of each sample.
  template <class Body>
  void for_image_rows(std::size_t samples, std::size_t height, const Body& body) const {
    const std::size_t threads = available.threads_for(map, samples);
    parallel_for(threads, [&](std::size_t thread) {
      const range part = part_of(samples * height, thread, threads);
      for (std::size_t row = part.begin; row < part.end; ++row) body(thread, row / height, row % height);
    });
  }
};

static_assert(linear_algorithm<depthwise_convolution<float>, float>);

}  // namespace LOCALIS_CPU_THREADS
}  // namespace localis::cpu
