#pragma once

#include <cstddef>
#include <vector>

namespace localis {

/// A copy of a model's arrays on the host, as model::snapshot() makes and model::restore() takes it: weights and
/// running statistics, the states of rules and of their optimizers, and the numbers of their updates. The state of
/// gradient descent belongs to the trainer, and is not in it (train/stored_run.hpp has both).
template <class Scalar>
struct model_snapshot {
  std::vector<std::vector<Scalar>> arrays;
  std::vector<std::size_t> counts;
};

}  // namespace localis
