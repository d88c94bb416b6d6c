#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include <localis/core/operation.hpp>

namespace examples {

/// Copies weights and running statistics to a network of the same layers, or of the first of them alone.
template <class Source, class Target>
void copy_parameters(const Source& source, Target& target) {
  std::vector<std::span<const float>> values;
  source.for_each_parameter([&](const localis::operation&, const auto& p) { values.push_back(p.values()); });
  std::size_t next = 0;
  target.for_each_parameter([&](const localis::operation&, const auto& p) {
    std::copy(values[next].begin(), values[next].end(), p.value);
    ++next;
  });
}

}  // namespace examples
