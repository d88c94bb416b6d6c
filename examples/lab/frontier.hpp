#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "comparison.hpp"
#include "report/format.hpp"
#include "settings.hpp"

#include <localis/core/finite.hpp>
#include <localis/core/random.hpp>

/// Holds every run against the accuracy that gradient descent itself reaches by then.
namespace examples {

/// The accuracy of gradient descent by cost, where each point is a run of its own, with its schedule shortened or
/// stretched to its budget.
struct budget_curve {
  std::vector<double> costs;       ///< in increasing order
  std::vector<double> accuracies;  ///< one for each cost

  /// The smallest cost at which the curve has this accuracy; between two points the accuracy is linear in the
  /// logarithm of the cost. The first cost for an accuracy below the curve, and infinity above it.
  [[nodiscard]] double cost_of(double accuracy) const {
    if (accuracy <= accuracies.front()) return costs.front();
    for (std::size_t i = 1; i < costs.size(); ++i) {
      if (accuracies[i] < accuracy) continue;
      const double way = (accuracy - accuracies[i - 1]) / (accuracies[i] - accuracies[i - 1]);
      return costs[i - 1] * std::pow(costs[i] / costs[i - 1], way);
    }
    return std::numeric_limits<double>::infinity();
  }
};

/// How a run compares with the curve of gradient descent.
struct frontier_row {
  std::string name;
  std::string label;
  double cost = no_number;   ///< seconds, mean over the seeds that all budgets have, too
  double test = no_number;   ///< mean accuracy over the same seeds
  double error = no_number;  ///< its standard error; no number for one seed
  /// Cost at which the curve has this accuracy / cost of the run. Above 1 the run pays.
  double speed_up = no_number;
  /// '<' or '>' if the accuracy lies below or above the whole curve, so that its end gives a bound alone; else ' '.
  char bound = ' ';
  double low = no_number;  ///< with high: 95 % interval of speed_up; no number for fewer than 3 seeds
  double high = no_number;
  double loss_bound = no_number;  ///< one-sided 95 % upper bound of the accuracy that sgd has more; likewise
};

/// The runs of a comparison on SGD's curve.
struct frontier {
  bool of_processor = false;            ///< whether costs are processor seconds; else they are wall time
  std::size_t seeds = 0;                ///< that all budgets have
  budget_curve curve;                   ///< of the means over these seeds
  std::vector<frontier_row> budgets;    ///< its points: name, cost, accuracy and error alone
  std::vector<double> lowest, highest;  ///< accuracies of the curve's points over the seeds
  std::vector<frontier_row> rows;       ///< of the other runs
};

namespace detail {

/// The finished runs of one name, by seed.
struct seed_points {
  std::vector<double> costs;
  std::vector<double> tests;
};

/// The runs of one name from these seeds; empty if one is missing.
[[nodiscard]] inline seed_points points_of(const std::vector<run_result>& runs, std::string_view name,
                                           const std::vector<std::uint64_t>& seeds, bool of_processor) {
  seed_points found;
  for (const std::uint64_t seed : seeds) {
    for (const run_result& run : runs) {
      if (run.name != name || run.seed != seed || !run.finished()) continue;
      found.costs.push_back(of_processor ? run.report.processor_seconds() : run.report.seconds);
      found.tests.push_back(run.test_accuracy);
    }
  }
  if (found.costs.size() != seeds.size()) return {};
  return found;
}

/// The mean of the values at some places.
[[nodiscard]] inline double mean_at(const std::vector<double>& values, const std::vector<std::size_t>& places) {
  double sum = 0;
  for (const std::size_t place : places) sum += values[place];
  return sum / static_cast<double>(places.size());
}

[[nodiscard]] inline budget_curve curve_of(const std::vector<seed_points>& budgets,
                                           const std::vector<std::size_t>& places) {
  std::vector<std::pair<double, double>> points;
  for (const seed_points& budget : budgets) {
    points.emplace_back(mean_at(budget.costs, places), mean_at(budget.tests, places));
  }
  std::sort(points.begin(), points.end());
  budget_curve curve;
  for (const auto& [cost, accuracy] : points) {
    curve.costs.push_back(cost);
    curve.accuracies.push_back(accuracy);
  }
  return curve;
}

/// The speed-up of a run, bounded by the curve's last point.
[[nodiscard]] inline double speed_up_of(const budget_curve& curve, double cost, double accuracy) {
  return std::min(curve.cost_of(accuracy), curve.costs.back()) / cost;
}

/// By how much, as a factor, a 95 % interval reaches from a speed-up to each side: Student's, for the logarithm.
[[nodiscard]] inline double interval_factor(const std::vector<seed_points>& budgets, const seed_points& run) {
  constexpr std::size_t samples = 2000;
  double sum = 0;
  double squares = 0;
  std::vector<std::size_t> places(run.tests.size());
  for (std::size_t sample = 0; sample < samples; ++sample) {
    const localis::random_stream random(1, sample);
    for (std::size_t i = 0; i < places.size(); ++i) places[i] = random.integer(i, places.size());
    const double drawn =
        std::log(speed_up_of(curve_of(budgets, places), mean_at(run.costs, places), mean_at(run.tests, places)));
    sum += drawn;
    squares += drawn * drawn;
  }
  // A bootstrap sample of n seeds has the variance of n, not of n - 1.
  const auto seeds = static_cast<double>(places.size());
  const double variance = (squares - sum * sum / samples) / samples * seeds / (seeds - 1);
  return std::exp(student_975(places.size() - 1) * std::sqrt((std::max)(variance, 0.0)));
}

}  // namespace detail

/// The runs of a comparison on the curve of its runs of sgd. Costs are processor seconds where all runs have them and
/// the work is done by the processor. Seeds count that all budgets have; the interval of a speed-up is
/// that of Student's distribution for its logarithm, whose variance is that of 2,000 bootstrap samples of these seeds,
/// times n / (n - 1) for n seeds. In the samples, the runs of one seed stay together, since they share the first
/// weights and the order of the pictures. Without three budgets there is no curve, and no rows.
/// @param on_host  whether the backend computes on the processor
[[nodiscard]] inline frontier frontier_of(const std::vector<run_result>& runs, const std::vector<table_row>& table,
                                          std::span<const run_kind> kinds, bool on_host) {
  frontier result;
  std::vector<std::string_view> budgets;
  std::vector<std::uint64_t> seeds;
  result.of_processor = on_host;
  for (const run_result& run : runs) {
    if (run.finished() && !localis::is_finite(run.report.processor_seconds())) result.of_processor = false;
    if (std::find(seeds.begin(), seeds.end(), run.seed) == seeds.end()) seeds.push_back(run.seed);
  }
  const auto has = [&](std::string_view name, std::uint64_t seed) {
    return !detail::points_of(runs, name, {seed}, false).costs.empty();
  };
  for (const run_kind& kind : kinds) {
    const bool any = std::any_of(seeds.begin(), seeds.end(), [&](std::uint64_t seed) { return has(kind.name, seed); });
    if (kind.budget > 0 && any) budgets.push_back(kind.name);
  }
  if (budgets.size() < 3) return result;
  std::erase_if(seeds, [&](std::uint64_t seed) {
    return !std::all_of(budgets.begin(), budgets.end(), [&](std::string_view name) { return has(name, seed); });
  });
  result.seeds = seeds.size();
  if (seeds.empty()) return result;

  std::vector<detail::seed_points> curve;
  for (const std::string_view name : budgets) {
    curve.push_back(detail::points_of(runs, name, seeds, result.of_processor));
  }
  std::vector<std::size_t> all(seeds.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  result.curve = detail::curve_of(curve, all);
  std::sort(curve.begin(), curve.end(), [&all](const auto& a, const auto& b) {
    return detail::mean_at(a.costs, all) < detail::mean_at(b.costs, all);
  });
  for (const detail::seed_points& budget : curve) {
    result.lowest.push_back(*std::min_element(budget.tests.begin(), budget.tests.end()));
    result.highest.push_back(*std::max_element(budget.tests.begin(), budget.tests.end()));
  }

  const table_row* sgd = detail::find_row(table, "sgd");
  for (const table_row& row : table) {
    const detail::seed_points points = detail::points_of(runs, row.name, seeds, result.of_processor);
    if (points.costs.empty()) continue;
    const bool on_curve = std::find(budgets.begin(), budgets.end(), row.name) != budgets.end();
    frontier_row& one = on_curve ? result.budgets.emplace_back() : result.rows.emplace_back();
    one.name = row.name;
    one.label = row.label;
    one.cost = detail::mean_at(points.costs, all);
    one.test = detail::mean_at(points.tests, all);
    const auto count = static_cast<double>(seeds.size());
    if (seeds.size() > 2) {
      double squares = 0;
      for (const double test : points.tests) squares += (test - one.test) * (test - one.test);
      one.error = std::sqrt(squares / (count - 1) / count);
    }
    if (on_curve) continue;
    one.speed_up = detail::speed_up_of(result.curve, one.cost, one.test);
    if (one.test < result.curve.accuracies.front()) one.bound = '<';
    if (!localis::is_finite(result.curve.cost_of(one.test))) one.bound = '>';
    if (seeds.size() < 3) continue;
    if (sgd != nullptr) {
      const paired lead = paired_difference(*sgd, row);
      one.loss_bound = lead.mean + detail::student_95(lead.values.size() - 1) * lead.error;
    }
    const double factor = detail::interval_factor(curve, points);
    one.low = one.speed_up / factor;
    one.high = one.speed_up * factor;
  }
  return result;
}

namespace detail {

[[nodiscard]] inline std::string told_speed_up(const frontier_row& row) {
  return (row.bound == ' ' ? "" : std::string(1, row.bound) + ' ') + fixed(row.speed_up, 2);
}
/// "1.15 to 1.37"; empty without an interval.
[[nodiscard]] inline std::string told_interval(const frontier_row& row) {
  return localis::is_finite(row.low) ? fixed(row.low, 2) + " to " + fixed(row.high, 2) : std::string();
}

}  // namespace detail

/// The table of the frontier, best first, and then the points of SGD's curve; empty without a curve.
[[nodiscard]] inline cells frontier_cells(frontier curve) {
  if (curve.rows.empty()) return {};
  std::stable_sort(curve.rows.begin(), curve.rows.end(),
                   [](const frontier_row& a, const frontier_row& b) { return a.speed_up > b.speed_up; });
  cells result{{"run", "test %", "+-", "cost, s", "equal-accuracy speed-up", "95 % interval", "points below sgd"}};
  for (const frontier_row& row : curve.rows) {
    const std::string interval = detail::told_interval(row);
    result.push_back({row.label, percent(row.test), percent(row.error), fixed(row.cost, 1), detail::told_speed_up(row),
                      interval.empty() ? "-" : interval, percent(row.loss_bound)});
  }
  for (const frontier_row& row : curve.budgets) {
    result.push_back({row.label, percent(row.test), percent(row.error), fixed(row.cost, 1), "the curve", "-", "-"});
  }
  return result;
}

inline constexpr std::string_view frontier_notes[] = {
    "Equal-accuracy speed-up: the cost at which SGD's own curve (the runs called sgd, each with its schedule shortened "
    "or stretched to its budget) reaches the accuracy of the run, over the cost of the run; above 1 it pays. Between "
    "two budgets, accuracy is linear in the logarithm of the cost; < and >: below or above the whole curve.",
    "Cost: processor seconds of training, summed over all threads of all ranks; seconds where a run has none, and on a "
    "GPU.",
    "Interval: of Student's distribution, with the variance of 2,000 bootstrap samples of the seeds. Points below sgd: "
    "upper end of a one-sided 95 % interval, paired by seed."};

/// A sentence for each run that pays beyond the error, or one that none does; empty without a curve.
[[nodiscard]] inline std::vector<std::string> frontier_verdicts(const frontier& curve) {
  if (curve.rows.empty()) return {};
  std::vector<std::string> lines;
  for (const frontier_row& row : curve.rows) {
    if (!(row.low > 1) || row.bound == '<') continue;  // what lies below the curve has an upper bound alone
    lines.push_back(row.name + " pays: SGD needs " + fixed(row.speed_up, 2) +
                    " times its cost for the same accuracy (" + fixed(row.low, 2) + " to " + fixed(row.high, 2) + ", " +
                    std::to_string(curve.seeds) + " seeds).");
  }
  if (lines.empty()) {
    lines.push_back(curve.seeds < 3 ? "Whether a run pays needs at least 3 seeds: --seeds 1,2,3,4,5."
                                    : "No run pays beyond the error: SGD stopped earlier does as well.");
  }
  return lines;
}

}  // namespace examples
