#pragma once

#include <array>
#include <cstddef>

#include <localis/core/operation.hpp>
#include <localis/core/random.hpp>
#include <localis/core/shape.hpp>
#include <localis/kernel/pooling.hpp>
#include <localis/layer/options.hpp>

namespace localis {

namespace detail {

enum class pooling { maximum, average };

}  // namespace detail

/// The run-time part of the pooling layers.
template <class Backend, detail::pooling Kind>
class pool_layer : public stateless {
 public:
  using scalar = typename Backend::scalar;

  pool_layer(Backend&, const operation&, random_stream) {}
  [[nodiscard]] std::array<parameter<scalar>, 0> parameters() const { return {}; }
  void validate() const {}

  void forward(Backend& backend, const operation& op, const operands<scalar>& arrays, mode,
               const step_values<scalar>&) {
    const std::size_t rows = op.map().rows(arrays.samples);
    if constexpr (Kind == detail::pooling::maximum) {
      backend.for_rows(rows, op.in.channels, kernel::max_pool<scalar>{op.map(), arrays.input, arrays.output});
    } else {
      backend.for_rows(rows, op.in.channels, kernel::average_pool<scalar>{op.map(), arrays.input, arrays.output});
    }
  }
  void backward(Backend& backend, const operation& op, const operands<scalar>& arrays) {
    if (arrays.input_gradient == nullptr) return;
    if constexpr (Kind == detail::pooling::maximum) {
      const linear_map map = op.map();
      if (kernel::windows_tile(map)) {
        backend.for_rows(map.rows(arrays.samples), op.in.channels,
                         kernel::max_pool_tile_gradient<scalar>{map, arrays.input, arrays.output,
                                                                arrays.output_gradient, arrays.input_gradient});
      } else {
        backend.for_samples(arrays.samples, op.in.size(), op.in.channels,
                            kernel::max_pool_gradient<scalar>{map, arrays.input, arrays.output, arrays.output_gradient,
                                                              arrays.input_gradient});
      }
    } else {
      backend.for_samples(
          arrays.samples, op.in.size(), op.in.channels,
          kernel::average_pool_gradient<scalar>{op.map(), arrays.output_gradient, arrays.input_gradient});
    }
  }
};

namespace detail {

/// The number of windows along an axis of which the last may begin, but not end, within the image.
constexpr std::size_t windows_begun(std::size_t extent, std::size_t side, std::size_t stride, std::size_t padding) {
  const std::size_t rest = extent + 2 * padding - side;
  const std::size_t whole = rest / stride + 1;
  return rest % stride > 0 && whole * stride < extent + padding ? whole + 1 : whole;
}

constexpr operation describe_pool(const shape& in, const window& field, pooling kind, const char* name,
                                  bool rounds_up = false) {
  operation op;
  op.name = name;
  op.kind = operation_kind::pooling;
  op.in = in;
  op.field = field;
  if (field.stands_still()) {
    op.problem = misfit::stride_is_zero;
  } else if (!field.fits(in) || 2 * field.padding.height > field.height || 2 * field.padding.width > field.width) {
    op.problem = misfit::window_larger_than_input;
  } else {
    op.out = field.output(in, in.channels);
    if (rounds_up) {
      op.out.height = windows_begun(in.height, field.height, field.stride.height, field.padding.height);
      op.out.width = windows_begun(in.width, field.width, field.stride.width, field.padding.width);
    }
  }
  if (kind == pooling::maximum) {
    const bool whole_squares = field.width == field.height && field.stride == field.height && field.padding == 0 &&
                               op.out.height * field.height <= in.height && op.out.width * field.width <= in.width;
    op.saves = saved_values::input_and_output;
    op.fusable_as = whole_squares ? fusion::epilogue : fusion::none;
  }
  return op;
}

template <lengths Side, class... Options>
constexpr window pool_window() {
  using options = read_options<Options...>;
  return {Side.height, Side.width, options::has_stride ? options::stride : Side, options::padding};
}

}  // namespace detail

/// Maximum pooling: the largest value of each window, a square or a rectangle, per channel.
///
///   x  N x H x W x C,  y  N x Ho x Wo x C        Ho = floor((H + 2 padding - Side) / stride) + 1, and Wo likewise
///
/// Options: stride<N> (Side), padding<N> (0, at most half a window; padding never wins), ceil_mode (rounds the extents
///         up: a last window that the image ends within counts too). Lengths are in pixels. Each may differ along
///         height and width: max_pool2d<kernel_size<1, 3>, stride<1, 2>, padding<0, 1>>.
/// Cost: O(Side^2) per output value. It saves input and output but no indices: backward finds the first maximum again.
/// Errors: none; a window that does not fit does not compile.
template <lengths Side, class... Options>
struct max_pool2d {
  static_assert(Side.height > 0 && Side.width > 0, "localis::max_pool2d: the window is 0");
  static constexpr operation describe(const shape& in) {
    return detail::describe_pool(in, detail::pool_window<Side, Options...>(), detail::pooling::maximum, "max_pool2d",
                                 detail::read_options<Options...>::rounds_up);
  }
  template <class Backend>
  using state = pool_layer<Backend, detail::pooling::maximum>;
};

/// Average pooling: the mean of each window, per channel; padding counts as zeros. Shapes, options, cost and errors are
/// those of max_pool2d, without ceil_mode; it saves nothing.
template <lengths Side, class... Options>
struct average_pool2d {
  static_assert(Side.height > 0 && Side.width > 0, "localis::average_pool2d: the window is 0");
  static_assert(!detail::read_options<Options...>::rounds_up, "localis: ceil_mode is an option of max_pool2d alone");
  static constexpr operation describe(const shape& in) {
    return detail::describe_pool(in, detail::pool_window<Side, Options...>(), detail::pooling::average,
                                 "average_pool2d");
  }
  template <class Backend>
  using state = pool_layer<Backend, detail::pooling::average>;
};

/// Global average pooling: the mean of the whole image, per channel, N x H x W x C to N x 1 x 1 x C. It saves nothing.
struct global_average_pool {
  static constexpr operation describe(const shape& in) {
    return detail::describe_pool(in, window{in.height, in.width, 1, 0}, detail::pooling::average,
                                 "global_average_pool");
  }
  template <class Backend>
  using state = pool_layer<Backend, detail::pooling::average>;
};

}  // namespace localis
