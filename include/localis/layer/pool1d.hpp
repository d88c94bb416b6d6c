#pragma once

#include <cstddef>

#include <localis/core/operation.hpp>
#include <localis/core/shape.hpp>
#include <localis/layer/options.hpp>
#include <localis/layer/pool.hpp>

namespace localis {

/// Maximum pooling over signals: the largest value of each window of Length positions, per channel; max_pool2d over
/// images of height 1.
///
///   x  N x L x C,  y  N x Lo x C        Lo = floor((L + 2 padding - Length) / stride) + 1
///
/// Options: stride<N> (Length), padding<N> (0, at most half a window; padding never wins), in positions of the signal.
/// Cost and errors: as max_pool2d. An input of more than one line does not compile.
template <std::size_t Length, class... Options>
struct max_pool1d : max_pool2d<kernel_size<1, Length>, typename detail::along_width<Options>::type...> {
  static constexpr operation describe(const shape& in) {
    return detail::over_signals(
        "max_pool1d", max_pool2d<kernel_size<1, Length>, typename detail::along_width<Options>::type...>::describe(in));
  }
};

/// Average pooling over signals: the mean of each window of Length positions, per channel; padding counts as zeros.
/// Shapes, options and errors are those of max_pool1d; it saves nothing.
template <std::size_t Length, class... Options>
struct average_pool1d : average_pool2d<kernel_size<1, Length>, typename detail::along_width<Options>::type...> {
  static constexpr operation describe(const shape& in) {
    return detail::over_signals(
        "average_pool1d",
        average_pool2d<kernel_size<1, Length>, typename detail::along_width<Options>::type...>::describe(in));
  }
};

}  // namespace localis
