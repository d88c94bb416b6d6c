#pragma once

#include <localis/rule/rule.hpp>

namespace localis::rule {

/// Sanger's rule, the generalized Hebbian algorithm: unit o learns the principal direction o of X.
///
///   W <- W + eta (1/P) ( U^T X - tril(U^T U) W ),     per sample  dw_o = u_o ( x - sum_{k <= o} u_k w_k )
///
/// Units:  eta dimensionless.
/// Cost:   2 P O I + 2 P O^2 + 2 O^2 I FLOP.
/// Limits: O <= I, checked at compile time by the layer. Unit o converges after the units before it; with lambda the
///         top eigenvalue of X^T X / P, the rule is stable only while eta lambda < 1.
/// Source: T. D. Sanger, Neural Networks 2 (1989) 459. Ours: batch mean.
struct sanger {
  static constexpr const char* name = "sanger";
  static constexpr bool gate_is_response = true;
  static constexpr matrix_forget forgets_by = matrix_forget::lower;

  template <class T>
  constexpr T gate(T u) const {
    return u;
  }
  constexpr bool operator==(const sanger&) const = default;
};

static_assert(local_rule<sanger>);

}  // namespace localis::rule
