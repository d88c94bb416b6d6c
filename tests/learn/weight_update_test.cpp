// The step of a local rule's weights: the direction that it keeps, its statistics, and a dry run.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "support/rule_cases.hpp"
#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/learn/weight_update.hpp>

namespace lo = localis;
using localis_test::bench;
using localis_test::deviation;
using localis_test::normal;
using reference = lo::reference::backend<double>;

namespace {

template <class... Local>
using layer = bench<lo::vector_input<6>, lo::dense<4, lo::rule::local<Local...>>, reference>;

std::vector<double> difference(std::vector<double> a, const std::vector<double>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] -= b[i];
  return a;
}

}  // namespace

TEST_CASE("weight_update: the direction that is kept is that of each step, as the rule has it") {
  using namespace lo::rule;
  layer<oja, unguarded, momentum, unit_rows> watched(5);
  layer<oja, unguarded> plain(5);
  CHECK(watched.layer().direction().empty());
  const std::vector<double> start = watched.copy();
  plain.set(start);
  const std::vector<double> x = normal(5 * 6, 1);
  plain.step(x, 0.01);
  watched.layer().keep_direction(watched.model.backend());
  CHECK(watched.layer().direction().size() == 24);
  watched.step(x, 0.01, 3);
  std::vector<double> expected = difference(plain.copy(), start);
  for (double& value : expected) value /= 0.01;  // before rate, gain, optimizer and constraint
  CHECK(deviation(watched.layer().direction(), expected) < 1e-12);
  const std::size_t bytes = watched.model.backend().counters().total;
  watched.layer().keep_direction(watched.model.backend());
  CHECK(watched.model.backend().counters().total == bytes);
}

TEST_CASE("weight_update: keeping the direction changes nothing") {
  layer<lo::rule::soft_hebb> watched(5);
  layer<lo::rule::soft_hebb> plain(5);
  plain.set(watched.copy());
  watched.layer().keep_direction(watched.model.backend());
  for (std::uint64_t t = 0; t < 3; ++t) {
    watched.step(normal(5 * 6, t), 0.1);
    plain.step(normal(5 * 6, t), 0.1);
  }
  CHECK(watched.copy() == plain.copy());
}

TEST_CASE("weight_update: a dry run leaves the direction, and changes nothing") {
  using namespace lo::rule;
  layer<bcm, unguarded, running_normalized_signal, momentum, hebbian_bias> one(5);
  one.layer().keep_direction(one.model.backend());
  const std::vector<double> x = normal(5 * 6, 1);
  one.step(x, 0.1);
  const auto all = [&] {
    std::vector<double> values;
    for (const auto& p : one.layer().parameters()) values.insert(values.end(), p.value, p.value + p.size());
    for (const auto& p : one.layer().states()) values.insert(values.end(), p.value, p.value + p.size());
    values.push_back(one.model.read_update_statistics().change[0]);
    return values;
  };
  const std::vector<double> before = all();
  one.step(normal(5 * 6, 2), {.boundary = 1, .local_rate = 0.1, .apply_updates = false});
  CHECK(all() == before);
  const std::vector<double> dry(one.layer().direction().begin(), one.layer().direction().end());
  one.step(normal(5 * 6, 2), 0.1);
  CHECK(all() != before);
  CHECK(deviation(one.layer().direction(), dry) < 1e-15);
}

TEST_CASE("weight_update: the statistics are those of the last update, before the constraint") {
  layer<lo::rule::hebb, lo::rule::unguarded, lo::rule::clip_weights> one(5);
  layer<lo::rule::hebb, lo::rule::unguarded> free(5);
  one.layer().local().constraint.limit = 0.1;
  const std::vector<double> start = one.copy();
  free.set(start);
  const std::vector<double> x = normal(5 * 6, 1);
  one.step(x, 0.1);
  free.step(x, 0.1);
  double squares = 0;
  for (const double v : difference(free.copy(), start)) squares += v * v;
  CHECK(one.model.read_update_statistics().change[0] == doctest::Approx(squares).epsilon(1e-12));
  CHECK(free.model.read_update_statistics().change[0] == doctest::Approx(squares).epsilon(1e-12));
}
