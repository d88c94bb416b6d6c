#pragma once

#include <localis/rule/rule.hpp>

namespace localis::rule {

/// Oja's rule, for each unit by itself: Hebbian growth, and forgetting that bounds the norm of each weight row.
///
///   W <- W + eta ( (1/P) U^T X - diag(c) W ),     c_o = (1/P) sum_p U(p,o)^2
///
///   X  P x I,  U  P x O,  W  O x I     as in rule.hpp
///
/// Units:  eta dimensionless. Both terms are means over P, so that eta has the same effect for any size of a batch.
/// Cost:   one GEMM (2 P O I FLOP) + O(P O + O I).
/// Limits: rows are not decorrelated: all tend to the first principal direction. With lambda the top eigenvalue of X^T
///         X / P, the rule is stable at unit norm if and only if eta lambda < 1, and from a larger norm only while eta
///         lambda (|w|^2 - 1) < 2.
/// Source: E. Oja, J. Math. Biology 15 (1982) 267. Ours: batch mean.
struct oja {
  static constexpr const char* name = "oja";
  static constexpr bool gate_is_response = true;

  template <class T>
  constexpr T gate(T u) const {
    return u;
  }
  template <class T>
  constexpr T forget(T u) const {
    return u;
  }
  constexpr bool operator==(const oja&) const = default;
};

static_assert(local_rule<oja> && has_forget<oja>);

}  // namespace localis::rule
