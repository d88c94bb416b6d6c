#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "support/message.hpp"
#include "support/ranges.hpp"
#include "support/small_runs.hpp"
#include <doctest/doctest.h>

#include <localis/core/error.hpp>
#include <localis/core/operation.hpp>
#include <localis/data/dataset.hpp>
#include <localis/data/loader.hpp>
#include <localis/data/synthetic.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/relu.hpp>
#include <localis/learning_rate/constant.hpp>
#include <localis/loss/mean_squared_error.hpp>
#include <localis/model/evaluate.hpp>
#include <localis/network/program.hpp>
#include <localis/rule/local_error.hpp>
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
using localis_test::small_runs::features;
using localis_test::small_runs::four;
using localis_test::small_runs::hebbian;
using localis_test::small_runs::model;
using localis_test::small_runs::pictures;
using localis_test::small_runs::single;
using localis_test::small_runs::tiny;

namespace {

/// A user's own data set, with a label that is no class.
struct wrong_label {
  [[nodiscard]] std::size_t size() const { return 8; }
  [[nodiscard]] std::size_t height() const { return 8; }
  [[nodiscard]] std::size_t width() const { return 8; }
  [[nodiscard]] std::size_t channels() const { return 1; }
  [[nodiscard]] std::size_t classes() const { return 3; }
  std::uint32_t read(std::size_t index, std::span<float> to) const {
    for (float& x : to) x = 0;
    return index == 5 ? 3 : 0;
  }
};

/// Two stages; the first learns by labels.
using by_labels = lo::network<lo::vector_input<4>, lo::dense<4, lo::rule::local_error>, lo::relu, lo::dense<3>>;

}  // namespace

TEST_CASE("trainer: a rule that learns from labels is told where the data has no classes") {
  const auto x = features();
  const std::vector<float> targets(36, 0.5F);
  const data::arrays train(four, x, targets, 3);
  single<by_labels> m;
  const auto fit = [&](double local_rate) {
    lo::trainer t(m, lo::scheduler::fixed{0}, none{}, {.epochs = 1, .batch = 4, .local_rate = local_rate}, {}, {},
                  lo::loss::mean_squared_error{});
    return message<lo::config_error>([&] { (void)t.fit(train); });
  };
  CHECK(fit(0.1) == "trainer: training data: rule local_error of stage 0: expected classes to learn from, found none");
  CHECK(fit(0) == "nothing");
}

TEST_CASE("trainer: NaN in the input is told as that, however the run met it") {
  auto x = features();
  x[21] = std::numeric_limits<float>::quiet_NaN();
  const data::arrays train(four, x, classes, 3);
  std::size_t bad_step = 0;  // the one of 6 that meets sample 5
  data::loader<float, data::arrays> batches(train, 2, 1);
  for (std::size_t step = 0; step < 6; ++step) {
    for (const std::uint32_t index : batches.get(0, step).indices) bad_step = index == 5 ? step : bad_step;
  }
  single<hebbian> by_gradient;
  lo::trainer first(by_gradient, lo::scheduler::fixed{0}, none{}, {.epochs = 1, .batch = 2});
  const std::string expected = lo::text(
      "trainer: features of sample 5 of the training data: expected finite numbers, found NaN or infinity (epoch 0, "
      "step ",
      bad_step, ')');
  CHECK(message<lo::data_error>([&] { (void)first.fit(train); }) == expected);
  CHECK(first.report().end == lo::ending::diverged);
  CHECK(first.report().message == expected);
  single<hebbian> locally;
  lo::trainer second(locally, lo::scheduler::fixed{1}, none{}, {.epochs = 1, .batch = 2});
  CHECK(message<lo::data_error>([&] { (void)second.fit(train); }) == expected);

  auto targets = features();
  targets[13] = std::numeric_limits<float>::infinity();
  const data::arrays regression(four, std::span<const float>(targets).first(48), std::span<const float>(targets), 4);
  single<lo::network<lo::vector_input<4>, lo::dense<4>>> line;
  lo::trainer third(line, lo::scheduler::fixed{0}, none{}, {.epochs = 1, .batch = 12}, {},
                    lo::learning_rate::constant{}, lo::loss::mean_squared_error{});
  CHECK(message<lo::data_error>([&] { (void)third.fit(regression); }) ==
        "trainer: features of sample 3 of the training data: expected finite numbers, found NaN or infinity (epoch 0, "
        "step 0)");
  const auto x_good = features();
  const data::arrays bad_targets(four, std::span<const float>(x_good), std::span<const float>(targets), 4);
  single<lo::network<lo::vector_input<4>, lo::dense<4>>> fresh_line;
  lo::trainer fourth(fresh_line, lo::scheduler::fixed{0}, none{}, {.epochs = 1, .batch = 12}, {},
                     lo::learning_rate::constant{}, lo::loss::mean_squared_error{});
  CHECK(message<lo::data_error>([&] { (void)fourth.fit(bad_targets); }) ==
        "trainer: targets of sample 3 of the training data: expected finite numbers, found NaN or infinity (epoch 0, "
        "step 0)");
}

TEST_CASE("trainer: what was not finite before a run is told before it") {
  const auto x = features();
  const data::arrays train(four, x, classes, 3);
  single<tiny> m;
  lo::trainer t(m, lo::scheduler::fixed{0}, none{}, {.epochs = 1, .batch = 12}, {},
                [](double, double) { return 3e38; });
  auto large = features();
  for (float& value : large) value *= 1000;
  const data::arrays scaled(four, large, classes, 3);
  CHECK(message<lo::divergence_error>([&] { (void)t.fit(scaled); }) ==
        "training diverged: a weight is not finite at stage 0, epoch 0, step 0");
  const std::string expected =
      "training diverged: weight of operation 0 (dense) was not finite before this run at stage 0, epoch 0, step 0";
  CHECK(message<lo::divergence_error>([&] { (void)t.fit(train); }) == expected);
  CHECK(t.report().end == lo::ending::diverged);
  CHECK(t.report().message == expected);
  CHECK(t.report().epochs.empty());
  // The step that failed is still no place to store.
  CHECK(message<lo::config_error>([&] { (void)t.state(); }) ==
        "trainer::state: steps under way: expected none, as in on_pause() and after fit(), found 1");
  // With new weights it may be the optimizer that remembers.
  m.for_each_parameter([](const lo::operation&, const auto& p) { std::fill_n(p.value, p.size(), 0.1F); });
  std::vector<std::vector<float>> slots(4);
  slots[0].assign(16, static_cast<float>(not_a_number));
  t.descent().restore({1, 0, 0, 0}, slots);
  CHECK(message<lo::divergence_error>([&] { (void)t.fit(train); }) ==
        "training diverged: the optimizer's state for weight of operation 0 (dense) was not finite before this run at "
        "stage 0, epoch 0, step 0");
}

TEST_CASE("trainer: data without classes and targets has nothing to learn from, but can be predicted") {
  const auto x = features();
  const data::arrays train(four, x, classes, 3);
  single<tiny> m;
  lo::trainer t(m, lo::scheduler::fixed{0}, none{}, {.epochs = 1, .batch = 4});
  CHECK(message<lo::config_error>([&] { (void)t.fit(bare{}); }) ==
        "trainer: training data: expected classes or targets to learn from, found neither");
  CHECK(message<lo::config_error>([&] { (void)t.fit(train, bare{}); }) ==
        "trainer: validation data: expected classes or targets to learn from, found neither");
  (void)t.fit(train);
  CHECK(lo::predict(m, bare{}, train.classes()).size() == 12);
}

TEST_CASE("trainer: bad data") {
  const auto train = pictures(10);
  model m;
  lo::trainer t(m, lo::scheduler::fixed{0}, none{}, {.epochs = 1, .batch = 8});
  const auto fit = [&](const auto& set) { return [&t, &set] { (void)t.fit(set); }; };
  const auto wide = data::synthetic_images(10, 8, 9, 1, 3, 1);
  CHECK(message<lo::shape_error>(fit(wide)) == "trainer: training data: expected samples of 8x8x1, found 8x9x1");
  CHECK(message<lo::shape_error>([&] { (void)t.fit(train, wide); }) ==
        "trainer: validation data: expected samples of 8x8x1, found 8x9x1");
  CHECK(message<lo::config_error>(fit(data::synthetic_images(10, 8, 8, 1, 4, 1))) ==
        "trainer: training data: classes: expected at most the network's 3 outputs, found 4");
  CHECK(message<lo::data_error>(fit(wrong_label{})) == "loader: label of sample 5: expected less than 3, found 3");
  const data::arrays nothing({8, 8, 1}, {}, std::span<const std::uint32_t>{}, 3);
  CHECK(message<lo::config_error>(fit(nothing)) == "trainer: samples: expected at least 1, found 0");
  CHECK(message<lo::data_error>([] {
          const std::vector<float> x(4);
          const std::vector<std::uint32_t> label{7};
          (void)data::arrays(four, x, label, 3);
        }) == "arrays: label of sample 0: expected less than 3, found 7");

  lo::trainer eager(m, lo::scheduler::fixed{0}, none{}, {.epochs = 1, .batch = 11});
  CHECK(message<lo::config_error>([&] { (void)eager.fit(train); }) ==
        "loader: batch: expected at most the 10 samples of the data, found 11");
  lo::trainer beyond(m, lo::scheduler::fixed{3}, none{}, {.epochs = 1, .batch = 8});
  CHECK(message<lo::config_error>([&] { (void)beyond.fit(train); }) ==
        "scheduler::fixed.stage: expected at most 2, the highest boundary of this network (3 stages), found 3");
  CHECK(t.fit(train).end == lo::ending::finished);
}
