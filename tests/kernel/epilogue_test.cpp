#include <vector>

#include <doctest/doctest.h>

#include <localis/kernel/epilogue.hpp>
#include <localis/math/activation.hpp>

namespace lo = localis;
using values = std::vector<double>;
using relu_epilogue = lo::kernel::epilogue<double, lo::relu_function>;

namespace {

const values scale{2, -1, 0.5};
const values shift{1, 0, -1};

}  // namespace

TEST_CASE("kernel::epilogue: y = f(u scale + shift), in place, on any units") {
  values u{1, 2, 3, -4, -5, -6};
  const lo::kernel::epilogue_rows<double, relu_epilogue> f{
      {scale.data(), shift.data(), nullptr, nullptr, {}}, u.data(), 3};
  f(0, 0, 3);
  CHECK(u == values{3, 0, 0.5, -4, -5, -6});
  f(1, 1, 2);
  CHECK(u == values{3, 0, 0.5, -4, 5, -6});
}

TEST_CASE("kernel::epilogue: the moments are those of u about the centre, before the activation") {
  values u{1, 2, 3, -4, -5, -6};
  const values center{1, 1, 1};
  const lo::kernel::epilogue_rows<double, relu_epilogue> f{
      {scale.data(), shift.data(), center.data(), nullptr, {}}, u.data(), 3};
  values sums(6, 0.0);
  f(0, 0, 3, sums.data());
  f(1, 0, 3, sums.data());
  CHECK(sums == values{0 - 5, 1 - 6, 2 - 7, 0 + 25, 1 + 36, 4 + 49});
  CHECK(u == values{3, 0, 0.5, 0, 5, 0});
}

TEST_CASE("kernel::epilogue: for a backward pass the moments alone, and the response stays") {
  values u{1, 2, 3, -4, -5, -6};
  const values center{1, 1, 1};
  using moments = lo::kernel::epilogue<double, lo::kernel::no_function>;
  static_assert(moments::trains && !relu_epilogue::trains && !lo::kernel::no_epilogue::trains);
  const lo::kernel::epilogue_rows<double, moments> f{{nullptr, nullptr, center.data(), nullptr, {}}, u.data(), 3};
  values sums(6, 0.0);
  f(0, 0, 3, sums.data());
  f(1, 0, 3, sums.data());
  CHECK(sums == values{0 - 5, 1 - 6, 2 - 7, 0 + 25, 1 + 36, 4 + 49});
  CHECK(u == values{1, 2, 3, -4, -5, -6});
}

TEST_CASE("kernel::epilogue: whole squares are pooled, what is beyond the last is dropped") {
  relu_epilogue f{scale.data(), shift.data(), nullptr, nullptr, {}};
  f.pool = 2;
  const lo::linear_map map = f.pooling(6, 5, 3);
  CHECK(map.in == lo::shape{6, 5, 3});
  CHECK(map.out == lo::shape{3, 2, 3});
  CHECK(map.field == lo::window{2, 2, 2, 0});
  static_assert(relu_epilogue::present && !lo::kernel::no_epilogue::present && lo::kernel::no_epilogue::pool == 1);
}
