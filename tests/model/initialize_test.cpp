#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/layer/batch_norm.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/depthwise_conv2d.hpp>
#include <localis/layer/junction.hpp>
#include <localis/layer/pool.hpp>
#include <localis/layer/relu.hpp>
#include <localis/layer/residual.hpp>
#include <localis/model/initialize.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>

namespace lo = localis;

namespace {

using net =
    lo::network<lo::image<8, 8, 16>, lo::conv2d<64, 3>, lo::batch_norm, lo::relu,
                lo::residual<lo::shortcut<lo::conv2d<32, 1>, lo::batch_norm>, lo::conv2d<32, 1>, lo::batch_norm,
                             lo::relu, lo::conv2d<32, 1, lo::no_bias>, lo::batch_norm>,
                lo::depthwise_conv2d<3>,
                lo::multiplied<lo::branch<>, lo::branch<lo::global_average_pool, lo::conv2d<32, 1>>>, lo::dense<100>>;
using model = lo::model<net, lo::reference::backend<double>>;

/// Root mean square of each trainable array, by "operation index name".
struct array {
  const lo::operation* op;
  std::string name;
  std::vector<double> values;
  [[nodiscard]] double size() const {
    double sum = 0;
    for (const double v : values) sum += v * v;
    return std::sqrt(sum / static_cast<double>(values.size()));
  }
};
std::vector<array> arrays(const lo::initialization& how) {
  model m;
  lo::initialize(m, how);
  std::vector<array> all;
  m.for_each_parameter([&](const lo::operation& op, const auto& p) {
    if (p.trainable()) all.push_back({&op, p.name, {p.value, p.value + p.size()}});
  });
  return all;
}

}  // namespace

TEST_CASE("initialize: deviations by fan in and fan out") {
  for (const bool out : {false, true}) {
    for (const array& a : arrays({.fan_mode = out ? lo::fan::out : lo::fan::in})) {
      if (a.name != "weight") continue;
      const lo::linear_map map = a.op->map();
      const auto fan = static_cast<double>(out ? map.outputs() * map.field.positions() : map.inputs());
      // Of n draws the root mean square is off by about 1 / sqrt(2 n); the smallest array has 288.
      CHECK(a.size() == doctest::Approx(std::sqrt(2 / fan)).epsilon(0.12));
    }
  }
  for (const array& a : arrays({.dense_deviation = 0.01})) {
    if (a.name == "weight" && std::string(a.op->name) == "dense")
      CHECK(a.size() == doctest::Approx(0.01).epsilon(0.02));
    if (a.name == "weight" && std::string(a.op->name) == "conv2d") CHECK(a.size() > 0.05);
  }
}

TEST_CASE("initialize: biases and beta 0, gamma 1, or 0 where a residual branch ends") {
  for (const bool zero : {false, true}) {
    std::size_t zeros = 0;
    for (const array& a : arrays({.zero_gamma = zero})) {
      if (a.name == "bias" || a.name == "beta") CHECK(a.size() == 0);
      if (a.name != "gamma") continue;
      zeros += a.size() == 0 ? 1U : 0U;
      CHECK((a.size() == 1 || a.size() == 0));
      // Of the four normalizations the one in front of the sum, not the shortcut's.
      if (a.size() == 0) CHECK(a.op == &net::program.operations[8]);
    }
    CHECK(zeros == (zero ? 1 : 0));
  }
}

TEST_CASE("initialize: by seed") {
  CHECK(arrays({.seed = 3})[0].values == arrays({.seed = 3})[0].values);
  CHECK(arrays({.seed = 3})[0].values != arrays({.seed = 4})[0].values);
  CHECK(arrays({})[0].values != arrays({})[4].values);
}

TEST_CASE("initialize: a deviation out of range") {
  model m;
  CHECK_THROWS_WITH_AS(lo::initialize(m, {.dense_deviation = -1}),
                       "initialization: dense_deviation: expected a finite number >= 0, found -1", lo::config_error);
}
