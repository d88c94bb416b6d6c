#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <localis/data/dataset.hpp>

namespace examples {

/// The mean of all pictures of a data set.
template <class Pictures>
[[nodiscard]] std::vector<double> mean_picture(const Pictures& pictures) {
  std::vector<double> mean(localis::data::shape_of(pictures).size());
  std::vector<float> pixels(localis::data::shape_of(pictures).size());
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    pictures.read(i, pixels);
    for (std::size_t p = 0; p < pixels.size(); ++p) mean[p] += static_cast<double>(pixels[p]);
  }
  for (double& value : mean) value /= static_cast<double>(pictures.size());
  return mean;
}

/// Pictures less a mean picture, as vectors of norm 1: units that compete compare directions. Holds pointers to both.
template <class Pictures>
class unit_pictures {
 public:
  unit_pictures(const Pictures& pictures, const std::vector<double>& mean) : pictures_(&pictures), mean_(&mean) {}

  [[nodiscard]] std::size_t size() const { return pictures_->size(); }
  [[nodiscard]] std::size_t height() const { return pictures_->height(); }
  [[nodiscard]] std::size_t width() const { return pictures_->width(); }
  [[nodiscard]] std::size_t channels() const { return pictures_->channels(); }
  [[nodiscard]] std::size_t classes() const { return pictures_->classes(); }
  std::uint32_t read(std::size_t index, std::span<float> pixels) const {
    const std::uint32_t label = pictures_->read(index, pixels);
    double squares = 0;
    for (std::size_t p = 0; p < pixels.size(); ++p) {
      const double value = static_cast<double>(pixels[p]) - (*mean_)[p];
      squares += value * value;
      pixels[p] = static_cast<float>(value);
    }
    const auto scale = static_cast<float>(squares > 0 ? 1 / std::sqrt(squares) : 0);
    for (float& pixel : pixels) pixel *= scale;
    return label;
  }

 private:
  const Pictures* pictures_;
  const std::vector<double>* mean_;
};

}  // namespace examples
