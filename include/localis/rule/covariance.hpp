#pragma once

#include <localis/rule/rule.hpp>

namespace localis::rule {

/// The covariance rule: Hebb's rule on the deviations of input and response from their means.
///
///   W <- W + eta (1/P) (U - mean u)^T (X - mean x)  =  W + eta ( (1/P) U^T X - (mean u) (mean x)^T )
///
/// The means are over the rows of this batch that the rule learns from, so a batch of one row changes nothing.
///
/// Units:  eta dimensionless.
/// Cost:   one GEMM (2 P O I FLOP) and a product of rank one; column sums of X and U.
/// Limits: there is no fixed point: rows grow along the first principal direction of the centred input.
/// Source: T. J. Sejnowski, J. Math. Biology 4 (1977) 303. Ours: batch means.
struct covariance {
  static constexpr const char* name = "covariance";
  static constexpr bool gate_is_response = true;
  static constexpr bool centred = true;

  template <class T>
  constexpr T gate(T u) const {
    return u;
  }
  constexpr bool operator==(const covariance&) const = default;
};

static_assert(local_rule<covariance>);

}  // namespace localis::rule
