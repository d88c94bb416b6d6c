#pragma once

#include <cstddef>
#include <cstdint>

#include <localis/layer/dropout.hpp>
#include <localis/model/model.hpp>

namespace examples {

/// A model of zoo::six_stages from a seed, with the dropout of the comparisons.
template <class Model>
[[nodiscard]] Model fresh_model(const typename Model::backend_type& backend, std::uint64_t seed) {
  constexpr std::size_t dropout = 17;
  Model fresh{{.seed = seed}, backend};
  fresh.template layer<dropout>().rate = 0.25;
  return fresh;
}

}  // namespace examples
