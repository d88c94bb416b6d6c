#pragma once

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/rule/rule.hpp>

namespace localis::rule {

enum class bcm_form {
  product,  ///< u (u - theta)
  ratio  ///< u (u - theta) / (theta + epsilon): the same fixed points, but steps of one size for weak and strong units
};

/// The rule of Bienenstock, Cooper and Munro: a unit learns from inputs to which it responds more than its own recent
/// mean square, and unlearns from those to which it responds less.
///
///   W <- W + eta (1/P) Phi^T X,     Phi = U (U - theta)     or, as `ratio`,  Phi / (theta + epsilon)
///   theta_o <- theta_o + state_rate ( (1/P) sum_p U(p,o)^2 - theta_o )
///
/// A step uses the theta that the previous step left; theta starts at 1. The postsynaptic signal is the linear
/// response.
///
/// Units:  state_rate is the weight of this batch, per step; theta is in squares of U, and so is epsilon.
/// Cost:   one GEMM (2 P O I FLOP); O values of state.
/// Limits: units become selective: each ends up responding to one of linearly independent inputs. The rule is stable
///         only while theta moves faster than the weights (state_rate well above eta times the square of the inputs).
/// Errors: config_error unless state_rate is in (0, 1], epsilon finite and > 0.
/// Source: E. Bienenstock, L. Cooper, P. Munro, J. Neuroscience 2 (1982) 32, sliding threshold E[u^2] as in
///         N. Intrator, L. Cooper (1992); the ratio: C. Law, L. Cooper, PNAS 91 (1994) 7797. Ours: batch mean.
struct bcm {
  static constexpr const char* name = "bcm";
  static constexpr double initial_state = 1;
  bcm_form form = bcm_form::product;
  double state_rate = 0.1;
  double epsilon = 1e-3;

  template <class T>
  constexpr T gate(T u, T theta) const {
    const T phi = u * (u - theta);
    return form == bcm_form::ratio ? phi / (theta + static_cast<T>(epsilon)) : phi;
  }
  template <class T>
  constexpr T statistic(T u) const {
    return u * u;
  }
  void validate() const {
    expect(is_finite(state_rate) && state_rate > 0 && state_rate <= 1, "bcm: state_rate", "a number in (0, 1]",
           state_rate);
    expect(is_finite(epsilon) && epsilon > 0, "bcm: epsilon", "a finite number > 0", epsilon);
  }
  constexpr bool operator==(const bcm&) const = default;
};

static_assert(local_rule<bcm> && has_state_gate<bcm>);

}  // namespace localis::rule
