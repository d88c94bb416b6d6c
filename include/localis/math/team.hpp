#pragma once

#include <concepts>
#include <cstddef>

/// Teams: threads that compute one row together, so that on a GPU neighbouring threads load neighbouring values and a
/// long row is not the work of one thread. A function of a row takes the team as its last argument, and is called by
/// all lanes of the team with the same arguments.
///
///   lane(), lanes()                  which of how many lanes this is; lanes() is a power of two. The lane computes and
///                                    stores elements lane(), lane() + lanes(), ... of the row
///   sum(x), largest(x), smallest(x)  of what the lanes give, which all of them get; the order of a sum is always the
///                                    same. Of the values to compare none is NaN, or all are
///   sync()                           waits for all lanes
///
/// All lanes call the last four together. What a lane has stored before such a call, all may read after it.
namespace localis::math {

/// The team of one thread, which is the default everywhere.
struct team_of_one {
  static constexpr std::size_t lane() { return 0; }
  static constexpr std::size_t lanes() { return 1; }
  template <class T>
  static constexpr T sum(T x) {
    return x;
  }
  template <class T>
  static constexpr T largest(T x) {
    return x;
  }
  template <class T>
  static constexpr T smallest(T x) {
    return x;
  }
  static constexpr void sync() {}
};

/// Stands for a team of more lanes where a compiler asks whether a function takes any team; it has no definition.
struct any_team {
  [[nodiscard]] std::size_t lane() const;
  [[nodiscard]] std::size_t lanes() const;
  template <class T>
  T sum(T x) const;
  template <class T>
  T largest(T x) const;
  template <class T>
  T smallest(T x) const;
  void sync() const;
};

/// Whether a function may be called by this team, if it `takes_teams` or not.
template <class Team, bool takes_teams>
concept admitted = takes_teams || std::same_as<Team, team_of_one>;

/// Whether element i of a row is this lane's.
template <class Team>
constexpr bool owns(const Team& team, std::size_t i) {
  return (i & (team.lanes() - 1)) == team.lane();
}

}  // namespace localis::math
