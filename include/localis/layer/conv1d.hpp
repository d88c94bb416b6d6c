#pragma once

#include <cstddef>

#include <localis/core/operation.hpp>
#include <localis/core/shape.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/options.hpp>

namespace localis {

/// Convolution (cross-correlation) over signals, channels last: conv2d over images of height 1, and just as fast.
///
///   X  P x I,  W  O x I,  U  P x O        P = N Lo,  I = Kernel C / groups,  O = Channels
///   Lo = floor((L + 2 padding - dilation (Kernel - 1) - 1) / stride) + 1
///
/// Its input is signal_input<L, C>, or what another layer makes of it.
///
/// Options: those of conv2d; lengths are in positions of the signal.
/// Cost:   as conv2d.
/// Errors: as conv2d. An input of more than one line does not compile.
/// Source: as PyTorch's Conv1d, but channels last; initial weights as in dense.
template <std::size_t Channels, std::size_t Kernel, class... Options>
struct conv1d : conv2d<Channels, kernel_size<1, Kernel>, typename detail::along_width<Options>::type...> {
  static constexpr operation describe(const shape& in) {
    return detail::over_signals(
        "conv1d",
        conv2d<Channels, kernel_size<1, Kernel>, typename detail::along_width<Options>::type...>::describe(in));
  }
};

}  // namespace localis
