#pragma once

#include <localis/rule/rule.hpp>

namespace localis::rule {

/// Hebb's rule with the opposite sign: units move away from the inputs that they respond to.
///
///   W <- W - eta (1/P) U^T X
///
/// Cost:   one GEMM (2 P O I FLOP).
/// Limits: along an eigenvector of X^T X / P with eigenvalue lambda the weights shrink by the factor 1 - eta lambda per
///         step; they grow without bound once eta lambda > 2.
/// Source: Hebb's rule (see hebb) with the opposite sign. Ours: batch mean.
struct anti_hebb {
  static constexpr const char* name = "anti_hebb";

  template <class T>
  constexpr T gate(T u) const {
    return -u;
  }
  constexpr bool operator==(const anti_hebb&) const = default;
};

static_assert(local_rule<anti_hebb>);

}  // namespace localis::rule
