#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "fuzz.hpp"

#include <localis/data/folder.hpp>

namespace fuzz {

/// A picture's file, decoded, then as the only one of a folder's data set: cut from the centre and at random.
/// @param per_byte  most bytes of memory for one of the file
inline void read_as_picture(bytes content, const std::string& name, std::size_t per_byte) {
  namespace ld = localis::data;
  constexpr std::size_t max_pixels = std::size_t{1} << 18;
  constexpr std::size_t side = 8;
  static const file of_class(std::filesystem::path("class") / name);
  of_class.holds(content);

  ld::picture picture;
  {
    const memory_within bound((std::size_t{1} << 20) + std::min(per_byte * content.size(), 20 * max_pixels));
    if (refused<localis::data_error>([&] { picture = ld::read_picture(of_class.path, max_pixels); })) return;
  }
  require(picture.height > 0 && picture.width > 0, "a picture with pixels");
  require(picture.width <= max_pixels / picture.height, "at most max_pixels");
  require(picture.rgb.size() == picture.height * picture.width * 3, "three bytes for each pixel");

  static const ld::folder data(
      of_class.path.parent_path().parent_path(),
      {.side = side, .shorter_side = 10, .training = ld::crop::random, .readers = 1, .max_pixels = max_pixels});
  std::vector<float> features(side * side * 3);
  const auto check = [&](auto... epoch) {
    std::fill(features.begin(), features.end(), -1.0F);
    require(data.read(0, epoch..., features) == 0, "the label of the only class");
    require(std::all_of(features.begin(), features.end(), [](float x) { return x >= 0 && x <= 1; }),
            "features in [0, 1]");
  };
  check();
  for (std::size_t epoch = 0; epoch < 4; ++epoch) check(epoch);
}

}  // namespace fuzz
