#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include "../digits.hpp"
#include "report/path_text.hpp"
#include "settings.hpp"

#include <localis/core/error.hpp>
#include <localis/data/any.hpp>
#include <localis/data/dataset.hpp>
#include <localis/data/gzip.hpp>

namespace examples {

/// The training, validation and test pictures of a run.
struct pictures {
  std::string name;
  std::string note;  ///< a fact that the reader of a result must know about the data; often empty
  localis::data::any train;
  localis::data::any validation;
  localis::data::any test;
  std::vector<std::string> class_names{};  ///< empty where they are not known, or are their numbers
};

namespace detail {

[[nodiscard]] inline localis::data::any chosen(const localis::data::any& source, std::vector<std::uint32_t> indices) {
  return localis::data::any_view(
      source, [&](const localis::data::any& all) { return localis::data::subset(all, std::move(indices)); });
}

/// The first `count` pictures, or all of them if `count` is 0 or larger than their number.
[[nodiscard]] inline localis::data::any first_of(const localis::data::any& source, std::size_t count) {
  if (count == 0 || count >= source.size()) return source;
  return localis::data::any_view(source,
                                 [&](const localis::data::any& all) { return localis::data::subset(all, 0, count); });
}

/// Splits off `count` pictures, which are the same in every run of this program.
[[nodiscard]] inline std::pair<localis::data::any, localis::data::any> parted(const localis::data::any& source,
                                                                              std::size_t count) {
  constexpr std::uint64_t seed = 1;
  const auto parts = localis::data::split(source, localis::data::validation_count{count}, seed);
  const auto rest = parts.train.indices();
  const auto taken = parts.validation.indices();
  return {chosen(source, {rest.begin(), rest.end()}), chosen(source, {taken.begin(), taken.end()})};
}

}  // namespace detail

/// Reads Fashion-MNIST or, if no folder was chosen and the usual one does not exist, the embedded digits. The
/// validation part is not split off yet.
/// Errors: data_error for files that are missing or damaged.
[[nodiscard]] inline pictures read_fashion(const settings& chosen) {
  pictures result;
  if (takes_digits(chosen)) {
    constexpr std::size_t test_count = 397;
    result.name = "embedded digits (UCI, enlarged to 28x28)";
    result.note = chosen.digits ? "Trained on 1,797 small digits, not on Fashion-MNIST."
                                : "Fashion-MNIST is not at " + path_text(chosen.data) +
                                      " (Debian: apt install dataset-fashion-mnist): trained on 1,797 small digits "
                                      "instead.";
    std::tie(result.train, result.test) = detail::parted(localis::data::any(digits()), test_count);
  } else {
    std::error_code ignored;
    if (!std::filesystem::is_directory(chosen.data, ignored)) {
      const bool exists = std::filesystem::exists(chosen.data, ignored);
      throw localis::data_error(localis::text("--data: expected a folder with the four files of Fashion-MNIST, found ",
                                              exists ? "something else: " : "nothing at ", chosen.data.string()));
    }
    result.name = "Fashion-MNIST";
    result.class_names = {"T-shirt", "trouser", "pullover", "dress", "coat",
                          "sandal",  "shirt",   "sneaker",  "bag",   "ankle boot"};
    auto parts = localis::data::fashion_mnist(chosen.data);
    result.train = localis::data::any(std::move(parts.train));
    result.test = localis::data::any(std::move(parts.test));
  }
  return result;
}

/// Splits the validation part off the training pictures (a seventh if there are few), and limits each part to the
/// chosen number. Errors: config_error for a validation part that leaves nothing.
[[nodiscard]] inline pictures divided(const settings& chosen, pictures all) {
  const std::size_t size = all.train.size();
  const bool few = size < 4 * chosen.validation && !chosen.validation_given;
  auto parts = detail::parted(all.train, few ? std::max<std::size_t>(1, size / 7) : chosen.validation);
  all.train = detail::first_of(parts.first, chosen.pictures);
  all.validation = std::move(parts.second);
  all.test = detail::first_of(all.test, chosen.test_pictures);
  return all;
}

/// Loads the pictures for a network whose input is a grey picture of 28 x 28 pixels.
[[nodiscard]] inline pictures load_pictures(const settings& chosen) { return divided(chosen, read_fashion(chosen)); }

}  // namespace examples
