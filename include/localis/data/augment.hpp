#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/core/random.hpp>
#include <localis/data/crop.hpp>
#include <localis/data/dataset.hpp>
#include <localis/data/resize.hpp>

namespace localis::data {

/// Normalizes features: feature <- (feature - mean[channel]) / deviation[channel]. If it is empty, features do not
/// change.
struct normalization {
  std::vector<double> mean;
  std::vector<double> deviation;
};

/// The changes that `augmented` makes to a picture, in this order. Lengths are in pixels. The first four need a data
/// set that gives bytes; for them a byte is a brightness, 0 is black and 255 white.
struct augmentation {
  std::optional<random_cut_range> cut = {};  ///< a part of random size is cut out and resized to the old size
  // Each of these draws a factor f from [max(0, 1 - value), 1 + value]; 0: none. Results are limited to 0 ... 255, and
  // the last one is rounded.
  double brightness = 0;         ///< x <- f x
  double contrast = 0;           ///< x <- f x + (1 - f) mean over the picture of the grey of its pixels
  double saturation = 0;         ///< x <- f x + (1 - f) grey of the pixel; grey: 0.299 red + 0.587 green + 0.114 blue
  std::size_t padding = 0;       ///< width of a frame of zeros; a window of the old size is cut from it at random
  bool flip = false;             ///< mirrors one picture in two, left to right
  normalization normalize = {};  ///< applied in evaluation, too
  std::size_t cutout = 0;        ///< side of a square of zeros, its centre anywhere in the picture; 0: none
  std::uint64_t seed = 0;
};

/// The mean and the standard deviation (of the whole set: divided by n) of every channel, over all samples as an
/// evaluation sees them. It reads the data once, with one thread.
/// Errors: config_error for a data set without samples; what the data set throws.
template <dataset Dataset>
[[nodiscard]] normalization channel_statistics(const Dataset& data) {
  const shape extents = shape_of(data);
  const std::size_t size = data.size();
  expect(size > 0, "channel_statistics: samples", "at least 1", size);
  std::vector<float> features(extents.size());
  std::vector<double> origin(extents.channels);  // sums of squares about a value of the data do not cancel
  std::vector<double> sum(extents.channels, 0.0);
  std::vector<double> squares(extents.channels, 0.0);
  for (std::size_t i = 0; i < size; ++i) {
    data.read(i, features);
    if (i == 0) std::copy_n(features.begin(), extents.channels, origin.begin());
    for (std::size_t index = 0; index < features.size(); ++index) {
      const std::size_t c = index % extents.channels;
      const double value = static_cast<double>(features[index]) - origin[c];
      sum[c] += value;
      squares[c] += value * value;
    }
  }
  normalization result;
  const double count = static_cast<double>(size) * static_cast<double>(extents.positions());
  for (std::size_t c = 0; c < extents.channels; ++c) {
    const double mean = sum[c] / count;
    result.mean.push_back(origin[c] + mean);
    result.deviation.push_back(std::sqrt((std::max)(0.0, squares[c] / count - mean * mean)));
  }
  return result;
}

/// Wraps a data set: its pictures are normalized and, in every epoch, changed at random. The result of read(index,
/// epoch, features) is a pure function of (seed, epoch, index), on any thread; read(index, features) only normalizes.
/// Targets do not change. It holds a pointer: the data set must outlive it.
///
/// It gives bytes if its data set does and some byte stands for the zeros of frame and cutout in every channel. That of
/// the frame is usually byte 0; none is that of a cutout after a normalization.
///
/// Errors: config_error for a mean or deviation that is not one finite number per channel (above 0 for the deviation),
/// for a padding that is not less than height and width, for a cutout larger than the picture, for a range that
/// random_cut refuses, for a brightness, contrast or saturation that is not finite and at least 0, for a saturation of
/// pictures without three channels, and for one of these where the data set gives no bytes.
/// Source: crop and flip as usual since C.-Y. Lee et al., "Deeply-supervised nets", AISTATS 2015; cutout:
/// T. DeVries, G. W. Taylor, arXiv 1708.04552 (2017); its zeros are set after normalization, and so stand for the mean;
/// cut: see random_cut; colours: as torchvision's ColorJitter, in a fixed order.
template <dataset Dataset>
class augmented {
 public:
  augmented(const Dataset& data, augmentation options)
      : data_(&data), shape_(shape_of(data)), options_(std::move(options)), random_(options_.seed, stream) {
    const std::size_t shorter = (std::min)(shape_.height, shape_.width);
    const std::size_t longer = (std::max)(shape_.height, shape_.width);
    if (options_.padding > 0 && options_.padding >= shorter)
      throw config_error(text("augmented: padding: expected less than ", shorter, ", found ", options_.padding));
    if (options_.cutout > longer)
      throw config_error(text("augmented: cutout: expected at most ", longer, ", found ", options_.cutout));
    check_variation();
    if (!options_.normalize.mean.empty() || !options_.normalize.deviation.empty()) prepare_normalization();
    if constexpr (dataset_with_pixels<Dataset>) prepare_pixels();
  }
  augmented(const Dataset&& data, augmentation options) = delete;

  [[nodiscard]] std::size_t size() const { return data_->size(); }
  [[nodiscard]] std::size_t height() const { return shape_.height; }
  [[nodiscard]] std::size_t width() const { return shape_.width; }
  [[nodiscard]] std::size_t channels() const { return shape_.channels; }
  [[nodiscard]] std::size_t classes() const { return data_->classes(); }
  [[nodiscard]] std::size_t readers() const { return readers_of(*data_); }

  std::uint32_t read(std::size_t index, std::span<float> features) const {
    const std::uint32_t label = data_->read(index, features);
    normalize(features);
    return label;
  }

  std::uint32_t read(std::size_t index, std::size_t epoch, std::span<float> features) const {
    const random_stream random = random_.substream(epoch).substream(index);
    const std::uint32_t label = read_varied(random, index, epoch, features);
    crop_and_flip(random, features, 0.0F);
    normalize(features);
    cut_out(random, features, 0.0F);
    return label;
  }

  [[nodiscard]] std::vector<float> pixel_values() const requires dataset_with_pixels<Dataset> { return pixel_values_; }

  std::uint32_t read_pixels(std::size_t index,
                            std::span<std::uint8_t> pixels) const requires dataset_with_pixels<Dataset> {
    return data_->read_pixels(index, pixels);
  }

  std::uint32_t read_pixels(std::size_t index, std::size_t epoch,
                            std::span<std::uint8_t> pixels) const requires dataset_with_pixels<Dataset> {
    const std::uint32_t label = read_pixels_in_epoch(*data_, index, epoch, pixels);
    const random_stream random = random_.substream(epoch).substream(index);
    vary(random, pixels);
    crop_and_flip(random, pixels, frame_pixel_);
    cut_out(random, pixels, cutout_pixel_);
    return label;
  }

  [[nodiscard]] std::size_t targets() const requires dataset_with_targets<Dataset> { return data_->targets(); }

  void read_target(std::size_t index, std::span<float> target) const requires dataset_with_targets<Dataset> {
    data_->read_target(index, target);
  }

  void read_target(std::size_t index, std::size_t epoch,
                   std::span<float> target) const requires dataset_with_targets<Dataset> {
    read_target_in_epoch(*data_, index, epoch, target);
  }

 private:
  static constexpr std::uint64_t stream = 0x6175676D656E74;  // "augment"

  [[nodiscard]] bool recolours() const {
    return options_.brightness > 0 || options_.contrast > 0 || options_.saturation > 0;
  }
  /// Whether pictures change as bytes before anything else.
  [[nodiscard]] bool varies() const { return options_.cut.has_value() || recolours(); }

  void check_variation() {
    const auto expect_range = [](const char* name, double value) {
      expect(is_finite(value) && value >= 0, name, "a finite number >= 0", value);
    };
    expect_range("augmented: brightness", options_.brightness);
    expect_range("augmented: contrast", options_.contrast);
    expect_range("augmented: saturation", options_.saturation);
    if (options_.cut) options_.cut->validate();
    expect(options_.saturation == 0 || shape_.channels == 3, "augmented: channels of pictures with a saturation", "3",
           shape_.channels);
    if (!varies()) return;
    byte_values_ = pixel_values_of(*data_);
    if (byte_values_.empty())
      throw config_error(
          "augmented: cut, brightness, contrast and saturation: expected a data set that gives bytes "
          "(data::dataset_with_pixels), found one without");
  }

  /// Reads the features of a sample, changed as bytes where that is asked for.
  std::uint32_t read_varied([[maybe_unused]] const random_stream& random, std::size_t index, std::size_t epoch,
                            std::span<float> features) const {
    if constexpr (dataset_with_pixels<Dataset>) {
      if (varies()) {
        std::vector<std::uint8_t> pixels(features.size());
        const std::uint32_t label = read_pixels_in_epoch(*data_, index, epoch, pixels);
        vary(random, pixels);
        for (std::size_t i = 0; i < features.size(); ++i)
          features[i] = byte_values_[pixels[i] * shape_.channels + i % shape_.channels];
        return label;
      }
    }
    return read_in_epoch(*data_, index, epoch, features);
  }

  void vary(const random_stream& random, std::span<std::uint8_t> pixels) const {
    if (options_.cut) {
      const std::vector<std::uint8_t> old(pixels.begin(), pixels.end());
      const region part = random_cut(shape_.height, shape_.width, 1, *options_.cut, random.substream(0)).source;
      detail::resize_pixels(old, shape_, part, shape_.height, shape_.width, {0, 0, shape_.height, shape_.width},
                            pixels);
    }
    if (recolours()) recolour(random, pixels);
  }

  void recolour(const random_stream& random, std::span<std::uint8_t> pixels) const {
    const auto factor = [&](std::uint64_t draw, double range) {
      const double least = (std::max)(0.0, 1 - range);
      return least + (1 + range - least) * random.uniform(draw);
    };
    const double brightness = factor(5, options_.brightness);
    const double contrast = factor(6, options_.contrast);
    const double saturation = factor(7, options_.saturation);
    const auto limited = [](double value) { return std::clamp(value, 0.0, 255.0); };
    std::vector<double> values(pixels.size());
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = limited(brightness * pixels[i]);
    const auto grey = [&](std::size_t pixel) {
      const double* x = values.data() + pixel;
      if (shape_.channels == 3) return 0.299 * x[0] + 0.587 * x[1] + 0.114 * x[2];
      double sum = 0;
      for (std::size_t c = 0; c < shape_.channels; ++c) sum += x[c];
      return sum / static_cast<double>(shape_.channels);
    };
    double mean = 0;
    for (std::size_t pixel = 0; pixel < values.size(); pixel += shape_.channels) mean += grey(pixel);
    mean /= static_cast<double>(shape_.positions());
    for (double& value : values) value = limited(contrast * value + (1 - contrast) * mean);
    for (std::size_t pixel = 0; pixel < values.size(); pixel += shape_.channels) {
      const double own = grey(pixel);
      for (std::size_t i = pixel; i < pixel + shape_.channels; ++i) {
        const double value = options_.saturation > 0 ? saturation * values[i] + (1 - saturation) * own : values[i];
        pixels[i] = static_cast<std::uint8_t>(std::lround(limited(value)));
      }
    }
  }

  void check_channels(const char* name, const std::vector<double>& values) const {
    if (values.size() != shape_.channels)
      throw config_error(text("augmented: ", name, ": expected a number for each of the ", shape_.channels,
                              " channels, found ", values.size(), " numbers"));
    for (const double value : values)
      if (!is_finite(value)) throw config_error(text("augmented: ", name, ": expected finite numbers, found ", value));
  }

  void prepare_normalization() {
    check_channels("mean", options_.normalize.mean);
    check_channels("deviation", options_.normalize.deviation);
    for (std::size_t c = 0; c < shape_.channels; ++c) {
      const double deviation = options_.normalize.deviation[c];
      expect(deviation > 0, "augmented: deviation", "above 0", deviation);
      shift_.push_back(static_cast<float>(options_.normalize.mean[c]));
      factor_.push_back(static_cast<float>(1.0 / deviation));
    }
  }

  /// Leaves pixel_values_ empty unless bytes can stand for every changed picture.
  void prepare_pixels() {
    std::vector<float> values = data_->pixel_values();
    if (options_.padding > 0 && !find_zero(values, frame_pixel_)) return;
    normalize(values);
    if (options_.cutout > 0 && !find_zero(values, cutout_pixel_)) return;
    pixel_values_ = std::move(values);
  }

  /// Sets `pixel` to a byte that stands for 0, without a sign, in every channel, and returns whether there is one.
  [[nodiscard]] bool find_zero(std::span<const float> values, std::uint8_t& pixel) const {
    for (std::size_t i = 0; i < values.size(); i += shape_.channels) {
      pixel = static_cast<std::uint8_t>(i / shape_.channels);
      const auto channels = values.subspan(i, shape_.channels);
      if (std::ranges::all_of(channels, [](float value) { return std::bit_cast<std::uint32_t>(value) == 0; }))
        return true;
    }
    return false;
  }

  // Pictures of floats or of bytes are changed alike. `zero` fills what is not of the picture.

  template <class T>
  void crop_and_flip(const random_stream& random, std::span<T> picture, T zero) const {
    if (options_.padding > 0)
      crop(random.integer(0, 2 * options_.padding + 1), random.integer(1, 2 * options_.padding + 1), picture, zero);
    if (options_.flip && (random.bits(2) & 1) != 0) flip(picture);
  }

  /// Cuts the window whose corner is at row `top`, column `left` of the padded picture.
  template <class T>
  void crop(std::size_t top, std::size_t left, std::span<T> picture, T zero) const {
    const std::vector<T> old(picture.begin(), picture.end());
    std::fill(picture.begin(), picture.end(), zero);
    const auto [from_y, to_y, rows] = overlap(top, shape_.height);
    const auto [from_x, to_x, columns] = overlap(left, shape_.width);
    for (std::size_t y = 0; y < rows; ++y)
      std::copy_n(old.begin() + place(from_y + y, from_x), columns * shape_.channels,
                  picture.begin() + place(to_y + y, to_x));
  }

  struct stretch {
    std::size_t source;
    std::size_t target;
    std::size_t length;
  };

  /// The part of the unpadded axis in a window that starts at `start` of the padded axis.
  [[nodiscard]] stretch overlap(std::size_t start, std::size_t extent) const {
    const std::size_t padding = options_.padding;
    return start < padding ? stretch{0, padding - start, extent - (padding - start)}
                           : stretch{start - padding, 0, extent - (start - padding)};
  }

  template <class T>
  void flip(std::span<T> picture) const {
    for (std::size_t y = 0; y < shape_.height; ++y)
      for (std::size_t left = 0, right = shape_.width - 1; left < right; ++left, --right)
        std::swap_ranges(picture.begin() + place(y, left), picture.begin() + place(y, left + 1),
                         picture.begin() + place(y, right));
  }

  /// Sets to `zero` the part of a square around any pixel that lies in the picture.
  template <class T>
  void cut_out(const random_stream& random, std::span<T> picture, T zero) const {
    if (options_.cutout == 0) return;
    const std::size_t row = random.integer(3, shape_.height);
    const std::size_t column = random.integer(4, shape_.width);
    const std::size_t half = options_.cutout / 2;
    const std::size_t rest = options_.cutout - half;
    const std::size_t left = column - (std::min)(column, half);
    const std::size_t right = (std::min)(column + rest, shape_.width);
    for (std::size_t y = row - (std::min)(row, half); y < (std::min)(row + rest, shape_.height); ++y)
      std::fill(picture.begin() + place(y, left), picture.begin() + place(y, right), zero);
  }

  void normalize(std::span<float> features) const {
    if (shift_.empty()) return;
    for (std::size_t pixel = 0; pixel < features.size(); pixel += shape_.channels)
      for (std::size_t c = 0; c < shape_.channels; ++c)
        features[pixel + c] = (features[pixel + c] - shift_[c]) * factor_[c];
  }

  [[nodiscard]] std::ptrdiff_t place(std::size_t y, std::size_t x) const {
    return static_cast<std::ptrdiff_t>((y * shape_.width + x) * shape_.channels);
  }

  const Dataset* data_;
  shape shape_;
  augmentation options_;
  random_stream random_;
  std::vector<float> shift_;
  std::vector<float> factor_;
  std::vector<float> byte_values_;  ///< what the bytes of the data set stand for, if pictures change as bytes
  std::vector<float> pixel_values_;
  std::uint8_t frame_pixel_ = 0;   ///< the byte of a zero before normalization
  std::uint8_t cutout_pixel_ = 0;  ///< the byte of a zero after normalization
};

static_assert(dataset_with_epochs<augmented<images>> && dataset_with_epochs<subset<augmented<images>>>);
static_assert(dataset_with_pixels<subset<augmented<images>>> && dataset_with_pixels<plain<augmented<images>>>);
static_assert(dataset_with_targets<augmented<arrays>> && !dataset_with_epochs<plain<augmented<images>>>);
static_assert(!dataset_with_pixels<augmented<arrays>>);

template <class D>
augmented(const D&, augmentation) -> augmented<D>;

}  // namespace localis::data
