#pragma once

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/rule/rule.hpp>

namespace localis::rule {

/// Each stage learns by gradient from a local loss: the cross entropy of a linear softmax head on the pooled output of
/// the stage.
///
///   z_n = H ybar_n,     ybar_n = mean over positions of the stage's output,     H  classes x channels
///   W <- W - eta dl/dW,     l = mean over labelled samples of cross_entropy(z_n, label_n)
///   H <- H - head_rate dl/dH
///
/// The error is propagated back through the stage's own layers, down to its weights and no further. The head starts
/// from normal numbers of mean 0 and deviation sqrt(1 / channels), and learns in every step with a local rate above 0,
/// also while the stage still learns by the network's gradient. Biases and affine parameters do not change.
/// Normalization in the stage uses the statistics of the batch, whatever the trainer's normalization policy says.
///
/// Units:  eta and head_rate are learning rates of gradient descent.
/// Cost:   one GEMM besides the response (2 P O I FLOP; in a block, also the input gradients within it), the head's
///         products over N rows; two passes: the activations of the stage are saved until its own backward pass.
/// State:  the head, classes x channels.
/// Limits: needs labels. All trainable layers of a block must have this rule. At first the head is random, so a stage
///         that learns by this rule from the start follows random directions until the head has learned. A stage that
///         the boundary reaches later finds a head that has learned. With head_rate 0 the head keeps its random
///         weights.
/// Errors: config_error unless head_rate is finite and >= 0; config_error by model::forward if a batch has no labels.
/// Source: after A. Nokland, L. Eidnes, arXiv 1901.06656 (2019), prediction loss only. Ours: the pooling is one mean
///         over positions; no similarity loss; the head has no bias and random initial weights; theirs has a bias and
///         starts from weights of 0, with which the stage does not change in the first step.
struct local_error {
  static constexpr const char* name = "local_error";
  static constexpr bool supervised = true;
  double head_rate = 0.1;

  void validate() const {
    expect(is_finite(head_rate) && head_rate >= 0, "local_error: head_rate", "a finite number >= 0", head_rate);
  }
  constexpr bool operator==(const local_error&) const = default;
};

static_assert(local_rule<local_error> && supervised<local_error>);

}  // namespace localis::rule
