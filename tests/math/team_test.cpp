#include <cstddef>
#include <initializer_list>
#include <limits>
#include <vector>

#include "support/thread_team.hpp"
#include <doctest/doctest.h>

#include <localis/loss/loss.hpp>
#include <localis/math/largest.hpp>
#include <localis/math/mean.hpp>
#include <localis/math/team.hpp>

namespace lm = localis::math;
using localis_test::run_team;
using localis_test::thread_team;

static_assert(lm::admitted<lm::team_of_one, false> && !lm::admitted<lm::any_team, false>);
static_assert(lm::admitted<lm::team_of_one, true> && lm::admitted<lm::any_team, true>);
static_assert(lm::owns(lm::team_of_one{}, 0) && lm::owns(lm::team_of_one{}, 7));

TEST_CASE("team: each element is one lane's, and all lanes get what they add up and compare") {
  for (const std::size_t lanes : std::initializer_list<std::size_t>{1, 2, 16}) {
    std::vector<std::vector<std::size_t>> owned(lanes);
    std::vector<std::vector<std::size_t>> found(lanes);
    run_team(lanes, [&](const thread_team& team) {
      for (std::size_t i = 0; i < 40; ++i) {
        if (lm::owns(team, i)) owned[team.lane()].push_back(i);
      }
      const std::size_t given = (5 * team.lane() + 3) % 16;
      found[team.lane()] = {team.sum(given), team.largest(given), team.smallest(given)};
    });
    std::size_t sum = 0;
    std::size_t largest = 0;
    std::size_t smallest = 16;
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      const std::size_t given = (5 * lane + 3) % 16;
      sum += given;
      largest = given > largest ? given : largest;
      smallest = given < smallest ? given : smallest;
    }
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      std::vector<std::size_t> expected;
      for (std::size_t i = lane; i < 40; i += lanes) expected.push_back(i);
      CHECK(owned[lane] == expected);
      CHECK(found[lane] == std::vector<std::size_t>{sum, largest, smallest});
    }
  }
}

TEST_CASE("team: sums, places and finite rows of every length, below and above the lanes") {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  for (const std::size_t lanes : std::initializer_list<std::size_t>{1, 4, 32}) {
    std::vector<std::size_t> wrong(lanes);
    run_team(lanes, [&](const thread_team& team) {
      for (const std::size_t size : std::initializer_list<std::size_t>{1, 3, 4, 5, 31, 32, 33, 64, 67, 511, 512, 600}) {
        std::vector<double> row(size);
        for (std::size_t i = 0; i < size; ++i) row[i] = static_cast<double>(i % 7);
        double sum = 0;
        for (const double x : row) sum += x;
        const auto value = [&](std::size_t i) { return row[i]; };
        const auto expect = [&](bool holds) { wrong[team.lane()] += holds ? 0 : 1; };
        expect(lm::sum_of<double>(size, value, team) == sum);
        expect(lm::mean_of(row.data(), size, team) == doctest::Approx(sum / static_cast<double>(size)).epsilon(1e-15));
        expect(lm::place_of_largest(row.data(), size, team) == (size < 7 ? size - 1 : 6));  // the first of many
        expect(localis::loss::all_finite(row.data(), size, team));
        for (const std::size_t place : {std::size_t{0}, size / 2, size - 1}) {
          auto other = row;
          other[place] = 9;
          expect(lm::place_of_largest(other.data(), size, team) == place);
          expect(lm::largest_of<double>(
                     size, [&](std::size_t i) { return other[i]; }, team) == 9);
          lm::ranked<double> next = lm::largest(other.data(), size, team);
          lm::ranked<double> alone = lm::largest(other.data(), size);
          for (int rank = 0; rank < 4; ++rank) {
            next = lm::next_largest(other.data(), size, next, team);
            alone = lm::next_largest(other.data(), size, alone);
            expect(next.value == alone.value && next.place == alone.place && next.equals == alone.equals);
          }
          other[place] = nan;
          expect(!localis::loss::all_finite(other.data(), size, team));
          expect(lm::place_of_largest(other.data(), size, team) == lm::place_of_largest(other.data(), size));
        }
      }
    });
    for (const std::size_t count : wrong) CHECK(count == 0);
  }
}
