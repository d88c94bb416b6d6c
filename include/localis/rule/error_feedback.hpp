#pragma once

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/rule/rule.hpp>

namespace localis::rule {

/// A stage before the boundary learns from an estimate of the gradient that would have reached it: the output error of
/// each sample from when it was last seen, multiplied by a matrix that was fitted while the stage still learned by
/// gradient.
///
///   dl/dY(n, position, :)  is taken as  (1/N) e_n Q / positions
///   N    number of labelled samples in the batch
///   e_n  d loss / d output of sample n from when it was last seen, `classes` numbers; 0 if never, or without a label
///   Q    classes x channels: least squares fit of e Q to the sum over positions of the true dl/dY, over the steps in
///        which the stage learned by gradient; the weight of older steps falls by the factor `memory` per step
///
/// From Y the error is propagated back through the stage's own layers (their masks, their normalization) as in
/// local_error.
///
/// Units:  memory per step; ridge is a fraction of the mean square of e.
/// Cost:   one GEMM besides the response (2 P O I FLOP), 2 N classes channels FLOP for e Q; two passes.
/// State:  Q and its normal equations, classes x (classes + 2 channels); one row of `classes` numbers per sample of the
///         data set, shared by all stages.
/// Limits: a stage that never learned by gradient has Q = 0 and does not change.
/// Errors: config_error unless memory is in [0, 1) and ridge finite and > 0; config_error by model::forward if a batch
///         has no indices, or the data set is larger than was prepared for.
/// Source: ours.
struct error_feedback {
  static constexpr const char* name = "error_feedback";
  static constexpr bool supervised = true;
  static constexpr bool remembers_errors = true;
  double memory = 0.99;
  double ridge = 1e-3;

  void validate() const {
    expect(is_finite(memory) && memory >= 0 && memory < 1, "error_feedback: memory", "a number in [0, 1)", memory);
    expect(is_finite(ridge) && ridge > 0, "error_feedback: ridge", "a finite number > 0", ridge);
  }
  constexpr bool operator==(const error_feedback&) const = default;
};

static_assert(local_rule<error_feedback> && supervised<error_feedback>);

}  // namespace localis::rule
