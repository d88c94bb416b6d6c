#pragma once

#include <cstddef>

#include <localis/localis.hpp>

/// The network of A. Nokland, L. Eidnes, Training neural networks with local error signals, ICML 2019 (arXiv
/// 1901.06656): VGG-8b at a quarter of its width, whose stages learn from losses of their own.
///
/// Adam, its rate and the epochs at which the rate falls are those of the authors' published program. What differs
/// here: 32 to 128 channels where theirs have 128 to 512; a stage ends with its pooling, before which theirs computes
/// its loss; the similarity loss sees the output of the stage, where theirs sees a convolution of it that learns with
/// it; scales and shifts of batch normalization learn in gradient descent alone; no dropout.
namespace examples::local_losses {

inline constexpr std::size_t width = 32;  ///< of the first convolution; 128 in the paper
inline constexpr double rate = 5e-4;

// clang-format off
template <class Rule>
using network = localis::network<localis::image<32, 32, 3>,
    localis::conv2d<width, 3, localis::padding<1>, Rule>, localis::batch_norm, localis::relu,
    localis::conv2d<2 * width, 3, localis::padding<1>, Rule>, localis::batch_norm, localis::relu, localis::max_pool2d<2>,
    localis::conv2d<2 * width, 3, localis::padding<1>, Rule>, localis::batch_norm, localis::relu,
    localis::conv2d<4 * width, 3, localis::padding<1>, Rule>, localis::batch_norm, localis::relu, localis::max_pool2d<2>,
    localis::conv2d<4 * width, 3, localis::padding<1>, Rule>, localis::batch_norm, localis::relu, localis::max_pool2d<2>,
    localis::conv2d<4 * width, 3, localis::padding<1>, Rule>, localis::batch_norm, localis::relu, localis::max_pool2d<2>,
    localis::dense<8 * width, Rule>, localis::batch_norm, localis::relu,
    localis::dense<10>>;
// clang-format on

/// The rule of a stage that learns by Adam, as the suffix does.
template <class Rule>
using by_adam = localis::rule::local<Rule, localis::optimizer::adam>;

/// The factor on the rates after this part of the training: a quarter of the last one after 50, 75, 89 and 94 %.
[[nodiscard]] constexpr double factor_after(double part) {
  double factor = 1;
  for (const double end : {0.5, 0.75, 0.89, 0.94}) factor *= part >= end ? 0.25 : 1;
  return factor;
}

/// Lets the local rate fall with the learning rate.
struct falling_gain {
  struct state {
    std::size_t steps = 0;
    friend bool operator==(const state&, const state&) = default;
  };
  std::size_t steps = 1;  ///< of the whole training

  constexpr void observe(state& seen, double) const { ++seen.steps; }
  [[nodiscard]] constexpr double gain(const state& seen) const {
    return factor_after(static_cast<double>(seen.steps) / static_cast<double>(steps));
  }
  friend bool operator==(const falling_gain&, const falling_gain&) = default;
};

}  // namespace examples::local_losses
