#pragma once

#include <cstddef>

namespace localis {

/// Runs the steps of a training run on backends that take up work call by call.
struct step_runner {
  template <class Body>
  void operator()(std::size_t, std::size_t, const Body& body) const {
    body();
  }
};

}  // namespace localis
