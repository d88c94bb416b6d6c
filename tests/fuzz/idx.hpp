#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "fuzz.hpp"

#include <localis/data/dataset.hpp>

/// A data set as IDX files: what was read must give the file again.
namespace fuzz {

inline std::vector<std::uint8_t> idx_header(std::initializer_list<std::size_t> words) {
  std::vector<std::uint8_t> result;
  for (const std::size_t word : words)
    for (const int shift : {24, 16, 8, 0}) result.push_back(static_cast<std::uint8_t>(word >> shift));
  return result;
}

inline std::vector<std::uint8_t> idx_of_pictures(const localis::data::images& data) {
  auto result = idx_header({0x803, data.size(), data.height(), data.width()});
  result.insert(result.end(), data.pixels().begin(), data.pixels().end());
  return result;
}

inline std::vector<std::uint8_t> idx_of_labels(const localis::data::images& data) {
  auto result = idx_header({0x801, data.size()});
  for (const std::uint32_t label : data.labels()) result.push_back(static_cast<std::uint8_t>(label));
  return result;
}

}  // namespace fuzz
