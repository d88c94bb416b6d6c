// A modulator multiplies the gates of a sample.

#include <cstddef>
#include <type_traits>
#include <vector>

#include "support/rule_cases.hpp"
#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>

namespace lo = localis;
using localis_test::bench;
using localis_test::deviation;
using localis_test::normal;
using reference = lo::reference::backend<double>;

namespace {

constexpr std::size_t samples = 6;
constexpr std::size_t image_size = 5 * 6 * 2;

template <class Rule>
using conv =
    bench<lo::image<5, 6, 2>, lo::conv2d<4, 3, lo::padding<1>, lo::rule::local<Rule, lo::rule::unguarded>>, reference>;

template <class Bench>
std::vector<double> stepped(Bench& one, const std::vector<double>& start, const std::vector<double>& x,
                            const std::vector<double>& modulator) {
  one.set(start);
  one.step(x, {.boundary = 1, .local_rate = 0.05, .modulator = modulator});
  return one.copy();
}

std::vector<double> difference(std::vector<double> a, const std::vector<double>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] -= b[i];
  return a;
}

}  // namespace

TEST_CASE("modulator: ones are as good as none, for every rule") {
  localis_test::for_each_rule([]<class Rule>(const Rule& rule) {
    conv<Rule> one(samples);
    conv<Rule> plain(samples);
    one.layer().rule() = rule;
    plain.layer().rule() = rule;
    const std::vector<double> x = normal(samples * image_size, 1);
    const std::vector<double> start = one.copy();
    plain.set(start);
    plain.step(x, 0.05);
    CAPTURE(lo::rule::name<Rule>());
    CHECK(stepped(one, start, x, std::vector<double>(samples, 1.0)) == plain.copy());
    CHECK(deviation(plain.copy(), start) > 1e-4);
  });
}

TEST_CASE("modulator: zeros change nothing but by decay, for every rule") {
  localis_test::for_each_rule([]<class Rule>(const Rule& rule) {
    conv<Rule> one(samples);
    one.layer().rule() = rule;
    const std::vector<double> x = normal(samples * image_size, 1);
    std::vector<double> expected = one.copy();
    const std::vector<double> found = stepped(one, expected, x, std::vector<double>(samples, 0.0));
    for (double& w : expected) w *= 1 - 0.05 * lo::rule::decay(rule);
    CAPTURE(lo::rule::name<Rule>());
    CHECK(deviation(found, expected) < 1e-15);
  });
}

TEST_CASE("modulator: a sample's gates are multiplied, in the product and in what forgets") {
  // One unit's gates enter once: a batch is the mean of its samples' own updates, each with its factor.
  const std::vector<double> modulator{1, -0.5, 0, 2, 0.25, -3};
  localis_test::for_each_rule([&]<class Rule>(const Rule& rule) {
    // Of units that forget by each other, too: the others' gates on the right stay as they are.
    if (lo::rule::centred<Rule>() || lo::rule::decay(rule) > 0) return;
    conv<Rule> one(samples);
    one.layer().rule() = rule;
    const std::vector<double> x = normal(samples * image_size, 1);
    const std::vector<double> start = one.copy();
    std::vector<double> mean(start.size(), 0.0);
    for (std::size_t n = 0; n < samples; ++n) {
      const auto first = x.begin() + static_cast<std::ptrdiff_t>(n * image_size);
      const std::vector<double> alone(first, first + image_size);
      conv<Rule> own(samples);  // states as they start
      own.layer().rule() = rule;
      own.set(start);
      own.step(alone, 0.05);
      const std::vector<double> change = difference(own.copy(), start);
      for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += modulator[n] * change[i] / samples;
    }
    CAPTURE(lo::rule::name<Rule>());
    CHECK(deviation(difference(stepped(one, start, x, modulator), start), mean) < 1e-12);
  });
}

TEST_CASE("modulator: 0 and 1 choose samples") {
  // For rules whose units look at each other, too: with 0 and 1 the batch is the chosen samples', times their share.
  localis_test::for_each_rule([]<class Rule>(const Rule& rule) {
    if (lo::rule::centred<Rule>() || lo::rule::decay(rule) > 0) return;
    conv<Rule> one(samples);
    conv<Rule> chosen(samples);
    one.layer().rule() = rule;
    chosen.layer().rule() = rule;
    const std::vector<double> x = normal(samples * image_size, 1);
    const std::vector<double> start = one.copy();
    chosen.set(start);
    std::vector<double> part(x.begin(), x.begin() + 2 * image_size);
    part.insert(part.end(), x.begin() + 4 * image_size, x.begin() + 5 * image_size);
    chosen.step(part, 0.05 * 3 / samples);
    CAPTURE(lo::rule::name<Rule>());
    CHECK(deviation(difference(stepped(one, start, x, {1, 1, 0, 0, 1, 0}), start), difference(chosen.copy(), start)) <
          1e-12);
  });
}
