#include <cstddef>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/core/unlabelled.hpp>
#include <localis/core/workspace.hpp>
#include <localis/loss/mean_squared_error.hpp>
#include <localis/model/batch_loss.hpp>

namespace lo = localis;
using values = std::vector<double>;

namespace {

struct found {
  values gradient;
  values sums;
};

found losses(const values& output, std::size_t outputs, std::size_t classes, const std::vector<std::uint32_t>& labels,
             const values& targets) {
  const std::size_t samples = output.size() / outputs;
  found result{values(output.size(), -1), values(2, -1)};
  values scratch(lo::detail::loss_parts(samples));
  lo::reference::backend<double> backend;
  lo::detail::compute_losses(
      backend, lo::loss::mean_squared_error{},
      lo::detail::batch_loss<double>{samples, lo::data::labelled_samples(labels, samples), outputs, classes,
                                     output.data(), labels.empty() ? nullptr : labels.data(),
                                     targets.empty() ? nullptr : targets.data(), result.gradient.data(),
                                     reinterpret_cast<std::byte*>(scratch.data()), result.sums.data()});
  return result;
}

}  // namespace

TEST_CASE("batch_loss: sums of losses and hits, and the gradient of the mean") {
  const found all = losses({1, 0, 0.5, 2}, 2, 0, {0, 0}, {});
  CHECK(all.sums == values{(0.25 + 4) / 2, 1});
  CHECK(all.gradient == values{0, 0, -0.25, 1});
}

TEST_CASE("batch_loss: the gradient is that of the mean over the labelled samples") {
  constexpr std::uint32_t none = lo::data::unlabelled;
  const found some = losses({1, 0, 7, 7, 0.5, 2}, 2, 0, {0, none, 0}, {});
  CHECK(some.sums == values{(0.25 + 4) / 2, 1});
  CHECK(some.gradient == values{0, 0, 0, 0, -0.25, 1});
  const found nothing = losses({1, 0, 0.5, 2}, 2, 0, {none, none}, {});
  CHECK(nothing.sums == values{0, 0});
  CHECK(nothing.gradient == values{0, 0, 0, 0});
}

TEST_CASE("batch_loss: outputs that are no class take part with targets alone") {
  const found classes = losses({1, 0, 9, 0.5, 2, 9}, 3, 2, {0, 0}, {});
  CHECK(classes.sums == values{(0.25 + 4) / 2, 1});
  CHECK(classes.gradient == values{0, 0, 0, -0.25, 1, 0});
  const found targets = losses({1, 0, 9, 0.5, 2, 9}, 3, 2, {}, {1, 0, 6, 0.5, 2, 9});
  CHECK(targets.sums == values{3, 0});
  CHECK(targets.gradient == values{0, 0, 1, 0, 0, 0});
}
