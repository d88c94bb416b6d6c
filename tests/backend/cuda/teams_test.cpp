#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <type_traits>
#include <vector>

#include "backend.hpp"
#include "support/alone.hpp"
#include <doctest/doctest.h>

#include <localis/core/memory.hpp>
#include <localis/kernel/gate.hpp>
#include <localis/kernel/launch.hpp>
#include <localis/kernel/loss.hpp>
#include <localis/kernel/softmax.hpp>
#include <localis/kernel/triangle.hpp>
#include <localis/kernel/update.hpp>
#include <localis/loss/binary_cross_entropy.hpp>
#include <localis/loss/huber.hpp>
#include <localis/loss/loss.hpp>
#include <localis/loss/softmax_cross_entropy.hpp>
#include <localis/rule/k_winners.hpp>
#include <localis/rule/krotov_hopfield.hpp>
#include <localis/rule/policy.hpp>
#include <localis/rule/soft_hebb.hpp>

namespace lo = localis;
namespace kernel = localis::kernel;
using localis_test::gpu;

namespace {

/// What users write who know no teams.
struct halve {
  template <class T>
  constexpr void apply(T* row, std::size_t size) const {
    for (std::size_t i = 0; i < size; ++i) row[i] /= 2;
  }
};

/// Runs the kernel make(memory, rows, columns) over rows of many lengths on the device, and row by row on the host.
template <class Make>
void check_rows(const Make& make) {
  localis_test::on_device([&] {
    const gpu<double> backend(localis_test::small);
    for (const std::size_t columns : std::initializer_list<std::size_t>{1, 2, 7, 31, 32, 33, 100, 511, 512, 700}) {
      constexpr std::size_t rows = 9;
      std::vector<double> expected = localis_test::numbers<double>(2 * rows * columns, columns);
      const auto memory = backend.allocate<double>(lo::memory_kind::arena, expected.size());
      backend.upload(std::span<const double>(expected), memory.data());
      backend.for_rows(rows, columns, make(memory.data(), rows, columns));
      std::vector<double> found(expected.size());
      backend.download(memory.data(), std::span<double>(found));
      const auto f = make(expected.data(), rows, columns);
      for (std::size_t row = 0; row < rows; ++row) f(row);
      double error = 0;
      for (std::size_t i = 0; i < found.size(); ++i) error = (std::max)(error, (std::abs)(found[i] - expected[i]));
      CAPTURE(columns);
      CHECK(error <= 1e-14);
    }
  });
}
template <class Rule>
void check_gates(const Rule& rule) {
  check_rows([&](double* memory, std::size_t rows, std::size_t units) {
    using gate = kernel::gate<double, lo::rule::local<Rule>>;
    gate values{};
    values.rule = rule;
    values.units = units;
    values.positions = 1;
    return kernel::open_rows<double, gate>{values, 0, 1, memory, units, memory + rows * units, nullptr, units};
  });
}

}  // namespace

TEST_CASE("cuda: rows of every length come out as those of one thread") {
  check_rows([](double* memory, std::size_t rows, std::size_t columns) {
    return kernel::softmax<double>{memory, memory + rows * columns, columns, 2};
  });
  check_rows([](double* memory, std::size_t, std::size_t columns) {
    return kernel::triangle<double>{memory, memory, columns, 1};
  });
  check_rows([](double* memory, std::size_t, std::size_t columns) {
    return kernel::constrain<double, lo::rule::unit_rows>{memory, columns, {}};
  });
  check_rows([](double* memory, std::size_t, std::size_t columns) {
    return kernel::constrain<double, halve>{memory, columns, {}};
  });
  check_gates(lo::rule::soft_hebb{});
  check_gates(lo::rule::k_winners{.winners = 3});
  check_gates(lo::rule::krotov_hopfield{.rank = 3});
}

#if !defined(__CUDACC__)
namespace {

/// What users write who know no teams.
struct first_output {
  template <class T>
  constexpr T sample(const T* output, std::size_t size, const lo::loss::target<T>&, T* gradient, T scale) const {
    for (std::size_t k = 0; k < size; ++k) gradient[k] = k == 0 ? scale : T(0);
    return output[0];
  }
};
static_assert(lo::loss::loss<first_output> && !lo::loss::has_team_sample<first_output>);

}  // namespace

TEST_CASE("cuda: what takes teams has as many blocks as its teams fill, all else one thread for each row") {
  if (!standin::page_trace::available) {
    MESSAGE("left out: on this processor a fault does not tell whether it was a write");
    return;
  }
  standin::reset(standin::mode::traced, std::size_t{64} << 20);
  {
    const gpu<float> backend;
    const auto x = backend.allocate<float>(lo::memory_kind::arena, 600 * 600);
    const auto y = backend.allocate<float>(lo::memory_kind::arena, 600 * 600);
    const auto labels = backend.allocate<std::uint32_t>(lo::memory_kind::arena, 600);
    const auto sums = backend.allocate<double>(lo::memory_kind::arena, 2 * 600);
    const auto softmax = [&](std::size_t rows, std::size_t columns) {
      backend.for_rows(rows, columns, kernel::softmax<float>{x.data(), y.data(), columns, 1});
    };
    const auto sample_losses = [&](std::size_t samples, std::size_t outputs, const auto& function) {
      backend.reduce(
          samples, outputs,
          kernel::sample_losses<float, std::remove_cvref_t<decltype(function)>>{
              function, x.data(), outputs, outputs, labels.data(), nullptr, y.data(), 1, outputs, sums.data()},
          sums.data());
    };
    const std::vector<standin::work> found = standin::trace([&] {
      backend.upload(std::span<const std::uint32_t>(std::vector<std::uint32_t>(600)), labels.data());
      softmax(257, 1);
      softmax(65, 7);
      softmax(9, 40);
      softmax(9, 600);
      backend.for_rows(9, 600, kernel::constrain<float, halve>{x.data(), 600, {}});
      sample_losses(65, 7, lo::loss::softmax_cross_entropy{});
      sample_losses(9, 600, lo::loss::softmax_cross_entropy{});
      sample_losses(9, 600, lo::loss::huber{});
      sample_losses(9, 600, lo::loss::binary_cross_entropy{});
      sample_losses(257, 600, first_output{});
    });
    std::vector<std::size_t> blocks;
    for (const standin::work& each : found) {
      if (each.is == standin::work::kind::launch) blocks.push_back(each.blocks);
    }
    CHECK(blocks == std::vector<std::size_t>{2, 2, 2, 9, 1, 2, 9, 9, 9, 2});
  }
  CHECK(standin::alive() == 0);
}
#endif
