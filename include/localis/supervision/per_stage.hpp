#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/supervision/none.hpp>
#include <localis/supervision/supervision.hpp>

namespace localis::supervision {

/// Wraps any supervision and multiplies its gain by a factor for each stage: `per_stage{loss_gain{}, {1, 0.5, 0.1}}`.
///
///   g_t(stage) = g_t of `base` for this stage * factors[stage];   beyond the end of the list the last factor is held
///
/// Records of a run show the gain of `base`.
///
/// Units:  dimensionless.
/// Errors: validate() throws config_error if there is no factor, if one is negative or not finite, and what `base`
///         throws.
/// Source: ours.
template <class Base = none>
struct per_stage {
  static_assert(check_supervision<Base>());

  Base base{};
  std::vector<double> factors{1.0};

  using state = typename Base::state;

  void validate() const {
    expect(!factors.empty(), "supervision::per_stage.factors", "at least one factor", "none");
    for (std::size_t stage = 0; stage < factors.size(); ++stage) {
      expect(is_finite(factors[stage]) && factors[stage] >= 0,
             text("supervision::per_stage.factors[", stage, "]").c_str(), "a finite number of at least 0",
             factors[stage]);
    }
    localis::supervision::validate(base);
  }

  void observe(state& seen, double loss) const { base.observe(seen, loss); }
  [[nodiscard]] double gain(const state& seen) const { return base.gain(seen); }
  [[nodiscard]] double stage_gain(const state& seen, std::size_t stage) const {
    return localis::supervision::stage_gain(base, seen, stage) * factors[(std::min)(stage, factors.size() - 1)];
  }

  friend bool operator==(const per_stage&, const per_stage&) = default;
};

template <class Base>
per_stage(Base) -> per_stage<Base>;
template <class Base>
per_stage(Base, std::vector<double>) -> per_stage<Base>;

static_assert(check_supervision<per_stage<>>() && has_stage_gain<per_stage<>>);

}  // namespace localis::supervision
