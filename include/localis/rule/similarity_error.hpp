#pragma once

#include <concepts>
#include <cstddef>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/rule/rule.hpp>

namespace localis::rule {

/// A supervised rule that compares the samples of a batch in pairs: K, how similar the outputs of a stage are, with Q,
/// how similar their labels are. `pair_slope` gives the derivative of N^2 times its loss by K(n,m), and may use the
/// means of K and Q. learn/similarity.hpp takes it from there.
template <class Rule>
concept compares_samples = supervised<Rule> && requires(const Rule& rule) {
  { rule.template pair_slope<double>(1.0, 1.0, 1.0, 1.0) } -> std::same_as<double>;
  { rule.group_channels } -> std::convertible_to<std::size_t>;
  { rule.smoothing } -> std::convertible_to<double>;
};

/// Throws config_error for members of a rule that compares samples. @param name  of the rule, for the message
inline void validate_comparison(const char* name, std::size_t group_channels, double smoothing) {
  expect(group_channels >= 1, text(name, ": group_channels").c_str(), "at least 1", group_channels);
  expect(is_finite(smoothing) && smoothing >= 0, text(name, ": smoothing").c_str(), "a finite number >= 0", smoothing);
}

/// Each stage learns by gradient from a local loss: pairs of samples should be as similar at the output of the stage as
/// their labels are.
///
///   l = (1/N^2) sum_nm (K(n,m) - Q(n,m))^2,     W <- W - eta dl/dW
///
///   K(n,m)  cosine of v_n - mean(v_n) and v_m - mean(v_m), where mean is that over the groups
///   v_n(g)  sqrt((sum of (y - mean y)^2 + smoothing) / count) over the channels of group g at all positions: how much
///           the group varies; the value itself in a group of one number
///   Q(n,m)  1 for two samples of one class, -1 / (classes - 1) otherwise: the cosine of centred one-hot labels
///   N       number of labelled samples in the batch; the others take no part
///
/// The error is propagated back through the stage's own layers, down to its weights and no further, as in local_error.
/// There is no head: from the first step on, the direction depends on the labels.
///
/// Units:  eta is a learning rate of gradient descent; smoothing has the unit of y^2.
/// Cost:   one GEMM besides the response (2 P O I FLOP; in a block, also the input gradients within it), 4 N^2 groups
///         FLOP for the pairs; two passes: the activations of the stage are saved until its own backward pass.
/// Limits: needs labels, and at least three groups: of two, K is 1 or -1 and has no slope. All trainable layers of a
///         block must have this rule. Biases and affine parameters do not change, and normalization uses the statistics
///         of the batch.
/// Errors: config_error unless group_channels >= 1 and smoothing is finite and >= 0; shape_error if group_channels does
///         not divide the channels of the stage's output; config_error by model::forward if a batch has no labels.
/// Source: A. Nokland, L. Eidnes, arXiv 1901.06656 (2019), similarity loss. Ours: without the convolution that they
///         train between a stage and its loss, and with the deviation of a whole population (count, not count - 1).
struct similarity_error {
  static constexpr const char* name = "similarity_error";
  static constexpr bool supervised = true;
  std::size_t group_channels = 1;
  double smoothing = 1e-5;

  template <class T>
  [[nodiscard]] constexpr T pair_slope(T similarity, T wanted, T, T) const {
    return T(2) * (similarity - wanted);
  }
  void validate() const { validate_comparison("similarity_error", group_channels, smoothing); }
  constexpr bool operator==(const similarity_error&) const = default;
};

static_assert(local_rule<similarity_error> && compares_samples<similarity_error>);

}  // namespace localis::rule
