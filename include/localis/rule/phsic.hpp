#pragma once

#include <cstddef>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/rule/rule.hpp>
#include <localis/rule/similarity_error.hpp>

namespace localis::rule {

/// Each stage learns by gradient from a local loss, the plausible kernelized information bottleneck: its output should
/// depend on the labels, and on little else.
///
///   l = pHSIC(K, K) - gamma pHSIC(K, Q),     pHSIC(A, B) = mean(A B) - mean(A) mean(B),     W <- W - eta dl/dW
///
/// Means are those over all pairs of labelled samples. K, Q, the groups and the path of the error are those of
/// similarity_error. The step is one of three factors: the input of a synapse, the activity of its unit in its group,
/// and a signal for the whole stage, which says how alike the samples are and should be. Paper and library differ in
/// that a batch takes the place of a sum over pairs of successive samples.
///
/// Units:  eta is a learning rate of gradient descent; gamma is dimensionless; smoothing has the unit of y^2 times the
///         count of a group.
/// Cost:   as similarity_error. State: none.
/// Limits: as similarity_error.
/// Errors: config_error unless gamma is finite and > 0, and those of similarity_error.
/// Source: R. Pogodin, P. E. Latham, Kernelized information bottleneck leads to biologically plausible 3-factor Hebbian
///         learning in deep networks, NeurIPS 2020 (arXiv 2006.07123): cosine kernels, gamma = 2, and smoothing 1, as
///         in their experiments. Their divisive normalization is a layer, not a part of this rule.
struct phsic {
  static constexpr const char* name = "phsic";
  static constexpr bool supervised = true;
  double gamma = 2;
  std::size_t group_channels = 1;
  double smoothing = 1;

  template <class T>
  [[nodiscard]] constexpr T pair_slope(T similarity, T wanted, T mean_similarity, T mean_wanted) const {
    return T(2) * (similarity - mean_similarity) - static_cast<T>(gamma) * (wanted - mean_wanted);
  }
  void validate() const {
    expect(is_finite(gamma) && gamma > 0, "phsic: gamma", "a finite number > 0", gamma);
    validate_comparison("phsic", group_channels, smoothing);
  }
  constexpr bool operator==(const phsic&) const = default;
};

static_assert(local_rule<phsic> && compares_samples<phsic>);

}  // namespace localis::rule
