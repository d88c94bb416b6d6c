#include <doctest/doctest.h>

#include <localis/core/named.hpp>

namespace {

struct names {
  int gain;
};
template <class T>
constexpr bool has_gain = !requires {
  &localis::detail::named_twice<T, names>::gain;
};

struct none {
  int other;
};
struct data {
  int gain;
};
struct function {
  double gain(double) const;
};
struct function_template {
  template <class T>
  T gain(T) const;
};
struct overloaded {
  double gain(double) const;
  double gain(int, int) const;
};
struct inherited : data {};
struct closed final {
  int gain;
};

}  // namespace

TEST_CASE("named_twice: a member of a name is seen, whatever its kind and signature") {
  static_assert(has_gain<data> && has_gain<function> && has_gain<function_template> && has_gain<overloaded>);
  static_assert(has_gain<inherited>);
  static_assert(!has_gain<none>);
}

TEST_CASE("named_twice: of what one cannot derive from no member is seen, and it compiles") {
  static_assert(!has_gain<double> && !has_gain<int*> && !has_gain<closed>);
}
