#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/core/random.hpp>
#include <localis/core/shape.hpp>
#include <localis/core/unlabelled.hpp>
#include <localis/data/concept.hpp>

/// Data sets in memory, and views of data sets.
namespace localis::data {

namespace detail {

inline void check_shape(const char* caller, const shape& extents) {
  std::size_t values = 1;
  for (const std::size_t extent : {extents.height, extents.width, extents.channels}) {
    if (extent == 0 || extent > (std::numeric_limits<std::size_t>::max)() / values)
      throw shape_error(
          text(caller, ": expected a sample shape of at least 1x1x1 whose product fits, found ", extents));
    values *= extent;
  }
}

/// The number of samples in `found` values of `per_sample` each; throws if it is not an integer.
inline std::size_t whole_samples(const char* caller, const char* what, std::size_t found, std::size_t per_sample) {
  if (found % per_sample != 0)
    throw shape_error(text(caller, ": ", what, ": expected a multiple of ", per_sample, " values, found ", found));
  return found / per_sample;
}

inline void check_count(const char* caller, const char* what, std::size_t expected, std::size_t found) {
  if (expected != found) throw shape_error(text(caller, ": ", what, ": expected ", expected, ", found ", found));
}

inline void check_labels(const char* caller, std::span<const std::uint32_t> labels, std::size_t classes) {
  for (std::size_t i = 0; i < labels.size(); ++i)
    if (labels[i] >= classes && labels[i] != unlabelled)
      throw data_error(text(caller, ": label of sample ", i, ": expected less than ", classes, ", found ", labels[i]));
}

inline void check_read(const char* caller, std::size_t index, std::size_t size, std::size_t expected,
                       std::size_t found) {
  if (index >= size) throw shape_error(text(caller, ": sample: expected less than ", size, ", found ", index));
  check_count(caller, "values to read into", expected, found);
}

/// Converts bytes: feature = pixel * scale + offset.
inline void convert_pixels(std::span<const std::uint8_t> pixels, float scale, float offset, std::span<float> features) {
  for (std::size_t i = 0; i < pixels.size(); ++i) features[i] = static_cast<float>(pixels[i]) * scale + offset;
}

/// The features of all bytes in each channel, for pixel_values().
[[nodiscard]] inline std::vector<float> values_of_pixels(std::size_t channels, float scale, float offset) {
  std::vector<std::uint8_t> pixels(256 * channels);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i / channels);
  std::vector<float> features(pixels.size());
  convert_pixels(pixels, scale, offset, features);
  return features;
}

}  // namespace detail

/// A data set of pictures in memory, one byte per value: feature = pixel * scale + offset. 60,000 pictures of 28 x 28
/// take 47 MB.
class images {
 public:
  images() = default;

  /// @param pixels  size() * height * width * channels bytes, channels last
  /// Errors: shape_error if the counts disagree; data_error for a label that is neither a class nor `unlabelled`.
  images(shape extents, std::vector<std::uint8_t> pixels, std::vector<std::uint32_t> labels, std::size_t classes,
         float scale = 1.0F / 255.0F, float offset = 0.0F)
      : shape_(extents),
        pixels_(std::move(pixels)),
        labels_(std::move(labels)),
        classes_(classes),
        scale_(scale),
        offset_(offset) {
    detail::check_shape("images", shape_);
    const std::size_t count = detail::whole_samples("images", "pixels", pixels_.size(), shape_.size());
    detail::check_count("images", "labels", count, labels_.size());
    detail::check_labels("images", labels_, classes_);
  }

  [[nodiscard]] std::size_t size() const { return labels_.size(); }
  [[nodiscard]] std::size_t height() const { return shape_.height; }
  [[nodiscard]] std::size_t width() const { return shape_.width; }
  [[nodiscard]] std::size_t channels() const { return shape_.channels; }
  [[nodiscard]] std::size_t classes() const { return classes_; }
  [[nodiscard]] float scale() const { return scale_; }
  [[nodiscard]] float offset() const { return offset_; }
  [[nodiscard]] std::span<const std::uint8_t> pixels() const { return pixels_; }
  [[nodiscard]] std::span<const std::uint32_t> labels() const { return labels_; }

  std::uint32_t read(std::size_t index, std::span<float> features) const {
    detail::convert_pixels(pixels_of(index, features.size()), scale_, offset_, features);
    return labels_[index];
  }

  [[nodiscard]] std::vector<float> pixel_values() const {
    return detail::values_of_pixels(shape_.channels, scale_, offset_);
  }

  std::uint32_t read_pixels(std::size_t index, std::span<std::uint8_t> pixels) const {
    const std::span<const std::uint8_t> found = pixels_of(index, pixels.size());
    std::copy(found.begin(), found.end(), pixels.begin());
    return labels_[index];
  }

 private:
  [[nodiscard]] std::span<const std::uint8_t> pixels_of(std::size_t index, std::size_t values) const {
    detail::check_read("images", index, size(), shape_.size(), values);
    return pixels().subspan(index * values, values);
  }

  shape shape_;
  std::vector<std::uint8_t> pixels_;
  std::vector<std::uint32_t> labels_;
  std::size_t classes_ = 0;
  float scale_ = 1.0F / 255.0F;
  float offset_ = 0.0F;
};

/// The two parts of a published data set: pictures to train with and pictures to test with.
struct image_set {
  images train;
  images test;
};

/// A view of a user's floats or doubles, from which a span is made.
class number_span {
 public:
  number_span() = default;
  template <class Numbers>
  requires std::convertible_to<const Numbers&, std::span<const float>> number_span(const Numbers& numbers)
      : floats_(std::span<const float>(numbers)) {}
  template <class Numbers>
  requires std::convertible_to<const Numbers&, std::span<const double>> number_span(const Numbers& numbers)
      : doubles_(std::span<const double>(numbers)) {}

  [[nodiscard]] std::size_t size() const { return floats_.size() + doubles_.size(); }

  /// Writes the numbers from `first` on to `floats`; doubles are rounded.
  void copy(std::size_t first, std::span<float> floats) const {
    for (std::size_t i = 0; i < floats.size(); ++i)
      floats[i] = doubles_.empty() ? floats_[first + i] : static_cast<float>(doubles_[first + i]);
  }

 private:
  // One of them is empty.
  std::span<const float> floats_;
  std::span<const double> doubles_;
};

/// A data set over a user's arrays of floats or doubles, which are not copied: the arrays must outlive it. Doubles are
/// rounded to floats when they are read.
class arrays {
 public:
  /// A data set for classification.
  /// @param features  labels.size() samples of extents.size() numbers, channels last
  /// Errors: shape_error if the counts disagree; data_error for a label that is neither a class nor `unlabelled`.
  arrays(shape extents, number_span features, std::span<const std::uint32_t> labels, std::size_t classes)
      : arrays(extents, features) {
    labels_ = labels;
    classes_ = classes;
    detail::check_count("arrays", "labels", size_, labels_.size());
    detail::check_labels("arrays", labels_, classes_);
  }

  /// A data set for regression, which has no labels (classes() is 0) and a row of `target_length` numbers per sample.
  /// Errors: shape_error if the counts disagree.
  arrays(shape extents, number_span features, number_span targets, std::size_t target_length)
      : arrays(extents, features) {
    expect(target_length > 0, "arrays: target_length", "at least 1", target_length);
    targets_ = targets;
    target_length_ = target_length;
    const std::size_t count = detail::whole_samples("arrays", "targets", targets_.size(), target_length_);
    detail::check_count("arrays", "rows of targets", size_, count);
  }

  /// A data set with neither labels nor targets, for rules that need none (trainer::learn_locally).
  /// Errors: shape_error if the counts disagree.
  arrays(shape extents, number_span features) : shape_(extents), features_(features) {
    detail::check_shape("arrays", shape_);
    size_ = detail::whole_samples("arrays", "features", features_.size(), shape_.size());
  }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t height() const { return shape_.height; }
  [[nodiscard]] std::size_t width() const { return shape_.width; }
  [[nodiscard]] std::size_t channels() const { return shape_.channels; }
  [[nodiscard]] std::size_t classes() const { return classes_; }
  [[nodiscard]] std::size_t targets() const { return target_length_; }

  std::uint32_t read(std::size_t index, std::span<float> features) const {
    detail::check_read("arrays", index, size_, shape_.size(), features.size());
    features_.copy(index * features.size(), features);
    return labels_.empty() ? 0 : labels_[index];
  }

  void read_target(std::size_t index, std::span<float> target) const {
    detail::check_read("arrays", index, size_, target_length_, target.size());
    targets_.copy(index * target.size(), target);
  }

 private:
  shape shape_;
  std::size_t size_ = 0;
  number_span features_;
  std::span<const std::uint32_t> labels_;
  std::size_t classes_ = 0;
  number_span targets_;
  std::size_t target_length_ = 0;
};

/// A part of another data set, by a list of indices or a range. It holds a pointer: the data set must outlive it.
template <dataset Dataset>
class subset {
  static_assert(check_optional_members<Dataset>());

 public:
  /// Errors: shape_error for an index that the data set does not have.
  subset(const Dataset& data, std::vector<std::uint32_t> indices) : data_(&data), indices_(std::move(indices)) {
    for (const std::uint32_t index : indices_)
      if (index >= data_->size())
        throw shape_error(text("subset: index: expected less than ", data_->size(), ", found ", index));
  }

  /// The `count` samples from `first` on.
  /// Errors: shape_error if the data set does not have them.
  subset(const Dataset& data, std::size_t first, std::size_t count) : data_(&data) {
    const std::size_t size = data.size();
    if (size > 0xFFFFFFFF || count > size || first > size - count)
      throw shape_error(text("subset: expected a range within ", size, " samples, found ", count, " from ", first));
    indices_.reserve(count);
    for (std::size_t i = 0; i < count; ++i) indices_.push_back(static_cast<std::uint32_t>(first + i));
  }

  subset(const Dataset&& data, std::vector<std::uint32_t> indices) = delete;
  subset(const Dataset&& data, std::size_t first, std::size_t count) = delete;

  [[nodiscard]] std::size_t size() const { return indices_.size(); }
  [[nodiscard]] std::size_t height() const { return data_->height(); }
  [[nodiscard]] std::size_t width() const { return data_->width(); }
  [[nodiscard]] std::size_t channels() const { return data_->channels(); }
  [[nodiscard]] std::size_t classes() const { return data_->classes(); }
  [[nodiscard]] std::span<const std::uint32_t> indices() const { return indices_; }

  [[nodiscard]] std::size_t readers() const { return readers_of(*data_); }

  std::uint32_t read(std::size_t index, std::span<float> features) const {
    return data_->read(original(index), features);
  }

  std::uint32_t read(std::size_t index, std::size_t epoch,
                     std::span<float> features) const requires dataset_with_epochs<Dataset> {
    return data_->read(original(index), epoch, features);
  }

  [[nodiscard]] std::vector<float> pixel_values() const requires dataset_with_pixels<Dataset> {
    return data_->pixel_values();
  }

  std::uint32_t read_pixels(std::size_t index,
                            std::span<std::uint8_t> pixels) const requires dataset_with_pixels<Dataset> {
    return data_->read_pixels(original(index), pixels);
  }

  std::uint32_t read_pixels(std::size_t index, std::size_t epoch, std::span<std::uint8_t> pixels) const requires
      dataset_with_pixels<Dataset> && dataset_with_epochs<Dataset> {
    return data_->read_pixels(original(index), epoch, pixels);
  }

  [[nodiscard]] std::size_t targets() const requires dataset_with_targets<Dataset> { return data_->targets(); }

  void read_target(std::size_t index, std::span<float> target) const requires dataset_with_targets<Dataset> {
    data_->read_target(original(index), target);
  }

  void read_target(std::size_t index, std::size_t epoch,
                   std::span<float> target) const requires dataset_with_epoch_targets<Dataset> {
    data_->read_target(original(index), epoch, target);
  }

 private:
  std::size_t original(std::size_t index) const {
    if (index >= indices_.size())
      throw shape_error(text("subset: sample: expected less than ", indices_.size(), ", found ", index));
    return indices_[index];
  }

  const Dataset* data_;
  std::vector<std::uint32_t> indices_;
};

template <class D>
subset(const D&, std::vector<std::uint32_t>) -> subset<D>;
template <class D>
subset(const D&, std::size_t, std::size_t) -> subset<D>;

/// Wraps a data set and hides its epochs: every sample is as an evaluation sees it. Use it for the validation part of a
/// data set whose training part is augmented. It holds a pointer: the data set must outlive it.
template <dataset Dataset>
class plain {
  static_assert(check_optional_members<Dataset>());

 public:
  explicit plain(const Dataset& data) : data_(&data) {}
  explicit plain(const Dataset&& data) = delete;

  [[nodiscard]] std::size_t size() const { return data_->size(); }
  [[nodiscard]] std::size_t height() const { return data_->height(); }
  [[nodiscard]] std::size_t width() const { return data_->width(); }
  [[nodiscard]] std::size_t channels() const { return data_->channels(); }
  [[nodiscard]] std::size_t classes() const { return data_->classes(); }
  [[nodiscard]] std::size_t readers() const { return readers_of(*data_); }

  std::uint32_t read(std::size_t index, std::span<float> features) const { return data_->read(index, features); }

  [[nodiscard]] std::vector<float> pixel_values() const requires dataset_with_pixels<Dataset> {
    return data_->pixel_values();
  }

  std::uint32_t read_pixels(std::size_t index,
                            std::span<std::uint8_t> pixels) const requires dataset_with_pixels<Dataset> {
    return data_->read_pixels(index, pixels);
  }

  [[nodiscard]] std::size_t targets() const requires dataset_with_targets<Dataset> { return data_->targets(); }

  void read_target(std::size_t index, std::span<float> target) const requires dataset_with_targets<Dataset> {
    data_->read_target(index, target);
  }

 private:
  const Dataset* data_;
};

template <class D>
plain(const D&) -> plain<D>;

/// The size of the validation part of a data set: a number of samples, or a fraction of them.
struct validation_count {
  std::size_t samples;
};
struct validation_fraction {
  double fraction;
};

template <dataset Dataset>
struct split_data {
  subset<Dataset> train;
  subset<Dataset> validation;
};

/// Splits a data set at random into a training and a validation part; the same seed gives the same parts. The data set
/// must outlive both.
/// Errors: config_error unless both parts get at least one sample.
template <dataset Dataset>
[[nodiscard]] split_data<Dataset> split(const Dataset& data, validation_count validation, std::uint64_t seed) {
  const std::size_t size = data.size();
  if (validation.samples == 0 || validation.samples >= size)
    throw config_error(text("split: validation samples: expected at least 1 and fewer than the ", size,
                            " samples, found ", validation.samples));
  constexpr std::uint64_t stream = 0x73706C6974;  // "split"
  const auto order = permutation(random_stream(seed, stream), size);
  const auto border = order.begin() + static_cast<std::ptrdiff_t>(validation.samples);
  return {subset<Dataset>(data, std::vector<std::uint32_t>(border, order.end())),
          subset<Dataset>(data, std::vector<std::uint32_t>(order.begin(), border))};
}

/// Splits a data set by a fraction, which is rounded to the nearest number of samples.
template <dataset Dataset>
[[nodiscard]] split_data<Dataset> split(const Dataset& data, validation_fraction validation, std::uint64_t seed) {
  expect(is_finite(validation.fraction) && validation.fraction > 0 && validation.fraction < 1,
         "split: validation fraction", "more than 0 and less than 1", validation.fraction);
  const double samples = (std::round)(validation.fraction * static_cast<double>(data.size()));
  return split(data, validation_count{static_cast<std::size_t>(samples)}, seed);
}

template <dataset Dataset, class Validation>
void split(const Dataset&& data, Validation validation, std::uint64_t seed) = delete;

static_assert(dataset<images> && dataset_with_targets<arrays> && dataset_with_targets<subset<arrays>>);
static_assert(dataset<subset<images>> && !dataset_with_targets<subset<images>>);
static_assert(!dataset_with_epochs<images> && !dataset_with_epochs<subset<images>>);
static_assert(dataset_with_targets<plain<arrays>>);
static_assert(dataset_with_pixels<images> && dataset_with_pixels<subset<images>> && !dataset_with_pixels<arrays>);

}  // namespace localis::data
