#pragma once

#include <cstddef>

#include <localis/config.hpp>
#include <localis/math/exponential.hpp>
#include <localis/math/mean.hpp>
#include <localis/math/team.hpp>

namespace localis::kernel {

/// Triangle activation over the channels of one position: y_c = max(0, x_c - mean of x)^power; y may be x. NaN stays
/// NaN.
template <class T>
struct triangle {
  const T* x;
  T* y;
  std::size_t channels;
  T power;

  template <class Team = math::team_of_one>
  constexpr void operator()(std::size_t row, const Team& team = {}) const {
    const T* in = x + row * channels;
    T* out = y + row * channels;
    const T mean = math::mean_of(in, channels, team);
    LOCALIS_VECTORIZE
    for (std::size_t c = team.lane(); c < channels; c += team.lanes()) {
      const T excess = in[c] - mean;
      out[c] = excess < T(0) ? T(0) : excess;
    }
    const T exponent = power;
    if (exponent == T(1)) return;
    LOCALIS_VECTORIZE
    for (std::size_t c = team.lane(); c < channels; c += team.lanes()) {
      out[c] = math::power_of_positive(out[c], exponent);
    }
  }
};

/// Gradient of the triangle activation: dx_c = a_c - mean of a, where a_c = dy_c power y_c^(1 - 1 / power) if y_c > 0,
/// else 0; dx may be dy.
template <class T>
struct triangle_gradient {
  const T* y;
  const T* dy;
  T* dx;
  std::size_t channels;
  T power;

  template <class Team = math::team_of_one>
  constexpr void operator()(std::size_t row, const Team& team = {}) const {
    const T* excess = y + row * channels;
    const T* d = dy + row * channels;
    T* out = dx + row * channels;
    if (power == T(1)) {
      LOCALIS_VECTORIZE
      for (std::size_t c = team.lane(); c < channels; c += team.lanes()) out[c] = excess[c] > T(0) ? d[c] : T(0);
    } else {
      const T factor = power;
      const T exponent = T(1) - T(1) / factor;
      LOCALIS_VECTORIZE
      for (std::size_t c = team.lane(); c < channels; c += team.lanes()) {
        out[c] = math::select(excess[c] > T(0), d[c] * factor * math::power_of_positive(excess[c], exponent), T(0));
      }
    }
    const auto value = [=](std::size_t c) { return out[c]; };
    const T shift = math::sum_of<T>(channels, value, team) / static_cast<T>(channels);
    LOCALIS_VECTORIZE
    for (std::size_t c = team.lane(); c < channels; c += team.lanes()) out[c] -= shift;
  }
};

}  // namespace localis::kernel
