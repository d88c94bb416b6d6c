#pragma once

#include <localis/rule/rule.hpp>

namespace localis::rule {

/// Oja's subspace rule: together the units span the first O principal directions of X, in no particular order.
///
///   W <- W + eta (1/P) ( U^T X - (U^T U) W )
///
/// Units:  eta dimensionless.
/// Cost:   2 P O I FLOP, plus the cheaper of two equal forms, which depends on the shape: 2 P O^2 + 2 O^2 I for (U^T U)
///         W, or 2 P O I for U^T (X - U W).
/// Limits: W W^T tends to the identity if O <= I; with lambda the top eigenvalue of X^T X / P, the rule is stable there
///         only while eta lambda < 1.
/// Source: E. Oja, Int. J. Neural Systems 1 (1989) 61. Ours: batch mean.
struct subspace {
  static constexpr const char* name = "subspace";
  static constexpr bool gate_is_response = true;
  static constexpr matrix_forget forgets_by = matrix_forget::full;

  template <class T>
  constexpr T gate(T u) const {
    return u;
  }
  constexpr bool operator==(const subspace&) const = default;
};

static_assert(local_rule<subspace>);

}  // namespace localis::rule
