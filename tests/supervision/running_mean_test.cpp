#include <doctest/doctest.h>

#include <localis/supervision/running_mean.hpp>

using localis::supervision::loss_and_mean;
using localis::supervision::running_mean;

TEST_CASE("running_mean: weights that fall by the smoothing into the past") {
  running_mean m;
  CHECK(m.empty());
  m.add(4, 0.5);
  CHECK(!m.empty());
  CHECK(m.value() == 4);
  m.add(2, 0.5);
  CHECK(m.value() == doctest::Approx((4 * 0.5 + 2) / 1.5).epsilon(1e-15));
  m.add(5, 0.5);
  CHECK(m.value() == doctest::Approx((4 * 0.25 + 2 * 0.5 + 5) / 1.75).epsilon(1e-15));
}

TEST_CASE("running_mean: without smoothing the last value, and of equal values that value") {
  running_mean last;
  last.add(100, 0);
  last.add(3, 0);
  CHECK(last.value() == 3);
  running_mean steady;
  for (int i = 0; i < 20; ++i) {
    steady.add(2.3, 0.9);
    CHECK(steady.value() == doctest::Approx(2.3).epsilon(1e-14));
  }
}

TEST_CASE("loss_and_mean: the mean is of the losses before the last one") {
  loss_and_mean seen;
  seen.add(4, 0.5);
  CHECK(seen.earlier.empty());
  seen.add(2, 0.5);
  CHECK(seen.loss == 2);
  CHECK(seen.earlier.value() == 4);
  CHECK(seen.losses == 2);
  loss_and_mean same = seen;
  CHECK(same == seen);
  same.add(1, 0.5);
  CHECK(same != seen);
}
