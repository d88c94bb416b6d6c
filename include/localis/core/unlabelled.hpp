#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace localis::data {

/// The label of a sample whose class is not known. Any data set may give it. Such a sample takes part in unsupervised
/// local learning and in the statistics of normalization layers, and in nothing else: it has no loss, its gradient is
/// 0, and it is counted in no accuracy. The loss of a batch, and each local loss of a supervised rule, is the mean over
/// its labelled samples.
inline constexpr std::uint32_t unlabelled = 0xFFFFFFFF;

/// The number of labelled samples in a batch; `labels` has one for each of the samples, or is empty if there are only
/// targets, and then it is all of them.
[[nodiscard]] inline std::size_t labelled_samples(std::span<const std::uint32_t> labels, std::size_t samples) {
  return samples - static_cast<std::size_t>(std::count(labels.begin(), labels.end(), unlabelled));
}

}  // namespace localis::data
