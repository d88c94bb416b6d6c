#include <array>
#include <cstddef>
#include <new>
#include <vector>

#include <doctest/doctest.h>

#include <localis/core/error.hpp>
#include <localis/supervision/loss_gain.hpp>
#include <localis/supervision/loss_sign.hpp>
#include <localis/supervision/per_stage.hpp>
#include <localis/supervision/plateau.hpp>
#include <localis/supervision/supervision.hpp>

namespace lsv = localis::supervision;

namespace {

struct user_made {
  struct state {
    double last = 1;
  };
  void observe(state& seen, double loss) const { seen.last = loss; }
  double gain(const state& seen) const { return seen.last; }
};

struct without_state {
  double gain(double) const { return 1; }
};

struct state_on_the_heap : user_made {
  struct state {
    std::vector<double> losses;
  };
  void observe(state&, double) const {}
  double gain(const state&) const { return 1; }
};

struct never : user_made {
  void validate() const { throw localis::config_error("never"); }
};

struct by_stage : user_made {
  double stage_gain(const state& seen, std::size_t stage) const { return seen.last + static_cast<double>(stage); }
};

struct stage_gain_without_stage : user_made {
  double stage_gain(const state& seen) const { return seen.last; }
};

static_assert(lsv::supervision<user_made> && !lsv::has_stage_gain<user_made>);
static_assert(lsv::supervision<by_stage> && lsv::has_stage_gain<by_stage>);
static_assert(!lsv::supervision<stage_gain_without_stage>);
static_assert(!lsv::supervision<without_state>);
static_assert(!lsv::supervision<state_on_the_heap>);
static_assert(!lsv::supervision<double>);

}  // namespace

TEST_CASE("supervision: validate() is called where there is one") {
  lsv::validate(user_made{});
  CHECK_THROWS_AS(lsv::validate(never{}), localis::config_error);
}

TEST_CASE("supervision: a stage's gain is the gain where there is no other") {
  user_made::state seen;
  user_made{}.observe(seen, 0.5);
  CHECK(lsv::stage_gain(user_made{}, seen, 3) == 0.5);
  CHECK(lsv::stage_gain(by_stage{}, seen, 3) == 3.5);
}

TEST_CASE_TEMPLATE("supervision: every byte of a state has a value", Policy, lsv::loss_gain, lsv::loss_sign,
                   lsv::plateau, lsv::per_stage<lsv::loss_gain>) {
  using state = typename Policy::state;
  const auto bytes_after = [](std::size_t losses, unsigned char before) {
    alignas(state) std::array<unsigned char, sizeof(state)> bytes;
    bytes.fill(before);
    state* const seen = new (bytes.data()) state;
    for (std::size_t i = 0; i < losses; ++i) Policy{}.observe(*seen, 1 / static_cast<double>(i + 2));
    return bytes;
  };
  for (const std::size_t losses : {0U, 1U, 2U, 5U}) CHECK(bytes_after(losses, 0x00) == bytes_after(losses, 0xFF));
}
