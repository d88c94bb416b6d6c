#include <string>
#include <type_traits>
#include <vector>

#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/check/rule.hpp>
#include <localis/rule/bcm.hpp>
#include <localis/rule/covariance.hpp>
#include <localis/rule/krotov_hopfield.hpp>
#include <localis/rule/sanger.hpp>
#include <localis/rule/subspace.hpp>

namespace lo = localis;
using reference = lo::reference::backend<double>;

namespace {

/// Oja's rule with another forget and a decay: written here, outside the library.
struct cubic {
  double strength = 0.1;
  double decay = 0.05;
  template <class T>
  constexpr T gate(T u) const {
    return static_cast<T>(strength) * u * u * u;
  }
  template <class T>
  constexpr T forget(T u) const {
    return u;
  }
  void validate() const { lo::expect(strength > 0, "cubic: strength", "a number > 0", strength); }
};

/// Not a function of the response alone: each call gives a little more.
int calls = 0;
struct drifting {
  template <class T>
  constexpr T gate(T u) const {
    if (std::is_constant_evaluated()) return u;
    return u * static_cast<T>(1 + 1e-8 * ++calls);
  }
};

/// Says that its gates are the responses, which they are where those are positive.
struct half_right {
  static constexpr bool gate_is_response = true;
  template <class T>
  constexpr T gate(T u) const {
    return u > T(0) ? u : T(0);
  }
};

/// Adds a trifle to the sum of one weight, of unit 1 and input 2, and only where rows are many (`from`).
template <std::size_t From, bool Depthwise = false>
class skewed : public reference {
 public:
  template <class Gate, class Epilogue = lo::kernel::no_epilogue>
  void respond_and_learn(const lo::linear_map& map, const lo::response_arguments<double>& forward,
                         const lo::learning_arguments<double, Gate>& learn, lo::workspace scratch,
                         const Epilogue& epilogue = {}) const {
    reference::respond_and_learn(map, forward, learn, scratch, epilogue);
    if (map.rows(forward.samples) >= From && (!Depthwise || map.depthwise())) learn.sums.sum[map.inputs() + 2] += 1e-8;
  }
};

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("check::textbook_update: by hand") {
  // Two samples of two values, two units, W = ((1, 0), (2, -1)).
  const lo::linear_map map{{1, 1, 2}, {1, 1, 2}, {}};
  const std::vector<double> x{1, 2, 3, -1};
  const std::vector<double> w{1, 0, 2, -1};
  // U = ((1, 0), (3, 7)).  Gate u, forget u: G^T X / P = ((5, -0.5), (10.5, -3.5)),  c = (5, 24.5).
  struct oja {
    double gate(double u) const { return u; }
    float gate(float u) const { return u; }
    double forget(double u) const { return u; }
    float forget(float u) const { return u; }
    double decay = 0;
  };
  const std::vector<double> plain = lo::check::textbook_update(oja{}, map, 2, x, w, 0.5);
  const std::vector<double> expected{1, -0.25, 2 + 0.5 * (10.5 - 49), -1 + 0.5 * (-3.5 + 24.5)};
  for (std::size_t i = 0; i < 4; ++i) CHECK(plain[i] == doctest::Approx(expected[i]).epsilon(1e-14));
  const std::vector<double> decayed = lo::check::textbook_update(oja{.decay = 0.1}, map, 2, x, w, 0.5);
  for (std::size_t i = 0; i < 4; ++i) CHECK(decayed[i] == doctest::Approx(expected[i] - 0.05 * w[i]).epsilon(1e-14));
}

TEST_CASE("check::textbook_update: padding is 0, the stride skips") {
  // One image 1 x 3, one channel, kernel 3, stride 2, padding 1: windows see (0 1 2) and (2 3 0) in their middle rows.
  const lo::window field{3, 3, 2, 1};
  const lo::linear_map map{{1, 3, 1}, field.output({1, 3, 1}, 1), field};
  REQUIRE(map.rows(1) == 2);
  struct one {
    double gate(double) const { return 1; }
  };
  const std::vector<double> w(9, 0.0);
  const std::vector<double> updated = lo::check::textbook_update(one{}, map, 1, std::vector<double>{1, 2, 3}, w, 1);
  const std::vector<double> expected{0, 0, 0, 1, 2, 1, 0, 0, 0};
  for (std::size_t i = 0; i < 9; ++i) CHECK(updated[i] == expected[i]);
}

TEST_CASE("check::rule: a rule written outside the library passes") {
  const lo::check::result found = lo::check::rule<cubic, reference>();
  CHECK_MESSAGE(found, found);
  CHECK(found.message.empty());
  CHECK(found.deviation < 1e-13);
  CHECK(lo::check::rule<cubic, reference>({.strength = 2, .decay = 0}));
  CHECK_THROWS_WITH_AS(static_cast<void>(lo::check::rule<cubic, reference>({.strength = -1})),
                       "cubic: strength: expected a number > 0, found -1", lo::config_error);
}

TEST_CASE("check::rule: a gate that depends on more than the response fails") {
  const lo::check::result found = lo::check::rule<drifting, reference>();
  CHECK_FALSE(found);
  CHECK(contains(found.message, "check::rule: dense"));
}

TEST_CASE("check::rule: names the first weight that deviates") {
  const lo::check::result everywhere = lo::check::rule<cubic, skewed<0>>();
  CHECK_FALSE(everywhere);
  CHECK(everywhere.deviation > 1e-12);
  CHECK(contains(everywhere.message, "dense, the rule's formula: weight of unit 1, input 2: expected "));
  const lo::check::result convolution = lo::check::rule<cubic, skewed<10>>();  // one sample has 9 rows, a batch 45
  CHECK(contains(convolution.message, "conv2d, kernel 3, stride 2, padding 1, the rule's formula: weight of unit 1"));
}

TEST_CASE("check::textbook_update: by hand, of rules whose units forget by each other, and centred ones") {
  const lo::linear_map map{{1, 1, 2}, {1, 1, 2}, {}};
  const std::vector<double> x{1, 2, 3, -1};
  const std::vector<double> w{1, 0, 2, -1};
  // U = ((1, 0), (3, 7)):  U^T X / P = ((5, -0.5), (10.5, -3.5)),  U^T U / P = ((5, 10.5), (10.5, 24.5)).
  const auto check = [&](const auto& rule, const std::vector<double>& expected) {
    const std::vector<double> found = lo::check::textbook_update(rule, map, 2, x, w, 0.5);
    for (std::size_t i = 0; i < 4; ++i) CHECK(found[i] == doctest::Approx(expected[i]).epsilon(1e-14));
  };
  check(lo::rule::subspace{},
        {1 + 0.5 * (5 - 5 - 21), 0.5 * (-0.5 + 10.5), 2 + 0.5 * (10.5 - 10.5 - 49), -1 + 0.5 * (-3.5 + 24.5)});
  check(lo::rule::sanger{}, {1, -0.25, 2 + 0.5 * (10.5 - 10.5 - 49), -1 + 0.5 * (-3.5 + 24.5)});
  // Means: x (2, 0.5), u (2, 3.5).
  check(lo::rule::covariance{}, {1 + 0.5 * (5 - 4), 0.5 * (-0.5 - 1), 2 + 0.5 * (10.5 - 7), -1 + 0.5 * (-3.5 - 1.75)});
}

TEST_CASE("check::textbook_update: by hand, of rules with a state, a rate by unit, and weights that responses see") {
  const lo::linear_map map{{1, 1, 2}, {1, 1, 2}, {}};
  const std::vector<double> x{1, 2};
  const std::vector<double> w{1, 0, 2, -1};  // u = (1, 0), norms 1 and sqrt(5)
  const auto check = [&](const std::vector<double>& found, const std::vector<double>& expected) {
    for (std::size_t i = 0; i < 4; ++i) CHECK(found[i] == doctest::Approx(expected[i]).epsilon(1e-14));
  };
  const std::vector<double> theta{3, 5};
  check(lo::check::textbook_update(lo::rule::bcm{}, map, 1, x, w, 0.5, theta), {1 - 0.5 * 2, -0.5 * 2 * 2, 2, -1});
  check(lo::check::textbook_update(lo::rule::bcm{}, map, 1, x, w, 0.5), w);  // theta 1: u (u - theta) = 0
  struct rated {
    double gate(double) const { return 1; }
    double unit_rate(double norm) const { return norm * norm; }
  };
  check(lo::check::textbook_update(rated{}, map, 1, x, w, 0.5), {1.5, 1, 2 + 0.5 * 5, -1 + 0.5 * 5 * 2});
  // H = ((1, 0), (4, -1)):  v = (1, 2): unit 1 wins.
  check(lo::check::textbook_update(lo::rule::krotov_hopfield{.delta = 0.5, .power = 3}, map, 1, x, w, 0.5),
        {1 - 0.25 * (1 - 1), -0.25 * 2, 2 + 0.5 * (1 - 2 * 2), -1 + 0.5 * (2 + 2)});
}

TEST_CASE("check::textbook_update: each channel of a depthwise layer sees itself") {
  // Two channels of 1 x 3, kernel 1 x ... : a 3 x 3 window, padding 1, whose middle row sees the pixels.
  const lo::window field{3, 3, 1, 1};
  const lo::linear_map map{{1, 3, 2}, field.output({1, 3, 2}, 2), field, 2};
  struct one {
    double gate(double) const { return 1; }
  };
  const std::vector<double> x{1, 10, 2, 20, 3, 30};
  const std::vector<double> found = lo::check::textbook_update(one{}, map, 1, x, std::vector<double>(18, 0.0), 3);
  const std::vector<double> expected{0, 0, 0, 3, 6, 5, 0, 0, 0, 0, 0, 0, 30, 60, 50, 0, 0, 0};
  for (std::size_t i = 0; i < 18; ++i) CHECK(found[i] == doctest::Approx(expected[i]).epsilon(1e-14));
}

TEST_CASE("check::rule: names the layer, the depthwise one too") {
  const lo::check::result found = lo::check::rule<cubic, skewed<0, true>>();
  CHECK(contains(found.message, "depthwise_conv2d, kernel 3, stride 2, padding 1, the rule's formula: weight of unit"));
  // Rules whose units look at each other have no depthwise layer to be checked in.
  CHECK(lo::check::rule<lo::rule::sanger, skewed<0, true>>());
}

TEST_CASE("check::rule finds gates that are not the responses, though the rule says so") {
  const lo::check::result found = lo::check::rule<half_right, reference>();
  CHECK(!found);
  CHECK(contains(found.message, "gate_is_response: expected gate(-"));
}
