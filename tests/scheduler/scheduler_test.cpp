#include <cstddef>

#include <doctest/doctest.h>

#include <localis/scheduler/scheduler.hpp>

namespace {

namespace ls = localis::scheduler;

struct minimal {
  std::size_t boundary(std::size_t epoch, std::size_t step) const { return 10 * epoch + step; }
};

struct complete {
  std::size_t started = 0;
  std::size_t observed = 0;
  void start(const localis::schedule_limits& limits) { started = limits.highest; }
  void observe(const localis::epoch_observation& seen) { observed = seen.epoch; }
  std::size_t boundary(std::size_t, std::size_t) const { return 7; }
  std::size_t lowest_boundary(std::size_t epoch) const { return epoch; }
  std::size_t base_boundary(std::size_t, std::size_t step) const { return step; }
  double gradient_scale(std::size_t epoch, std::size_t step, std::size_t stage) const {
    return static_cast<double>(100 * epoch + 10 * step + stage);
  }
  localis::differentiated_part differentiated(std::size_t epoch) const {
    return {1 / static_cast<double>(epoch), true};
  }
};

struct signed_result {
  int boundary(std::size_t, std::size_t) const { return 0; }
};
struct bool_result {
  bool boundary(std::size_t, std::size_t) const { return true; }
};
struct not_const {
  std::size_t boundary(std::size_t, std::size_t) { return 0; }
};
struct wrong_observe {
  std::size_t boundary(std::size_t, std::size_t) const { return 0; }
  void observe(double, double) {}
};
struct wrong_promise {
  std::size_t boundary(std::size_t, std::size_t) const { return 0; }
  int lowest_boundary(std::size_t) const { return 0; }
};
struct wrong_scale {
  std::size_t boundary(std::size_t, std::size_t) const { return 0; }
  double gradient_scale(std::size_t) const { return 1; }
};
struct wrong_fraction {
  std::size_t boundary(std::size_t, std::size_t) const { return 0; }
  double differentiated(std::size_t) const { return 1; }
};
struct no_copy {
  no_copy(const no_copy&) = delete;
  std::size_t boundary(std::size_t, std::size_t) const { return 0; }
};

static_assert(ls::scheduler<minimal> && ls::check_scheduler<minimal>());
static_assert(ls::scheduler<complete> && ls::check_scheduler<complete>());
static_assert(ls::has_boundary<signed_result> && !ls::boundary_is_integral<signed_result>);
static_assert(!ls::scheduler<signed_result>);
static_assert(!ls::scheduler<bool_result>);
static_assert(!ls::has_boundary<not_const>);
static_assert(!ls::scheduler<wrong_observe>);
static_assert(!ls::scheduler<wrong_promise>);
static_assert(!ls::scheduler<wrong_scale>);
static_assert(!ls::scheduler<wrong_fraction>);
static_assert(!ls::scheduler<no_copy>);
static_assert(!ls::scheduler<int>);

}  // namespace

TEST_CASE("scheduler: what a minimal one lacks has a default") {
  minimal s;
  ls::start(s, {.stages = 3, .highest = 2, .epochs = 1, .steps_per_epoch = 1});
  ls::observe(s, {});
  CHECK(ls::lowest_boundary(s, 5) == 0);
  CHECK(ls::base_boundary(s, 2, 3) == 23);
  CHECK(ls::gradient_scale(s, 2, 3, 4) == 1.0);
  CHECK(ls::differentiated(s, 2) == localis::differentiated_part{});
}

TEST_CASE("scheduler: what a complete one has is used") {
  complete s;
  ls::start(s, {.stages = 5, .highest = 4, .epochs = 1, .steps_per_epoch = 1});
  ls::observe(s, {.epoch = 6});
  CHECK(s.started == 4);
  CHECK(s.observed == 6);
  CHECK(ls::lowest_boundary(s, 5) == 5);
  CHECK(ls::base_boundary(s, 2, 3) == 3);
  CHECK(ls::gradient_scale(s, 2, 3, 4) == 234.0);
  CHECK(ls::differentiated(s, 2) == localis::differentiated_part{0.5, true});
}
