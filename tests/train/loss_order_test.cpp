#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <doctest/doctest.h>

#include <localis/core/unlabelled.hpp>
#include <localis/data/batch.hpp>
#include <localis/loss/mean_squared_error.hpp>
#include <localis/loss/softmax_cross_entropy.hpp>
#include <localis/train/loss_order.hpp>

namespace lo = localis;

namespace {

/// Its outputs are the features.
struct identity {
  using scalar = double;
  struct network_type {
    static constexpr lo::shape input{1, 1, 2};
  };
  static constexpr std::size_t outputs = 2;
  [[nodiscard]] static std::vector<double> predict(const lo::data::batch_view<double>& batch) {
    return {batch.features.begin(), batch.features.end()};
  }
};

template <class T>
std::vector<T> all(std::span<const T> values) {
  return {values.begin(), values.end()};
}

}  // namespace

TEST_CASE("loss_order: the largest losses first, of equal ones the first, and the others in their order") {
  const std::vector<double> features{0, 1, 0, 5, 0, 3, 0, 5, 2, 0};
  const std::vector<std::uint32_t> labels{0, 0, 0, 0, 0};
  const std::vector<std::uint32_t> indices{10, 11, 12, 13, 14};
  const lo::data::batch_view<double> batch{
      .size = 5, .features = features, .labels = labels, .targets = {}, .indices = indices};
  lo::detail::loss_order<identity> order;
  identity model;
  const auto two = order(model, lo::loss::softmax_cross_entropy{}, batch, 2, 2);
  CHECK(two.size == 5);
  CHECK(all(two.indices) == std::vector<std::uint32_t>{11, 13, 10, 12, 14});
  CHECK(all(two.features) == std::vector<double>{0, 5, 0, 5, 0, 1, 0, 3, 2, 0});
  CHECK(all(two.labels) == labels);
  CHECK(two.targets.empty());
  const auto five = order(model, lo::loss::softmax_cross_entropy{}, batch, 2, 5);
  CHECK(all(five.indices) == std::vector<std::uint32_t>{11, 13, 12, 10, 14});
}

TEST_CASE("loss_order: samples without a label come last, what is not finite first, and targets go along") {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const std::vector<double> features{0, 9, 0, 1, infinity, 0, 0, 2};
  const std::vector<std::uint32_t> labels{lo::data::unlabelled, 0, 1, 0};
  const std::vector<std::uint32_t> indices{0, 1, 2, 3};
  lo::detail::loss_order<identity> order;
  identity model;
  const auto by_labels =
      order(model, lo::loss::softmax_cross_entropy{},
            {.size = 4, .features = features, .labels = labels, .targets = {}, .indices = indices}, 2, 4);
  CHECK(all(by_labels.indices) == std::vector<std::uint32_t>{2, 3, 1, 0});

  const std::vector<double> finite{0, 1, 0, 2, 0, 3, 0, 4};
  const std::vector<double> targets{0, 0, 0, 2, 0, 0, 0, 4};
  const auto by_targets =
      order(model, lo::loss::mean_squared_error{},
            {.size = 4, .features = finite, .labels = {}, .targets = targets, .indices = indices}, 0, 2);
  CHECK(all(by_targets.indices) == std::vector<std::uint32_t>{2, 0, 1, 3});
  CHECK(all(by_targets.targets) == std::vector<double>{0, 0, 0, 0, 0, 2, 0, 4});
}
