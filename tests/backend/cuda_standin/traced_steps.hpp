#pragma once

#include <cstddef>
#include <vector>

#include "standin.hpp"
#include "training_step.hpp"

namespace localis_test {

/// What a step of `Net` does on the device, once the memory that comes with the first step is there.
template <class Net, class Backend>
std::vector<standin::work> trace_step(const Backend& backend, std::size_t batch, std::size_t boundary) {
  training_step<Net, Backend> step(backend, batch, 1e-3);
  step(boundary);
  return standin::trace([&] { step(boundary); });
}

}  // namespace localis_test
