#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/core/random.hpp>
#include <localis/core/shape.hpp>
#include <localis/core/unlabelled.hpp>
#include <localis/data/dataset.hpp>
#include <localis/data/resize.hpp>

/// Samples that are mixed from two.
namespace localis::data {

/// The options of mixup and cutmix. The share of a sample in its mixture is drawn from the distribution
/// Beta(alpha, alpha): near 0 or 1 for a small alpha, uniform for 1, near 1/2 for a large one.
struct mixing {
  double alpha = 1;
  std::uint64_t seed = 0;

  /// Errors: config_error unless alpha is finite and above 0.
  void validate() const { expect(is_finite(alpha) && alpha > 0, "mixing: alpha", "a finite number above 0", alpha); }
};

namespace detail {

/// The logarithm of a number from the distribution Gamma(alpha), whose own value may be too small for a double.
/// Source: G. Marsaglia, W. W. Tsang, "A simple method for generating gamma variables", ACM TOMS 26 (2000) 363-372.
[[nodiscard]] inline double log_gamma_variate(double alpha, const random_stream& random) {
  const double d = alpha + 2.0 / 3.0;  // that of alpha + 1, which the last line brings down to alpha
  const double c = 1 / std::sqrt(9 * d);
  for (std::uint64_t draw = 1;; draw += 2) {
    const double normal = random.normal(draw);
    const double root = 1 + c * normal;
    if (root <= 0) continue;
    const double log_cube = 3 * std::log(root);
    if (std::log(1 - random.uniform(draw + 1)) < normal * normal / 2 + d * (1 - root * root * root + log_cube))
      return std::log(d) + log_cube + std::log(1 - random.uniform(0)) / alpha;
  }
}

/// A number from the distribution Beta(alpha, alpha).
[[nodiscard]] inline double symmetric_beta(double alpha, const random_stream& random) {
  const double first = log_gamma_variate(alpha, random.substream(0));
  const double second = log_gamma_variate(alpha, random.substream(1));
  return 1 / (1 + std::exp(second - first));
}

/// A sample of one epoch: its own share, and the partner to which the rest belongs.
struct mixture {
  std::size_t partner = 0;
  double share = 1;
  region hole{};  ///< the part of the picture that is the partner's; for cutmix
};

/// x <- share x + (1 - share) partner
struct blend {
  static constexpr std::uint64_t stream = 0x6D69787570;  // "mixup"

  static void place(const shape&, const random_stream&, mixture&) {}
  static void combine(const mixture& mix, const shape&, std::span<const float> partner, std::span<float> values) {
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = static_cast<float>(mix.share * static_cast<double>(values[i]) +
                                     (1 - mix.share) * static_cast<double>(partner[i]));
  }
};

/// Within a rectangle, x <- partner.
struct paste {
  static constexpr std::uint64_t stream = 0x6375746D6978;  // "cutmix"

  /// Draws the rectangle, of the area that the share leaves, and makes the share that of what lies in the picture.
  static void place(const shape& extents, const random_stream& random, mixture& mix) {
    const double scale = std::sqrt(1 - mix.share);
    const auto stretch = [&](std::size_t extent, std::uint64_t draw, std::size_t& first, std::size_t& length) {
      const auto whole = static_cast<std::size_t>(std::nearbyint(scale * static_cast<double>(extent)));
      const std::size_t centre = random.integer(draw, extent);
      first = centre - (std::min)(centre, whole / 2);
      length = (std::min)(centre + whole - whole / 2, extent) - first;
    };
    stretch(extents.height, 1, mix.hole.top, mix.hole.height);
    stretch(extents.width, 2, mix.hole.left, mix.hole.width);
    mix.share = 1 - static_cast<double>(mix.hole.height * mix.hole.width) / static_cast<double>(extents.positions());
  }
  template <class T>
  static void combine(const mixture& mix, const shape& extents, std::span<const T> partner, std::span<T> values) {
    for (std::size_t y = mix.hole.top; y < mix.hole.top + mix.hole.height; ++y) {
      const std::size_t first = (y * extents.width + mix.hole.left) * extents.channels;
      const auto row = partner.subspan(first, mix.hole.width * extents.channels);
      std::copy(row.begin(), row.end(), values.begin() + static_cast<std::ptrdiff_t>(first));
    }
  }
};

/// What mixup and cutmix share: the choice of partners, the labels and the targets.
template <dataset Dataset, class Method>
class mixed {
  static_assert(check_optional_members<Dataset>());
  static constexpr bool keeps_bytes = dataset_with_pixels<Dataset> && std::same_as<Method, paste>;

 public:
  [[nodiscard]] std::size_t size() const { return data_->size(); }
  [[nodiscard]] std::size_t height() const { return shape_.height; }
  [[nodiscard]] std::size_t width() const { return shape_.width; }
  [[nodiscard]] std::size_t channels() const { return shape_.channels; }
  [[nodiscard]] std::size_t classes() const { return data_->classes(); }
  [[nodiscard]] std::size_t readers() const { return readers_of(*data_); }

  std::uint32_t read(std::size_t index, std::span<float> features) const { return data_->read(index, features); }

  std::uint32_t read(std::size_t index, std::size_t epoch, std::span<float> features) const {
    return mix(index, epoch, features, [&](std::size_t sample, std::span<float> values) {
      return read_in_epoch(*data_, sample, epoch, values);
    });
  }

  [[nodiscard]] std::vector<float> pixel_values() const requires keeps_bytes { return data_->pixel_values(); }

  std::uint32_t read_pixels(std::size_t index, std::span<std::uint8_t> pixels) const requires keeps_bytes {
    return data_->read_pixels(index, pixels);
  }

  std::uint32_t read_pixels(std::size_t index, std::size_t epoch,
                            std::span<std::uint8_t> pixels) const requires keeps_bytes {
    return mix(index, epoch, pixels, [&](std::size_t sample, std::span<std::uint8_t> values) {
      return read_pixels_in_epoch(*data_, sample, epoch, values);
    });
  }

  [[nodiscard]] std::size_t targets() const {
    const std::size_t own = targets_of(*data_);
    return own > 0 ? own : data_->classes();
  }

  void read_target(std::size_t index, std::span<float> target) const {
    if constexpr (dataset_with_targets<Dataset>) {
      if (data_->targets() > 0) return data_->read_target(index, target);
    }
    std::vector<float> features(shape_.size());
    write_label(data_->read(index, features), target);
  }

  void read_target(std::size_t index, std::size_t epoch, std::span<float> target) const {
    const mixture chosen = draw(index, epoch);
    const std::uint32_t label = read_goal(index, epoch, target);
    if (label == unlabelled || !takes_partner(chosen, index)) return;
    std::vector<float> other(target.size());
    const std::uint32_t partner = read_goal(chosen.partner, epoch, other);
    if (partner != unlabelled) blend::combine(chosen, shape_, other, target);
  }

 protected:
  mixed(const Dataset& data, const mixing& options)
      : data_(&data), shape_(shape_of(data)), alpha_(options.alpha), random_(options.seed, Method::stream) {
    options.validate();
    expect(targets() > 0, "mixing: classes or targets of the data", "at least 1", targets());
  }

 private:
  [[nodiscard]] mixture draw(std::size_t index, std::size_t epoch) const {
    const random_stream random = random_.substream(epoch).substream(index);
    mixture chosen{random.integer(0, data_->size()), symmetric_beta(alpha_, random)};
    Method::place(shape_, random, chosen);
    return chosen;
  }

  /// Whether the partner can change the sample. If it cannot, it is not read.
  [[nodiscard]] static bool takes_partner(const mixture& chosen, std::size_t index) {
    return chosen.partner != index && chosen.share < 1;
  }

  /// Mixes floats or bytes; a sample stays as it is if it or its partner has no label.
  template <class T, class Read>
  std::uint32_t mix(std::size_t index, std::size_t epoch, std::span<T> values, const Read& read_sample) const {
    const std::uint32_t label = read_sample(index, values);
    const mixture chosen = draw(index, epoch);
    if (label == unlabelled || !takes_partner(chosen, index)) return label;
    std::vector<T> other(values.size());
    const std::uint32_t partner = read_sample(chosen.partner, std::span<T>(other));
    if (partner == unlabelled) return label;
    Method::combine(chosen, shape_, std::span<const T>(other), values);
    return chosen.share < 0.5 ? partner : label;
  }

  /// Writes the target of one sample, and returns its label.
  std::uint32_t read_goal(std::size_t index, std::size_t epoch, std::span<float> target) const {
    std::vector<float> features(shape_.size());
    const std::uint32_t label = read_in_epoch(*data_, index, epoch, features);
    if constexpr (dataset_with_targets<Dataset>) {
      if (data_->targets() > 0) {
        read_target_in_epoch(*data_, index, epoch, target);
        return label;
      }
    }
    write_label(label, target);
    return label;
  }

  /// Writes the unit vector of a label; zeros for a sample without one.
  static void write_label(std::uint32_t label, std::span<float> target) {
    for (std::size_t k = 0; k < target.size(); ++k) target[k] = k == label ? 1.0F : 0.0F;
  }

  const Dataset* data_;
  shape shape_;
  double alpha_;
  random_stream random_;
};

}  // namespace detail

/// Wraps a data set with classes: in training, each sample is mixed with another one of the same data set, its partner,
/// and so are their targets, which become distributions over the classes.
///
///   x <- s x + (1 - s) x_partner,    t <- s t + (1 - s) t_partner,    s from Beta(alpha, alpha)
///
/// Partner and s are a pure function of (seed, epoch, index) and the number of samples, on any thread. Without an
/// epoch, as in an evaluation, a sample is as it was, and its target is the unit vector of its label. The network needs
/// as many outputs as there are classes; a loss takes the targets, and an accuracy in training counts the predictions
/// of the label that read() returns, that of the larger part. A sample stays as it is if it or its partner is
/// `unlabelled`. Targets that the data set has are mixed in place of unit vectors, so that one mixture can be mixed
/// again.
///
/// It holds a pointer: the data set must outlive it. It gives no bytes, because a mixture of two bytes is none.
///
/// Cost:   two samples are read for the features, and two for the target, because only read() tells a label; the
///         partner is not read where it is the sample itself, has no part in it, or the sample is `unlabelled`.
/// Errors: config_error for an alpha that is not a finite number above 0, and for data with neither classes nor
///         targets.
/// Source: H. Zhang et al., "mixup: beyond empirical risk minimization", ICLR 2018.
template <dataset Dataset>
class mixup : public detail::mixed<Dataset, detail::blend> {
 public:
  explicit mixup(const Dataset& data, const mixing& options = {})
      : detail::mixed<Dataset, detail::blend>(data, options) {}
  explicit mixup(const Dataset&& data, const mixing& options = {}) = delete;
};

/// Wraps a data set of pictures with classes, as mixup does, but pastes a part of the partner into each picture: a
/// rectangle of the picture's proportions around any pixel, with the area 1 - s, as far as it lies in the picture. The
/// targets are mixed by the area that was pasted. It gives bytes if its data set does.
///
/// Errors: those of mixup.
/// Source: S. Yun et al., "CutMix: regularization strategy to train strong classifiers with localizable features",
///         ICCV 2019.
template <dataset Dataset>
class cutmix : public detail::mixed<Dataset, detail::paste> {
 public:
  explicit cutmix(const Dataset& data, const mixing& options = {})
      : detail::mixed<Dataset, detail::paste>(data, options) {}
  explicit cutmix(const Dataset&& data, const mixing& options = {}) = delete;
};

template <class D>
mixup(const D&) -> mixup<D>;
template <class D>
mixup(const D&, mixing) -> mixup<D>;
template <class D>
cutmix(const D&) -> cutmix<D>;
template <class D>
cutmix(const D&, mixing) -> cutmix<D>;

static_assert(dataset_with_epoch_targets<mixup<images>> && dataset_with_epoch_targets<subset<cutmix<images>>>);
static_assert(dataset_with_pixels<cutmix<images>> && !dataset_with_pixels<mixup<images>>);

}  // namespace localis::data
