#pragma once

#include <localis/supervision/loss_gain.hpp>

namespace examples {

/// One type for loss_gain and for no supervision, so that the code that trains with it is compiled once.
struct gain_or_none {
  using state = localis::supervision::loss_gain::state;
  localis::supervision::loss_gain gain_of_loss{};
  bool used = false;

  void validate() const { gain_of_loss.validate(); }
  constexpr void observe(state& seen, double loss) const { gain_of_loss.observe(seen, loss); }
  [[nodiscard]] constexpr double gain(const state& seen) const { return used ? gain_of_loss.gain(seen) : 1; }
};

}  // namespace examples
