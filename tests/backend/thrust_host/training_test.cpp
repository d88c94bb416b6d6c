#include <cstddef>
#include <string>
#include <vector>

#include "support/few_steps.hpp"
#include "support/rank_steps.hpp"
#include "support/thread_ranks.hpp"
#include <doctest/doctest.h>

#include <localis/backend/thrust_host/backend.hpp>
#include <localis/core/communicator.hpp>
#include <localis/rule/oja.hpp>
#include <localis/rule/policy.hpp>
#include <localis/zoo/lenet.hpp>
#include <localis/zoo/resnet.hpp>

#ifdef LOCALIS_TESTS_FULL
#include "support/every_model.hpp"
#endif

namespace lo = localis;
namespace zoo = lo::zoo;
using localis_test::check_step;
using localis_test::check_training;
using oja = lo::rule::local<lo::rule::oja, lo::rule::relative_step>;

namespace {

template <class Net>
void check() {
  check_training<Net>(lo::thrust_host::backend<double>());
  check_step<Net>(lo::thrust_host::backend<float>());
}

}  // namespace

TEST_CASE("thrust_host: published networks learn as on the cpu, whose boundary moves or stays") {
  check<zoo::lenet<10, oja>>();
  check<zoo::resnet20<10, oja>>();
#ifdef LOCALIS_TESTS_FULL
  check<zoo::vgg11_32<10, oja>>();
  check<zoo::mobilenet_v2_32<10, oja>>();
#endif
}

TEST_CASE("thrust_host: ranks, of which some have no samples, take the steps of one") {
  namespace steps = localis_test::rank_steps;
  const auto run = [](const auto& ranks, std::size_t boundary) {
    return steps::steps_of<steps::net<lo::rule::oja>, lo::thrust_host::backend<double>>(ranks, {.boundary = boundary});
  };
  for (const std::size_t boundary : {0U, 2U}) {
    CAPTURE(boundary);
    const steps::outcome one = run(lo::alone{}, boundary);
    std::vector<steps::outcome> found(2);
    CHECK(localis_test::run_ranks(2, [&](const localis_test::thread_ranks& ranks) {
            found[ranks.rank()] = run(ranks, boundary);
          }) == std::vector<std::string>(2));
    for (const steps::outcome& rank : found) {
      CHECK(steps::distance(one.arrays, rank.arrays) < 1e-12);
      CHECK(steps::distance(one.losses, rank.losses) < 1e-12);
    }
  }
}

#ifdef LOCALIS_TESTS_FULL
TEST_CASE("thrust_host: every published network, four steps of two pictures") {
  localis_test::for_every_model<oja>(
      []<class Net>() { check_training<Net>(lo::thrust_host::backend<double>(), {.steps = 1, .batch = 2}); });
}
#endif
