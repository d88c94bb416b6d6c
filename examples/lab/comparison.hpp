#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "report/format.hpp"

#include <localis/model/confusion_matrix.hpp>
#include <localis/train/report.hpp>

namespace examples {

inline constexpr double no_number = std::numeric_limits<double>::quiet_NaN();

/// One training run and its results.
struct run_result {
  std::string name;
  std::uint64_t seed = 1;
  std::size_t epochs = 0;  ///< number of epochs that were requested
  bool local = false;      ///< whether stages before the boundary learn; false: they are frozen
  double local_rate = 0;
  std::string note{};  ///< shown beside the name in tables
  localis::report report{};
  double test_accuracy = no_number;
  localis::confusion_matrix confusion{};  ///< of the test pictures; without classes if they were not evaluated
  std::string filters{};                  ///< SVG of the first layer's weights before and after; may be empty

  [[nodiscard]] bool finished() const { return report.end == localis::ending::finished; }
  [[nodiscard]] bool diverged() const { return report.end == localis::ending::diverged; }
  [[nodiscard]] double validation_accuracy() const {
    return report.epochs.empty() ? no_number : report.epochs.back().validation_accuracy;
  }
};

/// The finished runs of one name, each from a seed of its own.
struct table_row {
  std::string name;
  std::string note;
  std::string label;  ///< name, note, number of epochs if it differs from the others', and divergences
  bool local = false;
  std::size_t seeds = 0;                    ///< number of finished runs
  std::size_t diverged = 0;                 ///< number of runs that diverged; they are in no mean
  std::map<std::uint64_t, double> tests{};  ///< accuracies of the finished runs by seed
  double test = no_number;                  ///< mean accuracy
  double spread = no_number;                ///< largest - smallest accuracy over the seeds; no number for one seed
  double validation = no_number;
  double seconds = no_number;          ///< median, of training
  double speed_up = no_number;         ///< seconds of sgd over these
  double model = no_number;            ///< the same by the count of matrix products alone
  double prefix_fraction = no_number;  ///< mean fraction f of the products before the boundary
  localis::memory_use memory;          ///< largest over the seeds
  std::size_t last_bytes = 0;          ///< in use at the end of the last epoch, largest over the seeds
  double clips = no_number;            ///< mean count of weight rows that the scale guard met
};

namespace detail {

[[nodiscard]] inline double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return values.empty() ? no_number : sum / static_cast<double>(values.size());
}

/// The median of some values, in which a run that shared the machine with another program counts only by its rank.
[[nodiscard]] inline double median_of(std::vector<double> values) {
  if (values.empty()) return no_number;
  std::sort(values.begin(), values.end());
  return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
}

/// Matrix products of one step at boundary T, where a stage's response counts as its fraction of all responses.
[[nodiscard]] inline double products(const std::vector<double>& fractions, std::size_t boundary, bool local) {
  if (boundary == 0) return 3 - fractions[0];  // the first stage needs no gradient of its input
  double saved = fractions[boundary];          // nor does the transition stage
  for (std::size_t stage = 0; stage < boundary; ++stage) saved += (local ? 1 : 2) * fractions[stage];
  return 3 - saved;
}

/// How often the products of this run go into those of gradient descent over `epochs` epochs.
[[nodiscard]] inline double model_speed_up(const run_result& run, const std::vector<double>& fractions,
                                           std::size_t epochs) {
  double cost = 0;
  for (const localis::epoch_record& e : run.report.epochs) {
    double prefix = 0;
    for (std::size_t stage = 0; stage < e.boundary; ++stage) prefix += fractions[stage];
    // Of the epoch's steps, those that had the boundary there.
    const double step_fraction = prefix > 0 ? e.prefix_fraction / prefix : 0;
    cost += step_fraction * products(fractions, e.boundary, run.local) +
            (1 - step_fraction) * products(fractions, 0, run.local);
  }
  return static_cast<double>(epochs) * products(fractions, 0, false) / cost;
}

inline void raise(localis::memory_use& largest, const localis::memory_use& other) {
  for (std::size_t localis::memory_use::*part :
       {&localis::memory_use::parameters, &localis::memory_use::rule_state, &localis::memory_use::optimizer_state,
        &localis::memory_use::features, &localis::memory_use::activations, &localis::memory_use::gradients,
        &localis::memory_use::scratch, &localis::memory_use::arena, &localis::memory_use::peak}) {
    largest.*part = std::max(largest.*part, other.*part);
  }
}

}  // namespace detail

namespace detail {

/// The name of a row, with the facts that its reader must know.
[[nodiscard]] inline std::string label_of(const table_row& row, std::size_t smallest, std::size_t largest,
                                          std::size_t usual, const std::vector<std::string>& diverged) {
  std::vector<std::string> notes;
  if (!row.note.empty()) notes.push_back(row.note);
  if (smallest != usual || largest != usual) {
    notes.push_back(std::to_string(smallest) + (largest == smallest ? "" : "-" + std::to_string(largest)) +
                    (largest == 1 ? " epoch" : " epochs"));
  }
  if (!diverged.empty()) notes.push_back("diverged: seed " + joined(diverged, ", "));
  return notes.empty() ? row.name : row.name + " (" + joined(notes, "; ") + ')';
}

}  // namespace detail

/// Means over the seeds of the finished runs (of seconds the median), a row for each name in the order of first
/// appearance. A row without any finished run is there where one diverged; it has no numbers.
/// @param fractions  each stage's fraction of the network's products
/// @param epochs  of every run that does not say otherwise
[[nodiscard]] inline std::vector<table_row> compare(const std::vector<run_result>& runs,
                                                    const std::vector<double>& fractions, std::size_t epochs) {
  std::vector<table_row> rows;
  for (const run_result& first : runs) {
    const auto same = [&first](const auto& other) { return other.name == first.name; };
    if (std::any_of(rows.begin(), rows.end(), same)) continue;
    table_row row;
    row.name = first.name;
    row.note = first.note;
    row.local = first.local;
    std::vector<double> tests, validations, seconds, models, prefixes, clips;
    std::vector<std::string> diverged;
    std::size_t smallest = first.epochs;
    std::size_t largest = first.epochs;
    for (const run_result& run : runs) {
      if (!same(run)) continue;
      if (run.diverged()) diverged.push_back(std::to_string(run.seed));
      if (!run.finished()) continue;
      ++row.seeds;
      tests.push_back(run.test_accuracy);
      row.tests[run.seed] = run.test_accuracy;
      validations.push_back(run.validation_accuracy());
      seconds.push_back(run.report.seconds);
      models.push_back(detail::model_speed_up(run, fractions, epochs));
      prefixes.push_back(run.report.prefix_fraction);
      clips.push_back(0);
      for (const localis::epoch_record& e : run.report.epochs) clips.back() += static_cast<double>(e.clips);
      detail::raise(row.memory, run.report.memory);
      row.last_bytes = std::max(row.last_bytes, run.report.epochs.back().bytes);
      smallest = std::min(smallest, run.epochs);
      largest = std::max(largest, run.epochs);
    }
    row.diverged = diverged.size();
    if (row.seeds + row.diverged == 0) continue;
    row.label = detail::label_of(row, smallest, largest, epochs, diverged);
    row.test = detail::mean_of(tests);
    if (row.seeds > 1) {
      row.spread = *std::max_element(tests.begin(), tests.end()) - *std::min_element(tests.begin(), tests.end());
    }
    row.validation = detail::mean_of(validations);
    row.seconds = detail::median_of(seconds);
    row.model = detail::mean_of(models);
    row.prefix_fraction = detail::mean_of(prefixes);
    row.clips = detail::mean_of(clips);
    rows.push_back(row);
  }
  const auto sgd = std::find_if(rows.begin(), rows.end(), [](const table_row& row) { return row.name == "sgd"; });
  if (sgd != rows.end()) {
    const double seconds = sgd->seconds;
    for (table_row& row : rows) row.speed_up = seconds / row.seconds;
  }
  return rows;
}

namespace detail {

[[nodiscard]] inline const table_row* find_row(const std::vector<table_row>& rows, std::string_view name) {
  for (const table_row& row : rows) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

/// The 95 % quantile of Student's distribution with so many degrees of freedom, at least 1.
[[nodiscard]] inline double student_95(std::size_t degrees) {
  constexpr double table[] = {6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812,
                              1.796, 1.782, 1.771, 1.761, 1.753, 1.746, 1.740, 1.734, 1.729, 1.725};
  return degrees <= std::size(table) ? table[degrees - 1] : 1.725;
}
/// The 97.5 % quantile, of intervals with two ends.
[[nodiscard]] inline double student_975(std::size_t degrees) {
  constexpr double table[] = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
                              2.201,  2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086};
  return degrees <= std::size(table) ? table[degrees - 1] : 2.086;
}

}  // namespace detail

/// The differences of two rows in test accuracy, by the seeds that both have.
struct paired {
  std::vector<double> values;  ///< of the first - of the second
  double mean = no_number;
  double error = no_number;  ///< standard error of the mean; no number for one seed
};

[[nodiscard]] inline paired paired_difference(const table_row& first, const table_row& second) {
  paired result;
  for (const auto& [seed, accuracy] : first.tests) {
    const auto other = second.tests.find(seed);
    if (other != second.tests.end()) result.values.push_back(accuracy - other->second);
  }
  result.mean = detail::mean_of(result.values);
  const auto count = static_cast<double>(result.values.size());
  if (result.values.size() < 2) return result;
  double squares = 0;
  for (const double value : result.values) squares += (value - result.mean) * (value - result.mean);
  result.error = std::sqrt(squares / (count - 1) / count);
  return result;
}

namespace detail {

/// "A 91.20 % in 80 s, B 91.00 % in 70 s: A is more accurate by 0.20 +- 0.03 points and takes 1.14 times as long." The
/// difference is that of the seeds that both have.
[[nodiscard]] inline std::string told_side_by_side(const table_row& a, const table_row& b) {
  const auto told = [](const table_row& row) {
    return row.label + ' ' + percent(row.test) + " % in " + fixed(row.seconds, 1) + " s";
  };
  const paired difference = paired_difference(a, b);
  const double gap = 100 * difference.mean;
  std::string accuracy = ": no seed has both";
  if (!difference.values.empty()) accuracy = ": both are equally accurate";
  if (!difference.values.empty() && std::abs(gap) >= 0.005) {
    accuracy = ": " + (gap > 0 ? a.name : b.name) + " is more accurate by " + fixed(std::abs(gap), 2);
    if (difference.values.size() > 1) accuracy += " +- " + percent(difference.error);
    accuracy += " points";
  }
  if (difference.values.size() > 1) {
    accuracy += " (paired by " + std::to_string(difference.values.size()) + " seeds, +- standard error)";
  }
  return told(a) + ", " + told(b) + accuracy + "; " + a.name + " takes " + fixed(a.seconds / b.seconds, 2) +
         " times as long as " + b.name + '.';
}

}  // namespace detail

/// Two runs to be compared in a sentence, and the reason.
struct duel {
  std::string_view what;
  std::string first;
  std::string second;
};

[[nodiscard]] inline std::vector<duel> duels_of_boundaries() {
  return {{"Same boundary", "localized static", "frozen static"},
          {"Same boundary", "localized dynamic", "frozen replay"},
          {"Same time", "localized dynamic", "sgd short"}};
}

/// Compares the rule that is best on the validation pictures. Choosing it by the test pictures would favor it.
[[nodiscard]] inline std::vector<duel> duels_of_rules(const std::vector<table_row>& rows) {
  const table_row* best = nullptr;
  for (const table_row& row : rows) {
    if (row.local && row.seeds > 0 && (best == nullptr || row.validation > best->validation)) best = &row;
  }
  if (best == nullptr) return {};
  return {{"Best rule on the validation pictures, same boundary", best->name, "frozen"},
          {"Against sgd", best->name, "sgd"},
          {"Against less of sgd", best->name, "sgd short"}};
}

/// Sentences that state the results of the table: the most accurate run, the fastest run, and the comparisons of pairs.
[[nodiscard]] inline std::vector<std::string> verdicts(std::vector<table_row> rows, const std::vector<duel>& duels,
                                                       std::size_t test_pictures) {
  std::vector<std::string> lines;
  std::erase_if(rows, [](const table_row& row) { return row.seeds == 0; });
  if (rows.size() < 2) return lines;
  const auto best = *std::max_element(rows.begin(), rows.end(),
                                      [](const table_row& a, const table_row& b) { return a.test < b.test; });
  const auto fastest = *std::min_element(rows.begin(), rows.end(),
                                         [](const table_row& a, const table_row& b) { return a.seconds < b.seconds; });
  std::vector<std::string> winners;
  for (const table_row& row : rows) {
    if (row.test == best.test) winners.push_back(row.label);
  }
  lines.push_back("Most accurate: " + joined(winners, ", ") + " with " + percent(best.test) +
                  " %. Fastest: " + fastest.label + " with " + fixed(fastest.seconds, 1) + " s.");
  for (const duel& pair : duels) {
    const table_row* a = detail::find_row(rows, pair.first);
    const table_row* b = detail::find_row(rows, pair.second);
    if (a == nullptr || b == nullptr) continue;
    lines.push_back(std::string(pair.what) + ": " + detail::told_side_by_side(*a, *b));
  }
  const double error = std::sqrt(best.test * (1 - best.test) / static_cast<double>(test_pictures));
  lines.push_back("The standard error of one accuracy on " + grouped(test_pictures) + " pictures is " + percent(error) +
                  " points" + (best.seeds == 1 ? "; --seeds 1,2,3 shows how much the seed matters." : "."));
  return lines;
}

/// A table for the terminal and for the page, as rows of cells; the first row is the head.
using cells = std::vector<std::vector<std::string>>;

/// The table of accuracy and time, with a row for each run.
[[nodiscard]] inline cells result_cells(const std::vector<table_row>& rows) {
  cells result{{"run", "test %", "spread", "valid. %", "seconds", "speed-up", "by products", "f", "peak MB", "end MB"}};
  for (const table_row& row : rows) {
    result.push_back({row.label, percent(row.test), percent(row.spread), percent(row.validation), fixed(row.seconds, 1),
                      fixed(row.speed_up, 2), fixed(row.model, 2), fixed(row.prefix_fraction, 2),
                      megabytes(row.memory.peak), megabytes(row.last_bytes)});
  }
  return result;
}

/// The table of accuracy and time for rules at one boundary: f and the number of products are the same for all, but
/// clips are not.
[[nodiscard]] inline cells rule_cells(const std::vector<table_row>& rows) {
  cells result{{"run", "seeds", "test %", "spread", "valid. %", "seconds", "speed-up", "peak MB", "end MB", "clips"}};
  for (const table_row& row : rows) {
    const bool any = row.seeds > 0;
    result.push_back({row.label, std::to_string(row.seeds), percent(row.test), percent(row.spread),
                      percent(row.validation), fixed(row.seconds, 1), fixed(row.speed_up, 2),
                      any ? megabytes(row.memory.peak) : "-", any ? megabytes(row.last_bytes) : "-",
                      fixed(row.clips, 0)});
  }
  return result;
}

/// The table of the largest memory of each kind, in megabytes.
[[nodiscard]] inline cells memory_cells(const std::vector<table_row>& rows) {
  cells result{{"MB", "weights", "optimizer", "activations", "gradients", "scratch", "peak", "end"}};
  for (const table_row& row : rows) {
    if (row.seeds == 0) continue;
    const localis::memory_use& use = row.memory;
    result.push_back({row.label, megabytes(use.parameters + use.rule_state), megabytes(use.optimizer_state),
                      megabytes(use.activations), megabytes(use.gradients), megabytes(use.scratch), megabytes(use.peak),
                      megabytes(row.last_bytes)});
  }
  return result;
}

/// The explanations of the columns, shown below both tables.
inline constexpr std::string_view table_notes[] = {
    "test, valid.: accuracy after the last epoch, mean over the seeds; spread: largest - smallest over the seeds.",
    "seconds: of training steps, median over the seeds; speed-up: over sgd; by products: the same by the count of "
    "matrix products alone.",
    "f: fraction of the network's products that lay before the boundary, mean over all steps.",
    "MB: 10^6 bytes. Activations, gradients, scratch: each at its own worst moment, in one piece of memory by turns;",
    "weights: with the state of the rules; peak: all at once; end: what the last epoch still held."};
inline constexpr std::string_view rule_table_notes[] = {
    "test, valid.: accuracy after the last epoch, mean over the seeds that finished; spread: largest - smallest of "
    "them.",
    "seconds: of training steps, median over the seeds; speed-up: over sgd; clips: weight rows that the scale guard "
    "met, mean over the seeds.",
    table_notes[3], table_notes[4]};

}  // namespace examples
