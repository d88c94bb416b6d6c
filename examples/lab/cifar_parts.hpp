#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <utility>
#include <vector>

#include <localis/data/any.hpp>
#include <localis/data/augment.hpp>
#include <localis/data/cifar.hpp>
#include <localis/data/dataset.hpp>

namespace examples {

/// The pictures of CIFAR-10, normalized.
struct cifar_parts {
  localis::data::any train;
  localis::data::any validation;  ///< 5,000 of the pictures to train with, the same in every run
  localis::data::any test;
};

/// Reads CIFAR-10.
/// @param count   pictures of the training part; 0: all of 45,000
/// @param varies  whether these are cropped and mirrored at random
[[nodiscard]] inline cifar_parts read_cifar_parts(const std::filesystem::path& folder, std::size_t count,
                                                  bool varies = true) {
  namespace data = localis::data;
  auto cifar = data::cifar10(folder);
  const auto normalize = data::channel_statistics(cifar.train);
  const auto view = [&](const data::any& source, bool trains) {
    return data::any_view(source, [&](const data::any& all) {
      return data::augmented<data::any>(
          all, data::augmentation{.padding = trains ? 4U : 0U, .flip = trains, .normalize = normalize});
    });
  };
  const data::any known(std::move(cifar.train));
  const auto split = data::split(known, data::validation_count{5000}, 1);
  const auto some = [&](std::span<const std::uint32_t> indices, std::size_t wanted) {
    return data::any_view(known, [&](const data::any& all) {
      const std::size_t taken = wanted == 0 ? indices.size() : std::min(wanted, indices.size());
      return data::subset(
          all, std::vector<std::uint32_t>(indices.begin(), indices.begin() + static_cast<std::ptrdiff_t>(taken)));
    });
  };
  return {view(some(split.train.indices(), count), varies), view(some(split.validation.indices(), 0), false),
          view(data::any(std::move(cifar.test)), false)};
}

}  // namespace examples
