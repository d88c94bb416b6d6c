#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <numeric>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "digits.hpp"
#include "format.hpp"
#include "settings.hpp"

#include <localis/core/error.hpp>
#include <localis/data/dataset.hpp>
#include <localis/data/gzip.hpp>

namespace examples {

/// What a run learns from, is watched with, and is judged by.
struct pictures {
  std::string name;
  std::string note;  ///< what the reader of a result must know about the data; often empty
  localis::data::images train;
  localis::data::images validation;
  localis::data::images test;
};

namespace detail {

[[nodiscard]] inline localis::data::images chosen(const localis::data::images& from,
                                                  const std::vector<std::uint32_t>& indices) {
  const localis::shape extents = localis::data::shape_of(from);
  std::vector<std::uint8_t> pixels;
  std::vector<std::uint32_t> labels;
  pixels.reserve(indices.size() * extents.size());
  labels.reserve(indices.size());
  for (const std::uint32_t index : indices) {
    const auto first = from.pixels().begin() + static_cast<std::ptrdiff_t>(index * extents.size());
    pixels.insert(pixels.end(), first, first + static_cast<std::ptrdiff_t>(extents.size()));
    labels.push_back(from.labels()[index]);
  }
  return {extents, std::move(pixels), std::move(labels), from.classes()};
}

/// The first `count` pictures; all of them where it is 0 or more than there are.
[[nodiscard]] inline localis::data::images first_of(localis::data::images from, std::size_t count) {
  if (count == 0 || count >= from.size()) return from;
  std::vector<std::uint32_t> indices(count);
  std::iota(indices.begin(), indices.end(), 0U);
  return chosen(from, indices);
}

/// Splits off `count` pictures; the same ones in every run of this program.
[[nodiscard]] inline std::pair<localis::data::images, localis::data::images> parted(const localis::data::images& from,
                                                                                    std::size_t count) {
  constexpr std::uint64_t seed = 1;
  const auto parts = localis::data::split(from, localis::data::validation_count{count}, seed);
  const auto rest = parts.train.indices();
  const auto taken = parts.validation.indices();
  return {chosen(from, {rest.begin(), rest.end()}), chosen(from, {taken.begin(), taken.end()})};
}

}  // namespace detail

/// Fashion-MNIST, or, where nobody asked for a folder and the usual one is not there, the embedded digits.
/// Errors: data_error for files that are missing or damaged, config_error for a validation part that leaves nothing.
[[nodiscard]] inline pictures load_pictures(const settings& chosen) {
  pictures result;
  localis::data::images all;
  std::error_code ignored;
  std::size_t validation = chosen.validation;
  const bool there = std::filesystem::exists(chosen.data, ignored);
  if (chosen.digits || (!there && !chosen.data_given)) {
    constexpr std::size_t test_count = 397;
    constexpr std::size_t usual_validation = 200;
    result.name = "embedded digits (UCI, enlarged to 28x28)";
    result.note = chosen.digits ? "Trained on 1,797 small digits, not on Fashion-MNIST."
                                : "Fashion-MNIST is not at " + chosen.data.string() +
                                      " (Debian: apt install dataset-fashion-mnist): trained on 1,797 small digits "
                                      "instead.";
    auto parts = detail::parted(digits(), test_count);
    all = std::move(parts.first);
    result.test = std::move(parts.second);
    if (!chosen.validation_given) validation = usual_validation;
  } else {
    if (!std::filesystem::is_directory(chosen.data, ignored)) {
      throw localis::data_error(localis::text("--data: expected a folder with the four files of Fashion-MNIST, found ",
                                              there ? "something else: " : "nothing at ", chosen.data.string()));
    }
    result.name = "Fashion-MNIST";
    auto parts = localis::data::fashion_mnist(chosen.data);
    all = std::move(parts.train);
    result.test = std::move(parts.test);
  }
  auto parts = detail::parted(all, validation);
  result.train = detail::first_of(std::move(parts.first), chosen.pictures);
  result.validation = std::move(parts.second);
  result.test = detail::first_of(std::move(result.test), chosen.test_pictures);
  return result;
}

}  // namespace examples
