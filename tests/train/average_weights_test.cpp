#include <cstddef>
#include <functional>
#include <vector>

#include "support/ranges.hpp"
#include "support/small_runs.hpp"
#include <doctest/doctest.h>

#include <localis/core/error.hpp>
#include <localis/scheduler/fixed.hpp>
#include <localis/supervision/none.hpp>
#include <localis/train/average_weights.hpp>
#include <localis/train/trainer.hpp>

namespace lo = localis;
using localis_test::small_runs::model;
using localis_test::small_runs::pictures;

namespace {

std::vector<double> all(const model& m) {
  std::vector<double> result;
  m.for_each_parameter([&](const auto&, const auto& p) { result.insert(result.end(), p.value, p.value + p.size()); });
  return result;
}

}  // namespace

TEST_CASE("average_weights: follows the weights after every step, by a plain loop, and changes no run") {
  model m;
  model plain;
  lo::average_weights average{m, {.decay = 0.75}};
  std::vector<double> expected = all(m);
  lo::trainer t(m, lo::scheduler::fixed{1}, lo::supervision::none{}, {.epochs = 2, .batch = 5, .local_rate = 1e-3});
  std::size_t updates = 0;
  t.on_pause(1, std::ref(average));
  t.on_pause(1, [&] {
    const std::vector<double> now = all(m);
    for (std::size_t i = 0; i < now.size(); ++i) expected[i] += 0.25 * (now[i] - expected[i]);
    ++updates;
  });
  (void)t.fit(pictures(12));
  CHECK(updates == 6);
  lo::trainer other(plain, lo::scheduler::fixed{1}, lo::supervision::none{},
                    {.epochs = 2, .batch = 5, .local_rate = 1e-3});
  (void)other.fit(pictures(12));
  const std::vector<double> trained = all(m);
  CHECK(trained == all(plain));

  average.swap();
  CHECK(all(m) == expected);
  CHECK(all(m) != trained);
  std::size_t index = 0;
  std::size_t place = 0;
  m.for_each_parameter([&](const auto&, const auto& p) {
    const auto kept = average.average(index++);
    REQUIRE(kept.size() == p.size());
    for (const double value : kept) CHECK(value == trained[place++]);
  });
  average.swap();
  CHECK(all(m) == trained);
}

TEST_CASE("average_weights: a decay has a range") {
  model m;
  for (const double decay : {-0.1, 1.0, localis_test::not_a_number}) {
    CHECK_THROWS_WITH_AS((lo::average_weights{m, {.decay = decay}}),
                         lo::text("average_weights: decay: expected a number in [0, 1), found ", decay).c_str(),
                         lo::config_error);
  }
}
