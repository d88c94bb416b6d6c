#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include <localis/core/unlabelled.hpp>
#include <localis/kernel/loss.hpp>
#include <localis/loss/mean_squared_error.hpp>

namespace kernel = localis::kernel;
using localis::loss::mean_squared_error;
using values = std::vector<double>;

TEST_CASE("kernel::sample_losses: of the outputs that take part, and hits among the classes") {
  const values output{1, 0, 5, 0.5, 2, 9};  // two samples, three outputs, of which two take part
  const std::vector<std::uint32_t> labels{0, 0};
  values gradient(6, -1);
  values sums(2);
  const kernel::sample_losses<double, mean_squared_error> f{{},      output.data(),   3,   2, labels.data(),
                                                            nullptr, gradient.data(), 0.5, 2, sums.data()};
  CHECK(f(0) == std::array<double, 2>{0, 1});
  CHECK(f(1) == std::array<double, 2>{(0.25 + 4) / 2, 0});
  CHECK(gradient == values{0, 0, 0, -0.25, 1, 0});
  f.finish({2.125, 1});
  CHECK(sums == values{2.125, 1});
}

TEST_CASE(
    "kernel::sample_losses: a sample without a label has no loss, no hit and a gradient of 0, even with targets") {
  const values output{1, 0, 5, 0.5, 2, 9};
  const std::vector<std::uint32_t> labels{localis::data::unlabelled, 1};
  const values targets{1, 2, 3, 4, 5, 6};
  for (const double* rows : {static_cast<const double*>(nullptr), targets.data()}) {
    values gradient(6, -1);
    const kernel::sample_losses<double, mean_squared_error> f{{},   output.data(),   3,   2, labels.data(),
                                                              rows, gradient.data(), 0.5, 2, nullptr};
    CHECK(f(0) == std::array<double, 2>{0, 0});
    CHECK(gradient == values{0, 0, 0, -1, -1, -1});
    CHECK(f(1)[1] == 1);
    CHECK(gradient[4] != 0);
  }
  CHECK(kernel::mean_loss(6, 4) == 1.5);
  CHECK(std::isnan(kernel::mean_loss(0, 0)));
}

TEST_CASE("kernel::sample_losses: rows of targets have no hits, and an output that is not finite no loss") {
  const values output{1, std::numeric_limits<double>::infinity(), 1, 3};
  const values targets{1, 2, 0, 1};
  values gradient(4);
  values sums(2);
  const kernel::sample_losses<double, mean_squared_error> f{
      {}, output.data(), 2, 2, nullptr, targets.data(), gradient.data(), 1.0, 2, sums.data()};
  CHECK(std::isnan(f(0)[0]));
  CHECK(f(1) == std::array<double, 2>{2.5, 0});
}
