#pragma once

#include <cstddef>
#include <cstdint>

#include <localis/config.hpp>
#include <localis/core/unlabelled.hpp>
#include <localis/math/mean.hpp>
#include <localis/math/softmax.hpp>
#include <localis/math/team.hpp>

namespace localis::kernel {

/// Softmax over the channels of one position: y = softmax(sharpness x); y may be x.
template <class T>
struct softmax {
  const T* x;
  T* y;
  std::size_t channels;
  T sharpness;

  template <class Team = math::team_of_one>
  constexpr void operator()(std::size_t row, const Team& team = {}) const {
    math::softmax_row(x + row * channels, y + row * channels, channels, sharpness, T(1), team);
  }
};

/// Gradient of the softmax: dx = sharpness y (dy - sum over channels of dy y); dx may be dy.
template <class T>
struct softmax_gradient {
  const T* y;
  const T* dy;
  T* dx;
  std::size_t channels;
  T sharpness;

  template <class Team = math::team_of_one>
  constexpr void operator()(std::size_t row, const Team& team = {}) const {
    const T* p = y + row * channels;
    const T* d = dy + row * channels;
    T* out = dx + row * channels;
    const T sum = math::sum_of<T>(
        channels, [=](std::size_t c) { return d[c] * p[c]; }, team);
    LOCALIS_VECTORIZE
    for (std::size_t c = team.lane(); c < channels; c += team.lanes()) out[c] = sharpness * p[c] * (d[c] - sum);
  }
};

/// The gradient of the softmax cross entropy of one sample: scale (softmax(z) - [label]), in place; 0 for
/// a sample that is data::unlabelled.
template <class T>
struct softmax_error {
  T* logits;
  const std::uint32_t* labels;
  std::size_t classes;
  T scale;

  template <class Team = math::team_of_one>
  constexpr void operator()(std::size_t row, const Team& team = {}) const {
    T* z = logits + row * classes;
    if (labels[row] == data::unlabelled) {
      for (std::size_t k = team.lane(); k < classes; k += team.lanes()) z[k] = T(0);
      return;
    }
    math::softmax_row(static_cast<const T*>(z), z, classes, T(1), scale, team);
    if (math::owns(team, labels[row])) z[labels[row]] -= scale;
  }
};

}  // namespace localis::kernel
