#include <algorithm>
#include <cmath>
#include <vector>

#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/core/error.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/linear.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>

namespace lo = localis;
using reference = lo::reference::backend<double>;

TEST_CASE("weights start normal with deviation sqrt(2 / I), biases at 0, and differ by seed and by layer") {
  using net = lo::network<lo::vector_input<50>, lo::dense<50>, lo::dense<50>>;
  const auto weights = [](const auto& layer) {
    const auto p = layer.parameters()[0];
    return std::vector<double>(p.value, p.value + p.size());
  };
  lo::model<net, reference> m{{.seed = 5}};
  const std::vector<double> first = weights(m.layer<0>());
  double sum = 0;
  double squares = 0;
  for (const double w : first) {
    sum += w;
    squares += w * w;
  }
  const double count = static_cast<double>(first.size());
  // Deviations of the estimates: 0.2 / 50 and 0.2 / sqrt(2 count); four of them.
  CHECK(std::abs(sum / count) < 4 * 0.2 / 50);
  CHECK(std::sqrt(squares / count) == doctest::Approx(0.2).epsilon(4 / std::sqrt(2 * count)));
  const auto bias = m.layer<0>().parameters()[1];
  CHECK(std::all_of(bias.value, bias.value + bias.size(), [](double b) { return b == 0; }));
  CHECK(weights(m.layer<1>()) != first);
  lo::model<net, reference> same{{.seed = 5}};
  CHECK(weights(same.layer<0>()) == first);
  lo::model<net, reference> other{{.seed = 6}};
  CHECK(weights(other.layer<0>()) != first);
}

TEST_CASE("linear_layer: refuses a map that is not of its kind") {
  using layer = lo::linear_layer<reference, lo::rule::gradient, lo::map_kind::dense>;
  reference backend;
  const auto make = [&](const lo::operation& op) { layer(backend, op, lo::random_stream(1, 0)); };
  CHECK_NOTHROW(make(lo::dense<3>::describe({4, 4, 2})));
  CHECK_THROWS_WITH_AS(make(lo::conv2d<3, 2>::describe({4, 4, 2})),
                       "localis::linear_layer: the map of conv2d is of another kind", lo::shape_error);
}
