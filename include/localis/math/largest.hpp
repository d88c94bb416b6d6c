#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

#include <localis/config.hpp>
#include <localis/math/select.hpp>
#include <localis/math/team.hpp>

/// The largest values of a row, among which NaN never is. Loops vectorize at any length of the row.
namespace localis::math {

namespace detail {

/// As wide as T.
template <class T>
using integer = std::conditional_t<std::is_same_v<T, float>, std::int32_t, std::int64_t>;

/// Maps the bits of numbers to integers of the same order, and back.
template <class Integer>
constexpr Integer flip_negative(Integer x) {
  return x ^ ((x >> std::numeric_limits<Integer>::digits) & (std::numeric_limits<Integer>::max)());
}
/// From the order of +infinity to the largest integer.
template <class T>
inline constexpr auto beyond_infinity = static_cast<std::make_unsigned_t<integer<T>>>(
    (std::numeric_limits<integer<T>>::max)() - std::bit_cast<integer<T>>(std::numeric_limits<T>::infinity()));

/// An integer of the order of x. That of NaN, which would be above +infinity, wraps around to below -infinity.
template <class T>
constexpr integer<T> ordered(T x) {
  const auto order = static_cast<std::make_unsigned_t<integer<T>>>(flip_negative(std::bit_cast<integer<T>>(x)));
  return static_cast<integer<T>>(order + beyond_infinity<T>);
}
/// The number of an order.
template <class T>
constexpr T number_of(integer<T> order) {
  const auto bits = static_cast<std::make_unsigned_t<integer<T>>>(order) - beyond_infinity<T>;
  return std::bit_cast<T>(flip_negative(static_cast<integer<T>>(bits)));
}

}  // namespace detail

/// The largest of value(0) ... value(size - 1), or -infinity if there are none. They are compared as integers, because
/// compilers may reorder comparisons of these.
template <class T, class Value, class Team = team_of_one>
constexpr T largest_of(std::size_t size, const Value& value, const Team& team = {}) {
  detail::integer<T> best = detail::ordered(-std::numeric_limits<T>::infinity());
  LOCALIS_VECTORIZE
  for (std::size_t i = team.lane(); i < size; i += team.lanes()) {
    const detail::integer<T> next = detail::ordered<T>(value(i));
    best = next > best ? next : best;
  }
  return team.largest(detail::number_of<T>(best));
}

/// The first of some places, and the number of others.
struct places {
  std::size_t first;
  std::size_t others;
};

/// The places i = begin ... size - 1 for which holds(i) is 1, not 0; the first is `size` if there are none.
///   T   type of the values that holds() reads: loops with indices as wide as these vectorize
template <class T, class Holds, class Team = team_of_one>
constexpr places first_place(std::size_t begin, std::size_t size, const Holds& holds, const Team& team = {}) {
  using index = detail::integer<T>;
  const auto lanes = static_cast<index>(team.lanes());
  const auto first = static_cast<index>(begin);
  const auto end = static_cast<index>(size);
  index distance = 0;  // of the first from the end, by arithmetic without branches
  index count = 0;
  LOCALIS_VECTORIZE
  for (auto i = static_cast<index>(team.lane()); i < end; i += lanes) {
    const index found = holds(i) & (i < first ? 0 : 1);
    const index to_end = (end - i) & -found;
    distance = to_end > distance ? to_end : distance;
    count += found;
  }
  distance = team.largest(distance);
  count = team.sum(count);
  return {static_cast<std::size_t>(end - distance), static_cast<std::size_t>(count > 0 ? count - 1 : 0)};
}

/// A value of a row and its place there. Rows are ranked by value and then, among equals, by place.
template <class T>
struct ranked {
  using index = detail::integer<T>;  ///< as wide as T, for loops that vectorize

  T value;
  std::size_t place;
  std::size_t equals;  ///< number of equal values that follow

  /// Whether value x at place i ranks here or before.
  [[nodiscard]] constexpr bool reached_by(T x, index i) const {
    return (x > value) | ((x == value) & (i <= static_cast<index>(place)));
  }
};

namespace detail {

/// The first of the values from place `begin` on that equal `value`; its place is `size` if there are none.
template <class T, class Team>
constexpr ranked<T> first_equal(const T* x, std::size_t begin, std::size_t size, T value, const Team& team) {
  const places found = first_place<T>(
      begin, size, [=](auto i) { return x[i] == value ? 1 : 0; }, team);
  return {value, found.first, found.others};
}

}  // namespace detail

/// The largest value of a row.
template <class T, class Team = team_of_one>
constexpr ranked<T> largest(const T* x, std::size_t size, const Team& team = {}) {
  const T value = largest_of<T>(
      size, [x](std::size_t i) { return x[i]; }, team);
  return detail::first_equal(x, 0, size, value, team);
}
/// The value that ranks next after `last`; its place is `size` if that was the last number of the row.
template <class T, class Team = team_of_one>
constexpr ranked<T> next_largest(const T* x, std::size_t size, const ranked<T>& last, const Team& team = {}) {
  constexpr T lowest = -std::numeric_limits<T>::infinity();
  if (last.equals > 0) return detail::first_equal(x, last.place + 1, size, last.value, team);
  const auto smaller = [=](std::size_t i) { return select(x[i] < last.value, x[i], lowest); };
  const T value = largest_of<T>(size, smaller, team);
  return detail::first_equal(x, last.value > lowest ? 0 : size, size, value, team);
}

/// Index of the first of the largest values of a row; 0 if every value is NaN.
template <class T, class Team = team_of_one>
constexpr std::size_t place_of_largest(const T* x, std::size_t size, const Team& team = {}) {
  const std::size_t place = largest(x, size, team).place;
  return place < size ? place : 0;
}

}  // namespace localis::math
