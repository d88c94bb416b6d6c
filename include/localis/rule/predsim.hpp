#pragma once

#include <cstddef>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/rule/rule.hpp>
#include <localis/rule/similarity_error.hpp>

namespace localis::rule {

/// Each stage learns by gradient from two local losses: a linear classifier of its output should be right, and pairs of
/// samples should be as similar as their labels are.
///
///   l = (1 - s) cross entropy + s similarity loss,     W <- W - eta dl/dW
///
///   cross entropy    that of a softmax head H on the output of the stage, as in local_error, but on the means of Side
///   x
///                    Side parts of each map instead of one:  H <- H - head_rate d(cross entropy)/dH
///   similarity loss  that of similarity_error
///   s                similarity_share
///
/// Units:  eta and head_rate are learning rates of gradient descent; s is dimensionless.
/// Cost:   those of local_error, with Side^2 times the head, and of similarity_error together; one more array of the
///         size of the stage's output.
/// State:  the head, classes x (Side^2 channels).
/// Limits: as local_error and similarity_error.
/// Errors: config_error unless head_rate is finite and >= 0 and s lies in [0, 1], and those of similarity_error.
/// Source: A. Nokland, L. Eidnes, arXiv 1901.06656 (2019), predsim with s = 0.99. Ours: a head of Side x Side means,
///         where theirs pools until 2,048 to 4,096 numbers are left; otherwise as local_error and similarity_error.
template <std::size_t Side = 2>
struct predsim {
  static_assert(Side >= 1, "localis: predsim: Side: expected at least 1");
  static constexpr const char* name = "predsim";
  static constexpr bool supervised = true;
  double head_rate = 0.1;
  double similarity_share = 0.99;
  similarity_error similarity{};

  void validate() const {
    expect(is_finite(head_rate) && head_rate >= 0, "predsim: head_rate", "a finite number >= 0", head_rate);
    expect(similarity_share >= 0 && similarity_share <= 1, "predsim: similarity_share", "a number in [0, 1]",
           similarity_share);
    validate_comparison("predsim", similarity.group_channels, similarity.smoothing);
  }
  constexpr bool operator==(const predsim&) const = default;
};

static_assert(local_rule<predsim<>> && supervised<predsim<>>);

}  // namespace localis::rule
