#pragma once

#include <cstddef>
#include <ostream>

namespace localis {

/// The extents of one sample, which is an image in row-major order with channels last; a vector is 1 x 1 x n.
struct shape {
  std::size_t height = 1;
  std::size_t width = 1;
  std::size_t channels = 1;

  [[nodiscard]] constexpr std::size_t size() const { return height * width * channels; }
  [[nodiscard]] constexpr std::size_t positions() const { return height * width; }
  constexpr bool operator==(const shape&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, const shape& s) {
  return out << s.height << 'x' << s.width << 'x' << s.channels;
}

/// A length along the height and one along the width, in pixels. One number stands for two equal lengths.
struct lengths {
  std::size_t height;
  std::size_t width;

  // NOLINTNEXTLINE(google-explicit-constructor): most windows are squares
  constexpr lengths(std::size_t both) : height(both), width(both) {}
  constexpr lengths(std::size_t rows, std::size_t columns) : height(rows), width(columns) {}
  constexpr bool operator==(const lengths&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, const lengths& l) {
  out << l.height;
  return l.width == l.height ? out : out << 'x' << l.width;
}

/// The window of a convolution or pooling, in pixels. `padding` applies to both sides of each axis; `dilation` is the
/// distance from one cell of the window to the next.
struct window {
  std::size_t height = 1;
  std::size_t width = 1;
  lengths stride = 1;
  lengths padding = 0;
  lengths dilation = 1;

  /// Whether a stride or a dilation is 0, so that the window never moves or its cells coincide.
  [[nodiscard]] constexpr bool stands_still() const {
    return stride.height == 0 || stride.width == 0 || dilation.height == 0 || dilation.width == 0;
  }
  /// Number of cells of the window.
  [[nodiscard]] constexpr std::size_t positions() const { return height * width; }
  /// Pixels from the first to the last cell of one axis, both included.
  [[nodiscard]] constexpr std::size_t height_span() const { return (height - 1) * dilation.height + 1; }
  [[nodiscard]] constexpr std::size_t width_span() const { return (width - 1) * dilation.width + 1; }
  [[nodiscard]] constexpr bool fits(const shape& in) const {
    return in.height + 2 * padding.height >= height_span() && in.width + 2 * padding.width >= width_span();
  }
  /// Output extents, rounded down; the window must fit into the padded input.
  [[nodiscard]] constexpr shape output(const shape& in, std::size_t channels) const {
    return {(in.height + 2 * padding.height - height_span()) / stride.height + 1,
            (in.width + 2 * padding.width - width_span()) / stride.width + 1, channels};
  }
  constexpr bool operator==(const window&) const = default;
};

/// What the type of a layer says about its linear map, whatever its input is. A backend that computes some maps in a
/// way of their own need not compile it for layers that never have such a map.
enum class map_kind {
  any,          ///< nothing
  dense,        ///< linear_map::dense()
  pointwise,    ///< linear_map::pointwise()
  convolution,  ///< one group
  plain_3x3,    ///< one group, windows of 3 x 3, stride and dilation 1
  grouped       ///< any number of groups
};

/// A dense layer or a convolution seen as U = X W^T:  X is P x I (the unfolded input), W is O x I, U is P x O, with
/// P = samples * positions, I = window * input channels, O = output channels. In a dense layer, in and out are 1 x 1.
///
/// With groups, unit o sees only the C / groups channels of its group: the layer is `groups` such triples side by side,
/// each with O / groups units. A row of X is then ordered by group. A depthwise layer has as many groups as channels
/// and units.
struct linear_map {
  static constexpr map_kind kind = map_kind::any;

  shape in;
  shape out;
  window field;
  std::size_t groups = 1;

  [[nodiscard]] constexpr std::size_t rows(std::size_t samples) const { return samples * out.positions(); }
  [[nodiscard]] constexpr std::size_t inputs() const { return field.positions() * in.channels / groups; }
  [[nodiscard]] constexpr std::size_t outputs() const { return out.channels; }
  [[nodiscard]] constexpr std::size_t weights() const { return inputs() * outputs(); }
  /// Input channels of a group.
  [[nodiscard]] constexpr std::size_t group_channels() const { return in.channels / groups; }
  [[nodiscard]] constexpr std::size_t group_of(std::size_t unit) const { return unit / (out.channels / groups); }
  [[nodiscard]] constexpr bool depthwise() const {
    return groups > 1 && groups == in.channels && groups == out.channels && field.dilation == 1;
  }
  /// Length of a row of X over all groups: groups * I.
  [[nodiscard]] constexpr std::size_t seen() const { return field.positions() * in.channels; }
  /// Whether the unfolded input is the input itself.
  [[nodiscard]] constexpr bool pointwise() const {
    return groups == 1 && field.positions() == 1 && field.stride == 1 && field.padding == 0;
  }
  /// Whether there is one output position per sample, as in a dense layer.
  [[nodiscard]] constexpr bool dense() const { return pointwise() && out.positions() == 1; }
  [[nodiscard]] constexpr bool is(map_kind expected) const {
    switch (expected) {
      case map_kind::any:
      case map_kind::grouped:
        return true;
      case map_kind::dense:
        return dense();
      case map_kind::pointwise:
        return pointwise();
      case map_kind::convolution:
        return groups == 1 && !dense();
      case map_kind::plain_3x3:
        return groups == 1 && field.height == 3 && field.width == 3 && field.stride == 1 && field.dilation == 1;
    }
    return false;
  }
  constexpr bool operator==(const linear_map&) const = default;
};

/// A linear map whose kind is known where it is compiled.
template <map_kind Kind>
struct linear_map_of : linear_map {
  static constexpr map_kind kind = Kind;
};

/// The mean over all positions, expressed as a pooling of the whole map.
constexpr linear_map whole_map(const shape& extents) {
  return {extents, {1, 1, extents.channels}, {extents.height, extents.width, 1, 0}};
}

}  // namespace localis
