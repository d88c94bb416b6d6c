#pragma once

#include <array>
#include <cstddef>
#include <type_traits>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/optimizer/optimizer.hpp>
#include <localis/optimizer/sgd.hpp>

namespace localis::optimizer {

/// Any optimizer, with an exponential average a of each weight w beside it, which a stage takes over when the boundary
/// passes it:
///
///   w <- w + step of Base;   a <- a + (1 - d) (w - a);   a = w after the first step
///   when the base boundary rises from S to T:   w <- a   for the stages [S, T)
///
///   d  average_decay; the average remembers about 1 / (1 - d) steps
///
/// A stage that is frozen in the middle of a run otherwise keeps the noise of its last steps, which annealing would
/// have removed by the end of the run. Biases and the scales of normalization are averaged too; running statistics are
/// averages already, and are left alone. trainer takes averages over; a loop of a user's own calls
/// gradient_descent::take_averages().
///
///   optimizer::averaged{optimizer::sgd{.momentum = 0.9}, 0.99}
///
/// Units:  average_decay is dimensionless, per step.
/// State:  one array per parameter more than Base.
/// Errors: config_error unless 0 <= average_decay < 1, and those of Base.
/// Source: the mean of late iterates follows J. Kaddour, Stop Wasting My Time! (LAWA), arXiv 2209.14981 (2022); taking
///         it over stage by stage is ours.
template <optimizer Base = sgd>
struct averaged : Base {
  double average_decay = 0.99;

  /// The step of an optimizer that sees one element; the average is the last state array.
  template <class T>
  struct element_step {
    using base_step = typename Base::template step<T>;
    static constexpr std::size_t average_array = base_step::state_arrays;
    static constexpr std::size_t state_arrays = average_array + 1;
    base_step base;
    T share;  ///< of the new weight in the average

    constexpr T operator()(T weight, T gradient, std::array<T, state_arrays>& state, T rate) const {
      return with_own(state, [&](auto& own) {
        const T change = base(weight, gradient, own, rate);
        state[average_array] += share * (weight + change - state[average_array]);
        return change;
      });
    }

   protected:
    /// Calls f with the state arrays of Base, and puts them back.
    template <class F>
    static constexpr T with_own(std::array<T, state_arrays>& state, const F& f) {
      std::array<T, average_array> own{};
      for (std::size_t i = 0; i != average_array; ++i) own[i] = state[i];
      const T result = f(own);
      for (std::size_t i = 0; i != average_array; ++i) state[i] = own[i];
      return result;
    }
  };
  /// The step of an optimizer that sees whole arrays.
  template <class T>
  struct array_step : element_step<T> {
    constexpr T measure(T weight, T gradient, std::array<T, element_step<T>::state_arrays>& state) const {
      return this->with_own(state, [&](auto& own) { return this->base.measure(weight, gradient, own); });
    }
    constexpr double array_rate(double weight_norm, double measured_norm) const {
      return this->base.array_rate(weight_norm, measured_norm);
    }
  };
  template <class T>
  using step = std::conditional_t<sees_arrays<Base>, array_step<T>, element_step<T>>;
  template <class T>
  constexpr step<T> prepare(std::size_t t) const {
    step<T> result{};
    result.base = Base::template prepare<T>(t);
    result.share = static_cast<T>(t == 1 ? 1 : 1 - average_decay);
    return result;
  }
  void validate() const {
    Base::validate();
    expect(is_finite(average_decay) && average_decay >= 0 && average_decay < 1, "averaged: average_decay",
           "a number in [0, 1)", average_decay);
  }
  constexpr bool operator==(const averaged&) const = default;
};

template <class Base>
averaged(Base, double) -> averaged<Base>;
template <class Base>
averaged(Base) -> averaged<Base>;

static_assert(optimizer<averaged<>>);

}  // namespace localis::optimizer
