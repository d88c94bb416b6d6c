#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string_view>
#include <vector>

#include "../lab/comparison.hpp"
#include "../lab/settings.hpp"

#include <localis/scheduler/any.hpp>
#include <localis/scheduler/dynamic.hpp>
#include <localis/scheduler/fixed.hpp>
#include <localis/scheduler/linear.hpp>

/// The claim of S. Krithivasan, S. Sen, S. Venkataramani, A. Raghunathan, Accelerating DNN training through selective
/// localized learning, Frontiers in Neuroscience 15 (2022) 759807: training is up to 1.5 times faster for a loss of
/// about half a point of accuracy, if early stages learn by a local rule once a boundary has passed them, which moves
/// by a fixed schedule (static) or by the weight updates of the transition stage (dynamic).
///
/// The networks are two of the paper's on CIFAR-10. What differs here, or is not known of the paper: the local rule is
/// Oja's, by relative steps; the criterion of the dynamic boundary and the gain of the loss are ours
/// (scheduler/dynamic.hpp, supervision/loss_gain.hpp); rates, batch and epochs are those of this project's
/// comparisons. As in the paper, settings are chosen by accuracy; here that is the accuracy on a validation split.
namespace examples::selective_localized {

/// The largest loss of validation accuracy against gradient descent.
inline constexpr double most_lost = 0.005;

/// One setting of the boundary, or one budget of gradient descent.
struct setting {
  run_kind kind;
  double begin = 0;  ///< of a static boundary: fraction of the epochs after which it begins to move
  double alpha = 0;  ///< of a dynamic boundary

  [[nodiscard]] bool is_local() const { return kind.budget == 0; }
  [[nodiscard]] std::size_t epochs(std::size_t all) const { return is_local() ? all : epochs_of(kind, all); }
  [[nodiscard]] localis::scheduler::any scheduler(std::size_t all) const {
    using localis::scheduler::any;
    if (!is_local()) return any(localis::scheduler::fixed{0});
    if (alpha > 0) return any(localis::scheduler::dynamic{.alpha = alpha, .shift = 2});
    return any(
        localis::scheduler::linear{.begin = static_cast<std::size_t>(std::lround(begin * static_cast<double>(all)))});
  }
};

inline constexpr setting settings[] = {
    {{.name = "sgd 50", .budget = 0.5}}, {{.name = "sgd 75", .budget = 0.75}}, {{.name = "sgd", .budget = 1}},
    {{.name = "static 20"}, .2, 0},      {{.name = "static 40"}, .4, 0},       {{.name = "static 60"}, .6, 0},
    {{.name = "dynamic 0.8"}, 0, .8},    {{.name = "dynamic 1.0"}, 0, 1},      {{.name = "dynamic 1.2"}, 0, 1.2}};

/// The fastest setting of a family ("static" or "dynamic") whose mean validation accuracy is at most `most_lost` below
/// that of sgd; null if there is none. Settings with a seed that diverged are left out.
[[nodiscard]] inline const table_row* choose(const std::vector<table_row>& table, std::string_view family) {
  const auto sgd = std::find_if(table.begin(), table.end(), [](const table_row& row) { return row.name == "sgd"; });
  if (sgd == table.end()) return nullptr;
  const table_row* best = nullptr;
  for (const table_row& row : table) {
    if (row.name.rfind(family, 0) != 0 || row.diverged > 0) continue;
    if (!(row.validation >= sgd->validation - most_lost)) continue;
    if (best == nullptr || row.speed_up > best->speed_up) best = &row;
  }
  return best;
}

}  // namespace examples::selective_localized
