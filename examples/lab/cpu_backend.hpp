#pragma once

#include "settings.hpp"

#include <localis/backend/cpu/backend.hpp>

namespace examples {

/// The backend of a run on the processor.
[[nodiscard]] inline localis::cpu::backend<float> cpu_backend(const settings& s) {
  return localis::cpu::backend<float>({.threads = s.threads, .convolution = s.convolution, .precision = s.precision});
}

}  // namespace examples
