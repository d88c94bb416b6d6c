#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "fuzz.hpp"

#include <localis/core/finite.hpp>
#include <localis/data/table.hpp>

/// What holds for all tables that a reader gives.
namespace fuzz {

inline void check(const localis::data::table& data, std::size_t classes, std::size_t targets) {
  const std::size_t values = localis::data::shape_of(data).size();
  require(data.size() > 0 && values > 0, "samples with values");
  require(data.classes() == classes && data.targets() == targets, "the labels or targets that were asked for");
  const auto finite = [](float x) { return localis::is_finite(x); };
  std::vector<float> features(values);
  std::vector<float> target(targets);
  for (std::size_t i = 0; i < data.size(); i += 1 + data.size() / 16) {
    const std::uint32_t label = data.read(i, features);
    require(classes == 0 ? label == 0 : label < classes || label == localis::data::unlabelled, "a label");
    if (targets > 0) data.read_target(i, target);
    require(std::all_of(features.begin(), features.end(), finite) && std::all_of(target.begin(), target.end(), finite),
            "finite numbers");
  }
}

}  // namespace fuzz
