#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <localis/core/error.hpp>
#include <localis/train/run_state.hpp>

namespace lo = localis;

namespace {

struct state {
  double sum = 0;
  std::size_t count = 0;
  bool operator==(const state&) const = default;
};
struct nothing {};

/// What is said of a state, of a run with 16 bytes of supervision and 3 stages.
std::string fault(const lo::run_state& run) {
  try {
    lo::detail::check_run_state(run, 16, 3);
  } catch (const lo::config_error& e) {
    return e.what();
  }
  return "";
}

lo::run_state sound() {
  lo::run_state run;
  run.epoch = 1;
  run.step = 4;
  run.steps = 10;
  run.report.epochs.resize(2);  // the second is under way
  run.sums.stage_norms.resize(3);
  run.supervision.resize(16);
  return run;
}

}  // namespace

TEST_CASE("run_state: a mean of nothing is no number") {
  lo::epoch_sums::mean m;
  CHECK(std::isnan(m.value()));
  m.add(1);
  m.add(4);
  CHECK(m.value() == 2.5);
}

TEST_CASE("run_state: a state of supervision survives as bytes, an empty one too") {
  const state seen{2.5, 7};
  CHECK(lo::detail::from_bytes<state>(lo::detail::to_bytes(seen)) == seen);
  CHECK(lo::detail::to_bytes(seen).size() == sizeof(state));
  CHECK(lo::detail::to_bytes(nothing{}) == std::vector<std::byte>(1));
  (void)lo::detail::from_bytes<nothing>(lo::detail::to_bytes(nothing{}));
}

TEST_CASE("run_state: one that contradicts itself, or is another run's, says what differs") {
  CHECK(fault(sound()) == "");
  lo::run_state run = sound();
  run.supervision.resize(8);
  CHECK(fault(run) == "trainer::restore: bytes of supervision: expected 16, found 8");
  run = sound();
  run.sums.stage_norms.resize(4);
  CHECK(fault(run) == "trainer::restore: stages: expected 3, found 4");
  run = sound();
  run.step = 11;
  CHECK(fault(run) == "trainer::restore: step: expected at most 10, found 11");
  run = sound();
  run.epoch = 2;
  CHECK(fault(run) ==
        "trainer::restore: epoch: expected the one after those of the report (2, 1 of them under way), found 2");
  run.step = 0;  // between epochs: both are done
  CHECK(fault(run) == "");
}
