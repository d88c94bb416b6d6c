#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "support/message.hpp"
#include <doctest/doctest.h>

#include <localis/core/error.hpp>
#include <localis/core/unlabelled.hpp>
#include <localis/loss/mean_squared_error.hpp>
#include <localis/model/metrics.hpp>

namespace lo = localis;
using lo::detail::count_correct;
using lo::detail::evaluate_outputs;
using values = std::vector<double>;
using labels = std::vector<std::uint32_t>;

constexpr double infinity = std::numeric_limits<double>::infinity();

TEST_CASE("metrics: the largest output among the classes is the label, the first of equals, and all are finite") {
  const values output{1, 0, 9, 2, 2, 9, 0, infinity, 9};
  CHECK(count_correct<double>(output, 3, 3, labels{2, 2, 2}) == 2);
  CHECK(count_correct<double>(output, 3, 2, labels{0, 0, 1}) == 2);
  CHECK(count_correct<double>(output, 3, 2, labels{1, 1, 0}) == 0);
  CHECK(count_correct<double>(output, 3, 3, labels{}) == 0);
}

TEST_CASE("metrics: the loss is the mean over samples, of the outputs that take part") {
  const lo::loss::mean_squared_error function;
  const values output{1, 0, 9, 0.5, 2, 9};
  const auto found = evaluate_outputs<double>(function, output, 3, labels{0, 0}, {}, 2);
  CHECK(found.loss == (0 + (0.25 + 4) / 2) / 2);
  CHECK(found.correct == 1);
  // With rows of targets all outputs take part, whatever the number of classes.
  const values targets{1, 0, 8, 0.5, 2, 9};
  CHECK(evaluate_outputs<double>(function, output, 3, {}, targets, 2).loss == 1.0 / 3 / 2);
  CHECK(evaluate_outputs<double>(function, output, 3, {}, targets, 2).correct == 0);
}

TEST_CASE("metrics: a sample without a label has no loss and is neither right nor wrong") {
  const lo::loss::mean_squared_error function;
  const values output{1, 0, infinity, 0, 0.5, 2};
  const auto found = evaluate_outputs<double>(function, output, 2, labels{0, lo::data::unlabelled, 0}, {}, 2);
  CHECK(found.loss == (0 + (0.25 + 4) / 2) / 2);
  CHECK(found.correct == 1);
  CHECK(found.labelled == 2);
  const auto none = evaluate_outputs<double>(function, values{1, 0}, 2, labels{lo::data::unlabelled}, {}, 2);
  CHECK(std::isnan(none.loss));
  CHECK(none.labelled == 0);
}

TEST_CASE("metrics: top_k counts the outputs in front of the label, of equals the first") {
  const auto hits = []<std::size_t K>(lo::metric::top_k<K> metric, const values& output, std::uint32_t label) {
    return metric(std::span<const double>(output), lo::loss::target<double>{label, nullptr});
  };
  const values output{3, 5, 3, 1};
  const std::vector<std::size_t> larger{1, 0, 2, 3};  // how many come in front of each
  for (std::uint32_t label = 0; label < 4; ++label) {
    CHECK(hits(lo::metric::top_k<1>{}, output, label) == (larger[label] < 1 ? 1 : 0));
    CHECK(hits(lo::metric::top_k<2>{}, output, label) == (larger[label] < 2 ? 1 : 0));
    CHECK(hits(lo::metric::top_k<3>{}, output, label) == (larger[label] < 3 ? 1 : 0));
    CHECK(hits(lo::metric::top_k<4>{}, output, label) == 1);
    CHECK(hits(lo::metric::top_k<5>{}, output, label) == 1);
  }
  CHECK(hits(lo::metric::top_k<4>{}, {1, 2, infinity, 3}, 0) == 0);
  // The largest of a row of targets is the label.
  const values wanted{0.1, 0.1, 0.5, 0.3};
  const lo::loss::target<double> row{0, wanted.data()};
  CHECK(lo::metric::top_k<2>{}(std::span<const double>(output), row) == 0);
  CHECK(lo::metric::top_k<3>{}(std::span<const double>(output), row) == 1);
}

TEST_CASE("metrics: means over the samples, of the outputs that take part") {
  std::vector<values> seen;
  const std::vector<lo::named_metric<double>> metrics{
      {"first", [](std::span<const double> output, const auto&) { return output[0]; }},
      {"label", [&](std::span<const double> output, const lo::loss::target<double>& wanted) {
         seen.emplace_back(output.begin(), output.end());
         return wanted.values != nullptr ? wanted.values[2] : wanted.label;
       }}};
  const values output{1, 0, 9, 0.5, 2, 9};
  const lo::loss::mean_squared_error function;
  CHECK(evaluate_outputs<double>(function, output, 3, labels{0, 1}, {}, 2, metrics).metrics == values{0.75, 0.5});
  CHECK(seen == std::vector<values>{{1, 0}, {0.5, 2}});
  const values targets{1, 0, 8, 0.5, 2, 9};
  CHECK(evaluate_outputs<double>(function, output, 3, {}, targets, 2, metrics).metrics == values{0.75, 8.5});
  CHECK(seen.back() == values{0.5, 2, 9});
  CHECK(evaluate_outputs<double>(function, output, 3, labels{0, 1}, {}, 2).metrics.empty());
}

TEST_CASE("metrics: each has a function, and a name of its own") {
  const auto fault = [](const std::vector<lo::named_metric<float>>& metrics) {
    return localis_test::message<lo::config_error>([&] { lo::detail::check_metrics<float>("f", metrics); });
  };
  const lo::metric::top_k<2> good;
  CHECK(fault({{"a", good}, {"b", good}}) == "nothing");
  CHECK(fault({{"a", good}, {"b", good}, {"a", good}}) ==
        "f: metric 2: expected a function, and a name of its own, found \"a\" twice");
  CHECK(fault({{"", good}}) == "f: metric 0: expected a function, and a name of its own, found \"\"");
  CHECK(fault({{"a", {}}}) == "f: metric 0: expected a function, and a name of its own, found no function");
}

TEST_CASE("metrics: an output that is not finite leaves no loss") {
  const values output{1, 0, infinity, 1};
  const auto found = evaluate_outputs<double>(lo::loss::mean_squared_error{}, output, 2, labels{0, 0}, {}, 0);
  CHECK(std::isnan(found.loss));
  CHECK(found.correct == 1);
}
