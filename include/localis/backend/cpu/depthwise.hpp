#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <type_traits>

#include <localis/backend/concept.hpp>
#include <localis/backend/cpu/parallel.hpp>
#include <localis/config.hpp>
#include <localis/core/shape.hpp>
#include <localis/core/workspace.hpp>

/// Depthwise convolution, channels last. Weights and their sums are laid out I x C here, outside C x I, so that inner
/// loops run over contiguous channels, a block of them in registers. Work is cut into rows of an image, which threads
/// own in contiguous stretches: the few rows of input that one row of output sees stay near the core for the response,
/// the gates and all sums, and the input is read once.
namespace localis::cpu::depthwise {
inline namespace LOCALIS_CPU_THREADS {

/// The cells of a window that meet an array, along one axis: cell first + k step meets position + k, k < count.
struct cells {
  std::size_t first = 0;
  std::size_t step = 1;
  std::size_t position = 0;
  std::size_t count = 0;
};

/// The window of output position `at`, over an input of `size`.
inline cells cells_over_input(std::size_t at, std::size_t size, std::size_t kernel, std::size_t stride,
                              std::size_t padding) {
  const std::size_t start = at * stride;  // before padding is taken off
  const std::size_t first = start < padding ? padding - start : 0;
  const std::size_t end = start < size + padding ? (std::min)(kernel, size + padding - start) : 0;
  if (first >= end) return {};
  return {first, 1, start + first - padding, end - first};
}

/// The windows, over an output of `size`, that see input position `at`; cells are counted from a window's last.
inline cells cells_over_output(std::size_t at, std::size_t size, std::size_t kernel, std::size_t stride,
                               std::size_t padding) {
  const std::size_t end = at + padding;  // output position o sees it in cell end - o stride
  const std::size_t first = end < kernel ? 0 : (end - kernel) / stride + 1;
  const std::size_t last = (std::min)(size, end / stride + 1);
  if (first >= last) return {};
  return {kernel - 1 + first * stride - end, stride, first, last - first};
}

/// Pixels first, first + step, ... of a row.
struct pixels {
  std::size_t first;
  std::size_t step;
  std::size_t count;
};

/// f(begin, size) over blocks of channels, where `size` is a type whose value the compiler knows: the wide ones fill a
/// few vector registers, the others take what is left.
template <class T, class F>
void for_channel_blocks(std::size_t channels, const F& f) {
  std::size_t begin = 0;
  const auto blocks_of = [&](auto size) {
    for (; begin + size() <= channels; begin += size()) f(begin, size);
  };
  blocks_of(std::integral_constant<std::size_t, 128 / sizeof(T)>{});
  blocks_of(std::integral_constant<std::size_t, 32 / sizeof(T)>{});
  blocks_of(std::integral_constant<std::size_t, 16 / sizeof(T)>{});
  blocks_of(std::integral_constant<std::size_t, 1>{});
}

/// out(j, c) = bias(c) + sum over the cells of the windows that meet pixel j of row y of w(cell, c) in(position, c).
///
/// @param to_input  `in` is an output and `out` a part of an input, and w has its cells in reverse
/// @param from      extents of `in`
/// @param w         I x C
/// @param bias      C, or null
template <class T>
[[gnu::noinline]] void correlate(const window& field, bool to_input, const shape& from, std::size_t y,
                                 const pixels& which, const T* in, const T* w, const T* bias, T* out) {
  const std::size_t channels = from.channels;
  const auto cells_at = [&](std::size_t at, std::size_t size, std::size_t kernel) {
    return to_input ? cells_over_output(at, size, kernel, field.stride, field.padding)
                    : cells_over_input(at, size, kernel, field.stride, field.padding);
  };
  const cells rows = cells_at(y, from.height, field.height);
  for (std::size_t j = 0; j < which.count; ++j) {
    const cells columns = cells_at(which.first + j * which.step, from.width, field.width);
    for_channel_blocks<T>(channels, [&](std::size_t c, auto size) {
      std::array<T, size()> sum{};
      if (bias != nullptr) std::copy(bias + c, bias + c + size(), sum.begin());
      for (std::size_t r = 0; r < rows.count; ++r) {
        const T* weights = w + ((rows.first + r * rows.step) * field.width + columns.first) * channels + c;
        const T* seen = in + ((rows.position + r) * from.width + columns.position) * channels + c;
        for (std::size_t k = 0; k < columns.count; ++k) {
          for (std::size_t i = 0; i < size(); ++i) {
            sum[i] += weights[k * columns.step * channels + i] * seen[k * channels + i];
          }
        }
      }
      std::copy(sum.begin(), sum.end(), out + j * channels + c);
    });
  }
}

/// sum(cell, c) += sum over pixels j of output row y of g(j, c) times what that cell of their window sees in channel c.
///   x  one sample,  g  null: 1,  sum  I x C
template <class T>
[[gnu::noinline]] void add_products(const linear_map& map, std::size_t y, const pixels& which, const T* x, const T* g,
                                    T* sum) {
  const window& field = map.field;
  const std::size_t channels = map.in.channels;
  const std::size_t advance = which.step * field.stride * channels;
  const auto divide_up = [](std::size_t a, std::size_t b) { return (a + b - 1) / b; };
  const cells rows = cells_over_input(y, map.in.height, field.height, field.stride, field.padding);
  for (std::size_t column = 0; column < field.width; ++column) {
    // The pixels in whose windows this column lies inside the image: left <= pixel < right, and among `which`.
    const std::size_t image_end = map.in.width + field.padding;
    const std::size_t left = column < field.padding ? divide_up(field.padding - column, field.stride) : 0;
    const std::size_t right = column < image_end ? divide_up(image_end - column, field.stride) : 0;
    const std::size_t begin = left > which.first ? divide_up(left - which.first, which.step) : 0;
    const std::size_t end =
        right > which.first ? (std::min)(which.count, divide_up(right - which.first, which.step)) : 0;
    if (begin >= end) continue;
    const std::size_t first = (which.first + begin * which.step) * field.stride + column - field.padding;
    for (std::size_t r = 0; r < rows.count; ++r) {
      const T* row = x + ((rows.position + r) * map.in.width + first) * channels;
      T* to = sum + ((rows.first + r) * field.width + column) * channels;
      for_channel_blocks<T>(channels, [&](std::size_t c, auto size) {
        std::array<T, size()> part{};
        std::copy(to + c, to + c + size(), part.begin());
        for (std::size_t j = begin; j < end; ++j) {
          const T* seen = row + (j - begin) * advance + c;
          if (g == nullptr) {
            for (std::size_t i = 0; i < size(); ++i) part[i] += seen[i];
          } else {
            for (std::size_t i = 0; i < size(); ++i) part[i] += g[j * channels + c + i] * seen[i];
          }
        }
        std::copy(part.begin(), part.end(), to + c);
      });
    }
  }
}

/// to: columns x rows, from: rows x columns
template <class T>
void transpose(const T* from, std::size_t rows, std::size_t columns, T* to) {
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < columns; ++c) to[c * rows + r] = from[r * columns + c];
  }
}

/// body(thread, sample, y) for each of `height` rows of each sample.
template <class Body>
void for_image_rows(std::size_t threads, std::size_t samples, std::size_t height, const Body& body) {
  parallel_for(threads, [&](std::size_t thread) {
    const range mine = part_of(samples * height, thread, threads);
    for (std::size_t row = mine.begin; row < mine.end; ++row) body(thread, row / height, row % height);
  });
}

/// Each thread's own sums; `accumulators` of I x C. Added up in the order of threads, whatever their timing.
template <class T>
class partial_sums {
 public:
  partial_sums(const linear_map& map, const learn_options& options, std::size_t threads, workspace& scratch)
      : map_(map),
        inputs_(options.inputs),
        units_(options.unit_sums * map.outputs()),
        threads_(threads),
        // Lanes write all the time: no two to one cache line.
        size_(workspace::round_up(((inputs_ ? 2 : 1) * map.weights() + units_) * sizeof(T)) / sizeof(T)),
        data_(scratch.take<T>(threads * size_)) {}

  void clear() const { std::fill(data_, data_ + threads_ * size_, T(0)); }
  [[nodiscard]] accumulators<T> of(std::size_t thread) const {
    T* sum = data_ + thread * size_;
    T* unit = sum + map_.weights();
    return {sum, unit, nullptr, inputs_ ? unit + units_ : nullptr};
  }
  void add_up(const accumulators<T>& to) const {
    for (std::size_t thread = 1; thread < threads_; ++thread) {
      for (std::size_t i = 0; i < size_; ++i) data_[i] += data_[thread * size_ + i];
    }
    const accumulators<T> total = of(0);
    transpose(total.sum, map_.inputs(), map_.outputs(), to.sum);
    if (to.unit != nullptr) std::copy(total.unit, total.unit + units_, to.unit);
    if (inputs_) transpose(total.input, map_.inputs(), map_.outputs(), to.input);
  }

 private:
  linear_map map_;
  bool inputs_;
  std::size_t units_;
  std::size_t threads_;
  std::size_t size_;
  T* data_;
};

/// What a pass that learns takes.
template <class T>
struct learn_arrays {
  T* weights;      ///< I x C
  T* through;      ///< I x C, where gates see the input through other weights
  T* gates;        ///< by thread, a row of the image
  T* signal_rows;  ///< as gates, where those see another signal
  partial_sums<T> sums;

  learn_arrays(const linear_map& map, const learn_options& options, std::size_t threads, workspace& scratch)
      : weights(scratch.take<T>(map.weights())),
        through(options.sees_other ? scratch.take<T>(map.weights()) : nullptr),
        gates(scratch.take<T>(threads * map.out.width * map.outputs())),
        signal_rows(options.sees_other ? scratch.take<T>(threads * map.out.width * map.outputs()) : nullptr),
        sums(map, options, threads, scratch) {}
};

// The verbs of a backend on `threads` threads; their scratch is what they take first.

template <class T>
void respond(const linear_map& map, std::size_t samples, const T* x, const T* w, const T* bias, T* u,
             std::size_t threads, workspace scratch) {
  T* weights = scratch.take<T>(map.weights());
  transpose(w, map.outputs(), map.inputs(), weights);
  for_image_rows(threads, samples, map.out.height, [&](std::size_t, std::size_t sample, std::size_t y) {
    const std::size_t row = (sample * map.out.height + y) * map.out.width;
    correlate<T>(map.field, false, map.in, y, {0, 1, map.out.width}, x + sample * map.in.size(), weights, bias,
                 u + row * map.outputs());
  });
}

template <class T, class Gate>
void respond_and_learn(const linear_map& map, std::size_t samples, const T* x, const T* w, const T* bias, T* u,
                       const Gate& gate, const learn_options& options, const T* h, const accumulators<T>& sums,
                       std::size_t threads, workspace scratch) {
  const std::size_t width = map.out.width;
  const std::size_t channels = map.outputs();
  const learn_arrays<T> at(map, options, threads, scratch);
  transpose(w, channels, map.inputs(), at.weights);
  if (h != nullptr) transpose(h, channels, map.inputs(), at.through);
  at.sums.clear();
  for_image_rows(threads, samples, map.out.height, [&](std::size_t thread, std::size_t sample, std::size_t y) {
    const accumulators<T> mine = at.sums.of(thread);
    const std::size_t row = (sample * map.out.height + y) * width;
    const T* in = x + sample * map.in.size();
    T* out = u + row * channels;
    T* gates = at.gates + thread * width * channels;
    T* signal_rows = at.signal_rows + (options.sees_other ? thread * width * channels : 0);
    if (!options.responded) correlate<T>(map.field, false, map.in, y, {0, 1, width}, in, at.weights, nullptr, out);

    const std::size_t before = options.rows.count(row);
    const pixels learned{options.rows.first + before * options.rows.every - row, options.rows.every,
                         options.rows.count(row + width) - before};
    if (h != nullptr) correlate<T>(map.field, false, map.in, y, learned, in, at.through, nullptr, signal_rows);
    for (std::size_t j = 0; j < learned.count; ++j) {
      const std::size_t pixel = learned.first + j * learned.step;
      const T* signal = out + pixel * channels;
      if (options.sees_other) {
        T* other = signal_rows + j * channels;
        gate.see(0, channels, h != nullptr ? other : signal, other);
        signal = other;
      }
      gate.open(row + pixel, 0, channels, signal, gates + j * channels, static_cast<T*>(nullptr));
      gate.add(0, channels, signal, gates + j * channels, mine.unit);
    }
    add_products<T>(map, y, learned, in, gates, mine.sum);
    if (options.inputs) add_products<T>(map, y, learned, in, nullptr, mine.input);

    for (std::size_t p = 0; bias != nullptr && p < width; ++p) {
      LOCALIS_VECTORIZE
      for (std::size_t c = 0; c < channels; ++c) out[p * channels + c] += bias[c];
    }
  });
  at.sums.add_up(sums);
}

template <class T>
void weight_gradient(const linear_map& map, std::size_t samples, const T* x, const T* d, T* dw, T* db,
                     std::size_t threads, workspace scratch) {
  const std::size_t width = map.out.width;
  const std::size_t channels = map.outputs();
  const partial_sums<T> sums(map, {}, threads, scratch);
  sums.clear();
  for_image_rows(threads, samples, map.out.height, [&](std::size_t thread, std::size_t sample, std::size_t y) {
    const accumulators<T> mine = sums.of(thread);
    const T* error = d + (sample * map.out.height + y) * width * channels;
    add_products<T>(map, y, {0, 1, width}, x + sample * map.in.size(), error, mine.sum);
    for (std::size_t p = 0; db != nullptr && p < width; ++p) {
      LOCALIS_VECTORIZE
      for (std::size_t c = 0; c < channels; ++c) mine.unit[c] += error[p * channels + c];
    }
  });
  sums.add_up({dw, db, nullptr, nullptr});
}

template <class T>
void input_gradient(const linear_map& map, std::size_t samples, const T* d, const T* w, T* dx, std::size_t threads,
                    workspace scratch) {
  T* weights = scratch.take<T>(map.weights());
  transpose(w, map.outputs(), map.inputs(), weights);
  for (std::size_t i = 0; i < map.inputs() / 2; ++i) {
    std::swap_ranges(weights + i * map.outputs(), weights + (i + 1) * map.outputs(),
                     weights + (map.inputs() - 1 - i) * map.outputs());
  }
  for_image_rows(threads, samples, map.in.height, [&](std::size_t, std::size_t sample, std::size_t y) {
    const std::size_t row = (sample * map.in.height + y) * map.in.width;
    correlate<T>(map.field, true, map.out, y, {0, 1, map.in.width}, d + sample * map.out.size(), weights, nullptr,
                 dx + row * map.outputs());
  });
}

}  // namespace LOCALIS_CPU_THREADS
}  // namespace localis::cpu::depthwise
