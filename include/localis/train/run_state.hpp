#pragma once

#include <cstddef>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

#include <localis/core/error.hpp>
#include <localis/train/report.hpp>

namespace localis {

/// The sums over the finished steps of an epoch, from which its averages are computed.
struct epoch_sums {
  struct mean {
    double sum = 0;
    std::size_t count = 0;
    void add(double value) {
      sum += value;
      ++count;
    }
    [[nodiscard]] double value() const {
      return count == 0 ? std::numeric_limits<double>::quiet_NaN() : sum / static_cast<double>(count);
    }
  };

  double rate = 0;
  double gain = 0;
  double prefix_fraction = 0;
  double loss = 0;
  std::size_t correct = 0;
  std::size_t unlabelled = 0;
  mean norm;
  std::vector<mean> stage_norms;
};

/// The state of a training run between two steps, apart from the arrays of its model and its optimizer. The order of
/// samples, dropout and augmentation follow from seeds and these counts; a scheduler's state follows from the report's
/// epochs.
struct run_state {
  std::size_t epoch = 0;  ///< the current epoch; the number of epochs if the run is over
  std::size_t step = 0;   ///< the next step of that epoch
  std::size_t steps = 0;  ///< number of steps of an epoch
  localis::report report;
  epoch_sums sums;                     ///< sums of the current epoch
  std::vector<std::byte> supervision;  ///< the bytes of the state of the supervision
};

namespace detail {

/// The bytes of the state of a supervision.
template <class State>
[[nodiscard]] std::vector<std::byte> to_bytes(const State& state) {
  std::vector<std::byte> bytes(sizeof(State));
  // The one byte of an empty state has no value.
  if constexpr (!std::is_empty_v<State>) std::memcpy(bytes.data(), &state, sizeof(State));
  return bytes;
}
/// The state of a supervision from its bytes, whose number must be that of to_bytes().
template <class State>
[[nodiscard]] State from_bytes(const std::vector<std::byte>& bytes) {
  State state{};
  if constexpr (!std::is_empty_v<State>) std::memcpy(&state, bytes.data(), sizeof(State));
  return state;
}

/// Checks the state of a run. Errors: config_error for the state of a run with another supervision or another
/// network, or for a state that contradicts itself.
inline void check_run_state(const run_state& state, std::size_t supervision_bytes, std::size_t stages) {
  const auto expect_stored = [](bool good, const char* what, const auto& expected,
                                std::size_t found) {  // allocates on failure
    if (!good) throw config_error(text("trainer::restore: ", what, ": expected ", expected(), ", found ", found));
  };
  const auto expect_equal = [&](const char* what, std::size_t expected, std::size_t found) {
    const auto number = [&] { return text(expected); };
    expect_stored(expected == found, what, number, found);
  };
  expect_equal("bytes of supervision", supervision_bytes, state.supervision.size());
  expect_equal("stages", stages, state.sums.stage_norms.size());
  const auto steps = [&] { return text("at most ", state.steps); };
  expect_stored(state.step <= state.steps, "step", steps, state.step);
  const std::size_t begun = state.report.epochs.size();
  const std::size_t unfinished = state.step > 0 ? 1 : 0;
  const auto next = [&] {
    return text("the one after those of the report (", begun, ", ", unfinished, " of them under way)");
  };
  expect_stored(begun >= unfinished && state.epoch == begun - unfinished, "epoch", next, state.epoch);
}

}  // namespace detail

}  // namespace localis
