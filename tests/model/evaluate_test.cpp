#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "support/message.hpp"
#include "support/ranges.hpp"
#include "support/small_runs.hpp"
#include <doctest/doctest.h>

#include <localis/core/error.hpp>
#include <localis/core/operation.hpp>
#include <localis/data/dataset.hpp>
#include <localis/data/synthetic.hpp>
#include <localis/loss/mean_squared_error.hpp>
#include <localis/loss/softmax_cross_entropy.hpp>
#include <localis/model/evaluate.hpp>
#include <localis/model/metrics.hpp>
#include <localis/scheduler/fixed.hpp>
#include <localis/supervision/none.hpp>
#include <localis/train/trainer.hpp>

namespace lo = localis;
namespace data = localis::data;
using lo::supervision::none;
using localis_test::message;
using localis_test::not_a_number;
using localis_test::small_runs::bare;
using localis_test::small_runs::classes;
using localis_test::small_runs::darkened;
using localis_test::small_runs::features;
using localis_test::small_runs::four;
using localis_test::small_runs::hebbian;
using localis_test::small_runs::model;
using localis_test::small_runs::pictures;
using localis_test::small_runs::single;
using localis_test::small_runs::tiny;

namespace {

using values = std::vector<double>;

/// All parameters, also those that do not learn.
template <class Model>
values all_parameters(const Model& m) {
  values all;
  m.for_each_parameter(
      [&](const lo::operation&, const auto& p) { all.insert(all.end(), p.value, p.value + p.size()); });
  return all;
}

}  // namespace

TEST_CASE("evaluate and predict agree, for more samples than a batch and for fewer") {
  const auto train = pictures(60);
  model m;
  lo::trainer t(m, lo::scheduler::fixed{1}, none{}, {.epochs = 2, .batch = 16});
  (void)t.fit(train);
  const values before = all_parameters(m);
  for (const std::size_t count : {37U, 5U}) {
    const auto asked = pictures(count, 300);
    const auto predicted = lo::predict(m, asked);
    const lo::score score = lo::evaluate(m, asked);
    std::size_t right = 0;
    for (std::size_t i = 0; i < predicted.size(); ++i) right += predicted[i] == asked.labels()[i] ? 1U : 0U;
    values all(count * 64);
    std::vector<float> row(64);
    for (std::size_t i = 0; i < count; ++i) {
      (void)asked.read(i, row);
      std::copy(row.begin(), row.end(), all.begin() + static_cast<std::ptrdiff_t>(64 * i));
    }
    CAPTURE(count);
    CHECK(predicted.size() == count);
    CHECK(score.accuracy == doctest::Approx(static_cast<double>(right) / static_cast<double>(count)));
    CHECK(score.loss == doctest::Approx(m.evaluate(lo::loss::softmax_cross_entropy{}, all, asked.labels()).loss));
  }
  CHECK(all_parameters(m) == before);
}

TEST_CASE("predict_outputs: a row of outputs for each sample, in order, with classes and without") {
  const auto asked = pictures(37, 300);
  model m;
  m.prepare({.batch = 16});
  values all;
  std::vector<float> row(64);
  for (std::size_t i = 0; i < 37; ++i) {
    (void)asked.read(i, row);
    all.insert(all.end(), row.begin(), row.end());
  }
  const values expected = m.predict(all, 37);
  const auto found = lo::predict_outputs(m, asked);
  REQUIRE(found.size() == 37);
  REQUIRE(found[0].size() == model::outputs);
  for (std::size_t n = 0; n < 37; ++n) {
    for (std::size_t k = 0; k < model::outputs; ++k) CHECK(found[n][k] == expected[n * model::outputs + k]);
  }
  single<hebbian> other;
  CHECK(lo::predict_outputs(other, bare{}).size() == 12);
  CHECK(message<lo::shape_error>([&] { (void)lo::predict_outputs(other, asked); }) ==
        "predict_outputs: data: expected samples of 1x1x4, found 8x8x1");
}

TEST_CASE("evaluate: batches are those of the memory, or of up to 256 samples where none is prepared") {
  const auto asked = pictures(300);
  model fresh;
  const lo::score whole = lo::evaluate(fresh, asked);
  CHECK(fresh.memory().batch == 256);
  CHECK_FALSE(fresh.memory().training);
  const auto predicted = lo::predict(fresh, asked);
  model fewer;
  (void)lo::evaluate(fewer, pictures(20));
  CHECK(fewer.memory().batch == 20);

  model prepared;
  prepared.prepare({.batch = 7});
  CHECK(lo::predict(prepared, asked) == predicted);
  const lo::score parts = lo::evaluate(prepared, asked);
  CHECK(prepared.memory().batch == 7);
  CHECK(prepared.memory().training);
  CHECK(parts.accuracy == whole.accuracy);
  CHECK(parts.loss == doctest::Approx(whole.loss));

  // The sum in the order of the batches, to the last bit.
  double sum = 0;
  for (std::size_t first = 0; first < 300; first += 7) {
    const std::size_t count = std::min<std::size_t>(7, 300 - first);
    values all;
    std::vector<std::uint32_t> labels;
    std::vector<float> row(64);
    for (std::size_t i = first; i < first + count; ++i) {
      labels.push_back(asked.read(i, row));
      all.insert(all.end(), row.begin(), row.end());
    }
    sum += prepared.evaluate(lo::loss::softmax_cross_entropy{}, all, labels).loss * static_cast<double>(count);
  }
  CHECK(parts.loss == sum / 300);
}

TEST_CASE("evaluate: metrics are means over all samples, whatever the batches, by name") {
  const auto asked = pictures(37, 300);
  model m;
  m.prepare({.batch = 16});
  const std::vector<lo::named_metric<double>> metrics{
      {"top_1", lo::metric::top_k<1>{}},
      {"top_2", lo::metric::top_k<2>{}},
      {"first", [](std::span<const double> output, const lo::loss::target<double>&) { return output[0]; }}};
  const lo::score found = lo::evaluate(m, asked, lo::loss::softmax_cross_entropy{}, metrics);
  REQUIRE(found.metrics.size() == 3);
  double first = 0;
  for (const auto& row : lo::predict_outputs(m, asked)) first += row[0] / 37;
  CHECK(found.metrics[0].first == "top_1");
  CHECK(found.metrics[0].second == doctest::Approx(found.accuracy).epsilon(1e-12));
  CHECK(found.metrics[1].second > found.metrics[0].second);
  CHECK(found.metrics[1].second < 1);
  CHECK(found.metrics[2].second == doctest::Approx(first).epsilon(1e-12));
  const lo::score without = lo::evaluate(m, asked);
  CHECK(without.loss == found.loss);
  CHECK(without.metrics.empty());
  CHECK(
      message<lo::config_error>([&] {
        (void)lo::evaluate(m, asked, lo::loss::softmax_cross_entropy{}, {{"top_1", lo::metric::top_k<1>{}}, {"x", {}}});
      }) == "evaluate: metric 1: expected a function, and a name of its own, found no function");
}

TEST_CASE("confusion counts what predict says, class by class") {
  model m;
  lo::trainer t(m, lo::scheduler::fixed{0}, none{}, {.epochs = 1, .batch = 16});
  (void)t.fit(pictures(60));
  const auto asked = pictures(37, 300);
  const lo::confusion_matrix seen = lo::confusion(m, asked);
  const auto predicted = lo::predict(m, asked);
  lo::confusion_matrix by_hand(3);
  for (std::size_t i = 0; i < predicted.size(); ++i) by_hand.add(asked.labels()[i], predicted[i]);
  CHECK(seen == by_hand);
  CHECK(seen.accuracy() == lo::evaluate(m, asked).accuracy);
  CHECK(seen.accuracy() < 1);  // else truth and prediction could be the wrong way round
  CHECK(seen.total() == 37);
  for (std::size_t c = 0; c < 3; ++c) CHECK(seen.row(c) == 37 / 3 + (c == 0 ? 1 : 0));
}

TEST_CASE("evaluate and confusion: samples without a label count for nothing") {
  const auto x = features();
  std::vector<std::uint32_t> marked(12, data::unlabelled);  // among them whole batches
  marked[1] = 1;
  marked[2] = 2;
  marked[10] = 1;
  std::vector<float> few;
  for (const std::ptrdiff_t n : {1, 2, 10}) few.insert(few.end(), x.begin() + 4 * n, x.begin() + 4 * n + 4);
  const std::vector<std::uint32_t> known{1, 2, 1};
  single<tiny> m;
  m.prepare({.batch = 4});
  const lo::score seen = lo::evaluate(m, data::arrays(four, x, marked, 3));
  const lo::score expected = lo::evaluate(m, data::arrays(four, few, known, 3));
  CHECK(seen.loss == doctest::Approx(expected.loss));
  CHECK(seen.accuracy == expected.accuracy);
  CHECK(lo::confusion(m, data::arrays(four, x, marked, 3)) == lo::confusion(m, data::arrays(four, few, known, 3)));

  const std::vector<std::uint32_t> none(12, data::unlabelled);
  CHECK(std::isnan(lo::evaluate(m, data::arrays(four, x, none, 3)).loss));
  CHECK(std::isnan(lo::evaluate(m, data::arrays(four, x, none, 3)).accuracy));
}

TEST_CASE("evaluate: outputs that are not finite have no accuracy, no class, and no place in a confusion matrix") {
  const auto x = features();
  const std::vector<std::uint32_t> zeros(12, 0);  // where the largest of NaN was found
  const data::arrays train(four, x, zeros, 3);
  for (const double bad : {not_a_number, std::numeric_limits<double>::infinity()}) {
    CAPTURE(bad);
    single<tiny> m;
    m.for_each_parameter([&](const lo::operation& op, const auto& p) {
      if (op.stage == 1) p.value[0] = static_cast<float>(bad);
    });
    const lo::score seen = lo::evaluate(m, train);
    CHECK(std::isnan(seen.loss));
    CHECK(std::isnan(seen.accuracy));
    const std::string expected =
        "outputs for sample 0 of the data: expected finite numbers, of which one is largest, found NaN or infinity";
    CHECK(message<lo::error>([&] {
            (void)lo::predict(m, train);
          }).find("expected finite numbers, of which one is largest") != std::string::npos);
    CHECK(message<lo::error>([&] { (void)lo::confusion(m, train); }).find("expected finite numbers") !=
          std::string::npos);
    m.for_each_parameter([&](const lo::operation&, const auto& p) { std::fill_n(p.value, p.size(), not_a_number); });
    CHECK(message<lo::error>([&] { (void)lo::predict(m, train); }) == "predict: " + expected);
    CHECK(message<lo::error>([&] { (void)lo::confusion(m, train); }) == "confusion: " + expected);
    CHECK(m.evaluate(lo::loss::softmax_cross_entropy{}, x, zeros).correct == 0);
    m.prepare({.batch = 12});
    (void)m.forward(x, 12, {});
    CHECK(std::isnan(m.loss(lo::loss::softmax_cross_entropy{}, zeros)));
    CHECK(m.correct(zeros) == 0);
  }
}

TEST_CASE("evaluate: rows of targets have a loss and no accuracy") {
  const auto x = features();
  const std::vector<float> targets(36, 0.5F);
  const data::arrays regression(four, std::span<const float>(x), std::span<const float>(targets), 3);
  single<tiny> m;
  const lo::score seen = lo::evaluate(m, regression, lo::loss::mean_squared_error{});
  CHECK(seen.loss ==
        doctest::Approx(m.evaluate(lo::loss::mean_squared_error{}, x, {}, std::span<const float>(targets)).loss));
  CHECK(std::isnan(seen.accuracy));
  CHECK(message<lo::config_error>([&] { (void)lo::confusion(m, regression); }) ==
        "confusion: classes of the data: expected at least 1, found 0");
}

TEST_CASE("predict: the number of classes is the data's, or an argument") {
  const auto x = features();
  const std::vector<float> targets(36, 0.5F);
  const data::arrays regression(four, std::span<const float>(x), std::span<const float>(targets), 3);
  single<tiny> m;
  m.for_each_parameter([](const lo::operation& op, const auto& p) {
    if (op.stage == 1 && p.size() == 3) p.value[2] = 100;  // the bias of an output that would win every time
  });
  const std::string expected =
      "predict: classes of the data, or as an argument: expected at least 1 (predict_outputs gives the outputs), found "
      "0";
  CHECK(message<lo::config_error>([&] { (void)lo::predict(m, regression); }) == expected);
  CHECK(message<lo::config_error>([&] { (void)lo::predict(m, bare{}); }) == expected);
  CHECK(lo::predict(m, bare{}, 3) == std::vector<std::uint32_t>(12, 2));
  const auto two = lo::predict(m, regression, 2);
  CHECK(two.size() == 12);
  CHECK(*std::max_element(two.begin(), two.end()) < 2);
  const std::vector<std::uint32_t> zeros(12, 0);
  CHECK(lo::predict(m, data::arrays(four, x, zeros, 2)) == two);
  CHECK(lo::predict(m, data::arrays(four, x, zeros, 3), 2) == two);
  CHECK(message<lo::config_error>([&] { (void)lo::predict(m, bare{}, 4); }) ==
        "predict: classes: expected at most the network's 3 outputs, found 4");
}

TEST_CASE("evaluate: data that does not fit") {
  model m;
  const auto wide = data::synthetic_images(10, 8, 9, 1, 3, 1);
  CHECK(message<lo::shape_error>([&] { (void)lo::predict(m, wide); }) ==
        "predict: data: expected samples of 8x8x1, found 8x9x1");
  CHECK(message<lo::shape_error>([&] { (void)lo::evaluate(m, wide); }) ==
        "evaluate: data: expected samples of 8x8x1, found 8x9x1");
  CHECK(message<lo::shape_error>([&] { (void)lo::confusion(m, wide); }) ==
        "confusion: data: expected samples of 8x8x1, found 8x9x1");
  CHECK(message<lo::config_error>([&] { (void)lo::evaluate(m, data::synthetic_images(10, 8, 8, 1, 4, 1)); }) ==
        "evaluate: data: classes: expected at most the network's 3 outputs, found 4");
  const data::arrays nothing({8, 8, 1}, {}, std::span<const std::uint32_t>{}, 3);
  CHECK(message<lo::config_error>([&] { (void)lo::evaluate(m, nothing); }) ==
        "evaluate: samples: expected at least 1, found 0");
  single<tiny> small_model;
  CHECK(message<lo::config_error>([&] { (void)lo::evaluate(small_model, bare{}); }) ==
        "evaluate: data: expected classes or targets to learn from, found neither");
  const auto x = features();
  const std::vector<float> targets(24, 0.5F);
  const data::arrays pairs(four, std::span<const float>(x), std::span<const float>(targets), 2);
  CHECK(message<lo::shape_error>([&] { (void)lo::evaluate(small_model, pairs); }) ==
        "evaluate: data: target length: expected the network's 3 outputs, found 2");
}

TEST_CASE("evaluate: augmented data is seen as it is") {
  const auto x = features();
  const data::arrays real(four, x, classes, 3);
  single<hebbian> m;
  lo::trainer t(m, lo::scheduler::fixed{0}, none{}, {.epochs = 1, .batch = 5});
  const darkened augmented{{real}};
  (void)t.fit(real);
  CHECK(lo::evaluate(m, augmented).loss == lo::evaluate(m, real).loss);
  CHECK(lo::predict(m, augmented) == lo::predict(m, real));
}
