#pragma once

#include <localis/rule/rule.hpp>

namespace localis::rule {

/// Grossberg's instar: the more a unit responds, the further its weights move towards the input itself.
///
///   W <- W + eta ( (1/P) Z^T X - diag(c) W ),    Z = max(U, 0),  c_o = (1/P) sum_p Z(p,o)
///
/// Cost:   one GEMM (2 P O I FLOP) + O(P O + O I).
/// Limits: w_o tends to the mean of X weighted by Z(.,o); a unit that never responds above 0 does not change.
/// Source: S. Grossberg's instar, dw = z (x - w), with the rectified response as z. Ours: batch mean.
struct instar {
  static constexpr const char* name = "instar";

  template <class T>
  constexpr T gate(T u) const {
    return u > T(0) ? u : T(0);
  }
  template <class T>
  constexpr T forget(T) const {
    return T(1);
  }
  constexpr bool operator==(const instar&) const = default;
};

static_assert(local_rule<instar> && has_forget<instar>);

}  // namespace localis::rule
