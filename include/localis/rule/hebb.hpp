#pragma once

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/rule/rule.hpp>

namespace localis::rule {

/// Hebb's rule, with an optional decay towards zero.
///
///   W <- W + eta ( (1/P) U^T X - decay W )
///
///   X  P x I,  U  P x O,  W  O x I     as in rule.hpp
///
/// Units:  decay is per step, relative to eta; dimensionless.
/// Cost:   one GEMM (2 P O I FLOP).
/// Limits: there is no fixed point. Along an eigenvector of X^T X / P with eigenvalue lambda the weights grow by the
///         factor 1 + eta (lambda - decay) per step: use relative_step, unit_rows, or a decay above the top eigenvalue.
/// Errors: config_error if decay is negative or not finite.
/// Source: D. O. Hebb, The Organization of Behavior (1949). Ours: batch mean.
struct hebb {
  static constexpr const char* name = "hebb";
  static constexpr bool gate_is_response = true;

  double decay = 0;

  template <class T>
  constexpr T gate(T u) const {
    return u;
  }
  void validate() const { expect(is_finite(decay) && decay >= 0, "hebb: decay", "a finite number >= 0", decay); }
  constexpr bool operator==(const hebb&) const = default;
};

static_assert(local_rule<hebb> && has_decay<hebb>);

}  // namespace localis::rule
