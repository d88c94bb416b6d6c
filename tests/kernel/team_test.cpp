#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <type_traits>
#include <vector>

#include "support/alone.hpp"
#include "support/thread_team.hpp"
#include <doctest/doctest.h>

#include <localis/core/shape.hpp>
#include <localis/kernel/gate.hpp>
#include <localis/kernel/launch.hpp>
#include <localis/kernel/loss.hpp>
#include <localis/kernel/patch_norm.hpp>
#include <localis/kernel/rows.hpp>
#include <localis/kernel/sample_norm.hpp>
#include <localis/kernel/softmax.hpp>
#include <localis/kernel/team.hpp>
#include <localis/kernel/triangle.hpp>
#include <localis/kernel/update.hpp>
#include <localis/loss/mean_squared_error.hpp>
#include <localis/loss/softmax_cross_entropy.hpp>
#include <localis/rule/k_winners.hpp>
#include <localis/rule/krotov_hopfield.hpp>
#include <localis/rule/policy.hpp>
#include <localis/rule/soft_hebb.hpp>
#include <localis/rule/soft_winner_take_all.hpp>

namespace lo = localis;
namespace kernel = localis::kernel;
using localis_test::numbers;

namespace {

using sizes = std::initializer_list<std::size_t>;

constexpr std::size_t rows = 4;
constexpr std::size_t arrays = 5;  ///< of rows x columns, which a kernel reads and writes

enum class values { normal, with_equals, with_nan };

std::vector<double> make_memory(values kind, std::size_t columns) {
  std::vector<double> memory = numbers<double>(arrays * rows * columns, 7 + columns);
  for (double& x : memory) x = kind == values::with_equals ? std::round(x) : x;
  if (kind == values::with_equals) std::fill_n(memory.begin(), columns, 0.0);
  if (kind == values::with_nan) {
    memory[0] = std::numeric_limits<double>::quiet_NaN();
    memory[2 * columns - 1] = memory[0];
  }
  return memory;
}

bool same_up_to_rounding(const std::vector<double>& a, const std::vector<double>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    const bool close = std::abs(a[i] - b[i]) <= 1e-14 * (1 + std::abs(a[i]));
    if (!close && !(a[i] != a[i] && b[i] != b[i])) return false;
  }
  return true;
}

/// Runs the kernel make(array, columns), where array(k) is its array k, with teams of several sizes, and compares what
/// it leaves in its arrays with what the team of one leaves.
template <class Make>
void check_teams(const Make& make) {
  for (const values kind : {values::normal, values::with_equals, values::with_nan}) {
    for (const std::size_t columns : sizes{1, 4, 7, 32, 33, 600}) {
      const auto leave = [&](const auto& run) {
        std::vector<double> memory = make_memory(kind, columns);
        run(make([&](std::size_t k) { return memory.data() + k * rows * columns; }, columns));
        return memory;
      };
      const auto expected = leave([](const auto& f) {
        static_assert(kernel::takes_teams<std::remove_cvref_t<decltype(f)>>);
        for (std::size_t row = 0; row < rows; ++row) f(row);
      });
      if (kind == values::normal) CHECK(expected != make_memory(kind, columns));
      for (const std::size_t lanes : sizes{1, 4, 32}) {
        CAPTURE(columns);
        CAPTURE(lanes);
        const auto share = [&] {
          return leave([&](const auto& f) {
            localis_test::run_team(lanes, [&](const localis_test::thread_team& team) {
              for (std::size_t row = 0; row < rows; ++row) f(row, team);
            });
          });
        };
        const auto found = share();
        const auto again = share();
        CHECK(std::memcmp(found.data(), again.data(), found.size() * sizeof(double)) == 0);
        CHECK(same_up_to_rounding(expected, found));
      }
    }
  }
}

template <class Rule>
void check_gate(const Rule& rule) {
  check_teams([&](const auto& array, std::size_t columns) {
    using gate = kernel::gate<double, lo::rule::local<Rule>>;
    return kernel::open_rows<double, gate>{{.rule = rule, .units = columns, .positions = 2, .modulator = array(4)},
                                           0,
                                           1,
                                           array(0),
                                           columns,
                                           array(1),
                                           array(2),
                                           columns};
  });
}

template <class Constraint>
void check_constraint(const Constraint& constraint) {
  check_teams([&](const auto& array, std::size_t columns) {
    return kernel::constrain<double, Constraint>{array(0), columns, constraint};
  });
}

/// Stores the numbers of a reduction.
template <class Kernel>
struct stored {
  Kernel kernel;
  double* numbers;

  template <class Team = lo::math::team_of_one>
  void operator()(std::size_t row, const Team& team = {}) const {
    const auto found = kernel(row, team);
    if (team.lane() == 0) numbers[row] = found[0] + 100 * found[1];
  }
};

template <class Loss>
void check_loss() {
  static const std::vector<std::uint32_t> labels{0, 0, 0, 0};
  for (const bool has_targets : {false, true}) {
    check_teams([&](const auto& array, std::size_t columns) {
      const std::size_t active = has_targets ? columns : (columns + 1) / 2;
      return stored<kernel::sample_losses<double, Loss>>{
          {Loss{}, array(0), columns, active, has_targets ? nullptr : labels.data(), has_targets ? array(1) : nullptr,
           array(2), 0.25, active, nullptr},
          array(3)};
    });
  }
}

/// A constraint that knows no teams.
struct halve {
  template <class T>
  constexpr void apply(T* row, std::size_t size) const {
    for (std::size_t i = 0; i < size; ++i) row[i] /= 2;
  }
};

}  // namespace

TEST_CASE("kernel::team_lanes: powers of two that a row keeps busy, and whole blocks for long rows") {
  for (std::size_t columns = 1; columns < 2 * kernel::block_threads; ++columns) {
    const std::size_t lanes = kernel::team_lanes(columns);
    CHECK(lanes <= columns);
    CHECK((2 * lanes > columns || lanes == kernel::warp_threads));
    CHECK(kernel::block_threads % lanes == 0);
  }
  CHECK(kernel::team_lanes(0) == 1);
  CHECK(kernel::team_lanes(2 * kernel::block_threads) == kernel::block_threads);
  CHECK(kernel::team_lanes(kernel::most_rows) == kernel::block_threads);
  CHECK(kernel::team_blocks(1, kernel::block_threads) == 1);
  CHECK(kernel::team_blocks(9, 32) == 2);
  CHECK(kernel::team_blocks(256, 1) == 1);
  CHECK(kernel::team_blocks(kernel::most_rows, 1) == (kernel::most_rows + 255) / 256);
}

TEST_CASE("team: softmax") {
  check_teams([](const auto& array, std::size_t columns) {
    return kernel::softmax<double>{array(0), array(1), columns, 2};
  });
  check_teams([](const auto& array, std::size_t columns) {
    return kernel::softmax<double>{array(0), array(0), columns, 0.5};
  });
  check_teams([](const auto& array, std::size_t columns) {
    return kernel::softmax_gradient<double>{array(0), array(1), array(1), columns, 2};
  });
  check_teams([](const auto& array, std::size_t columns) {
    static const std::vector<std::uint32_t> first(rows, 0);
    return kernel::softmax_error<double>{array(0), first.data(), columns, 0.25};
  });
}

TEST_CASE("team: the gates of units that compete") {
  check_gate(lo::rule::soft_hebb{.sharpness = 2});
  check_gate(lo::rule::soft_winner_take_all{.temperature = 0.5});
  check_gate(lo::rule::k_winners{});
  check_gate(lo::rule::k_winners{.winners = 3});
  check_gate(lo::rule::krotov_hopfield{});
  check_gate(lo::rule::krotov_hopfield{.rank = 4});
}

TEST_CASE("team: losses") {
  check_loss<lo::loss::softmax_cross_entropy>();
  check_loss<lo::loss::mean_squared_error>();
}

TEST_CASE("team: constraints, and the rates of units") {
  check_constraint(lo::rule::unit_rows{});
  check_constraint(lo::rule::p_norm_rows{.power = 3});
  check_constraint(lo::rule::clip_weights{.limit = 0.5});
  static_assert(!kernel::takes_teams<kernel::constrain<double, halve>>);
  static_assert(lo::takes_whole_rows<kernel::constrain<double, halve>>);
  check_teams([](const auto& array, std::size_t columns) {
    return kernel::unit_rates<double, lo::rule::soft_hebb>{{.rate_power = 0.5}, array(0), columns, array(1)};
  });
}

TEST_CASE("team: the triangle activation") {
  for (const double power : {1.0, 1.5}) {
    check_teams([&](const auto& array, std::size_t columns) {
      return kernel::triangle<double>{array(0), array(0), columns, power};
    });
    check_teams([&](const auto& array, std::size_t columns) {
      return kernel::triangle_gradient<double>{array(0), array(1), array(1), columns, power};
    });
  }
}

TEST_CASE("team: norms of a position, and of a sample") {
  check_teams([](const auto& array, std::size_t columns) {
    return kernel::position_statistics<double>{array(0), array(1), array(2), columns};
  });
  const auto extents = [](std::size_t columns) { return lo::shape{2, 2, columns}; };
  check_teams([&](const auto& array, std::size_t columns) {
    return kernel::patch_norm_coefficients<double>{extents(columns), 3,        array(0), array(1),
                                                   array(2),         array(2), array(3), array(4)};
  });
  check_teams([&](const auto& array, std::size_t columns) {
    return kernel::patch_norm_gradient<double>{extents(columns), 3,        array(0), array(1), array(1),
                                               array(2),         array(2), array(2), array(3), array(4)};
  });
  check_teams([](const auto& array, std::size_t columns) {
    return kernel::group_statistics<double>{{1, 1, columns}, 1, array(0), array(1), array(2), 1e-5};
  });
  // Two samples of two positions, two groups each: the input fills two arrays.
  check_teams([](const auto& array, std::size_t columns) {
    return kernel::group_statistics<double>{{2, 1, 2 * columns}, 2, array(0), array(2), array(3), 1e-5};
  });
  for (const std::size_t groups : sizes{1, 2}) {
    check_teams([&](const auto& array, std::size_t columns) {
      return kernel::weigh_sums<double>{{3, 3, groups * columns}, groups, array(1), array(0)};
    });
  }
  check_teams([&](const auto& array, std::size_t columns) {
    return kernel::weigh_sums<double>{{3, 3, columns}, columns, array(1), array(0)};
  });
}
