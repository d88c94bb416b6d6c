#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

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

TEST_CASE("metrics: an output that is not finite leaves no loss") {
  const values output{1, 0, infinity, 1};
  const auto found = evaluate_outputs<double>(lo::loss::mean_squared_error{}, output, 2, labels{0, 0}, {}, 0);
  CHECK(std::isnan(found.loss));
  CHECK(found.correct == 1);
}
