#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include <doctest/doctest.h>

#include <localis/optimizer/adam.hpp>
#include <localis/rule/bcm.hpp>
#include <localis/rule/hebb.hpp>
#include <localis/rule/oja.hpp>
#include <localis/rule/policy.hpp>
#include <localis/train/value_text.hpp>

namespace lo = localis;

namespace {

template <class T>
std::string text_of(const T& value) {
  std::string text;
  lo::detail::append_value(text, value);
  return text;
}

struct nothing {};
struct mixed {
  bool on = true;
  double share = 0.1;
  std::array<double, 2> both{1, 2.5};
  lo::rule::hebb inner{};
  nothing empty{};
  std::uint8_t last = 3;
};
struct wide {
  double a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8;
};
struct too_wide : wide {
  double i = 9;
};
struct of_c {
  double first = 1;
  double taps[3] = {1, 2, 3};
  int last = 4;
};
struct of_c_in_one_piece {
  std::uint32_t taps[2] = {1, 256};
};
class closed {
 public:
  [[nodiscard]] double get() const { return secret_; }

 private:
  double secret_ = 1;
};

}  // namespace

TEST_CASE("value_text: the members of plain values, in order") {
  CHECK(text_of(lo::rule::hebb{.decay = 0.1}) == " 0.1");
  CHECK(text_of(lo::rule::hebb{.decay = 1.0 / 3}) == " 0.3333333333333333");
  CHECK(text_of(lo::rule::oja{}).empty());
  CHECK(text_of(lo::rule::bcm{}) == " 0 0.1 0.001");
  CHECK(text_of(mixed{}) == " 1 0.1 1 2.5 0 3");
  CHECK(text_of(wide{}) == " 1 2 3 4 5 6 7 8");
  using local = lo::rule::local<lo::rule::hebb, lo::rule::relative_step, lo::rule::clip_weights>;
  local values;
  values.constraint.limit = 2;
  CHECK(text_of(values) == " 0 1 2");
}

TEST_CASE("value_text: what cannot be read member by member is its bytes, or nothing") {
  CHECK(text_of(too_wide{}).empty());
  CHECK(text_of(of_c{}).empty());
  CHECK(text_of(closed{}).empty());
  CHECK(text_of(of_c_in_one_piece{}) == " 1 0 0 0 0 1 0 0");
}
