#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include <localis/data/resize.hpp>

namespace data = localis::data;

namespace {

data::picture noise() {
  data::picture result{13, 17, {}};
  for (std::size_t y = 0; y < 13; ++y)
    for (std::size_t x = 0; x < 17; ++x)
      for (std::size_t c = 0; c < 3; ++c)
        result.rgb.push_back(static_cast<std::uint8_t>((y * 37 + x * x * 11 + c * 83 + (y * x) % 7 * 29) % 256));
  return result;
}

std::vector<int> resized(const data::picture& from, const data::region& source, std::size_t height, std::size_t width,
                         const data::region& kept) {
  std::vector<std::uint8_t> pixels(kept.height * kept.width * 3);
  data::resize(from, source, height, width, kept, pixels);
  return {pixels.begin(), pixels.end()};
}

}  // namespace

// The expected bytes are those of Pillow 13, Image.resize(..., Image.BILINEAR).

TEST_CASE("shrinking averages over all that a new pixel covers") {
  CHECK(resized(noise(), {0, 0, 13, 17}, 3, 4, {0, 0, 3, 4}) ==
        std::vector<int>{110, 129, 139, 113, 135, 104, 119, 122, 143, 117, 110, 129, 116, 129, 140, 121, 132, 121,
                         116, 138, 139, 102, 119, 147, 116, 132, 144, 119, 145, 106, 118, 133, 136, 115, 101, 137});
}

TEST_CASE("one axis shrinks, the other grows, and only a part is kept") {
  CHECK(resized(noise(), {0, 0, 13, 17}, 20, 9, {5, 2, 3, 3}) ==
        std::vector<int>{136, 108, 97, 129, 206, 43,  140, 209, 55,  121, 171, 103, 128, 158,
                         78,  151, 94, 106, 89,  172, 142, 131, 142, 97,  131, 70,  130});
}

TEST_CASE("what lies beside the source is not looked at") {
  CHECK(resized(noise(), {2, 3, 3, 5}, 4, 4, {0, 0, 4, 4}) ==
        std::vector<int>{74, 157, 48,  88,  65,  148, 135, 111, 45,  102, 185, 12,  61,  104, 115, 139,
                         89, 105, 133, 175, 43,  120, 203, 30,  83,  126, 113, 147, 136, 97,  121, 204,
                         71, 142, 153, 52,  134, 217, 44,  109, 192, 126, 105, 188, 122, 161, 52,  71});
}

TEST_CASE("a size that stays leaves the bytes alone") {
  const data::picture from = noise();
  const std::vector<int> same = resized(from, {0, 0, 13, 17}, 13, 17, {0, 0, 13, 17});
  CHECK(same == std::vector<int>(from.rgb.begin(), from.rgb.end()));
  const data::picture one{1, 1, {10, 20, 255}};
  CHECK(resized(one, {0, 0, 1, 1}, 50, 3, {49, 2, 1, 1}) == std::vector<int>{10, 20, 255});
}

TEST_CASE("regions that do not fit are refused") {
  const data::picture from = noise();
  std::vector<std::uint8_t> pixels(12);
  const auto into = [&](const data::region& source, const data::region& kept) {
    data::resize(from, source, 4, 4, kept, pixels);
  };
  CHECK_NOTHROW(into({12, 16, 1, 1}, {2, 2, 2, 2}));
  CHECK_THROWS_WITH_AS(into({12, 0, 2, 1}, {0, 0, 2, 2}),
                       "resize: source: expected a part of the 13x17 pixels, found 2x1 from row 12, column 0",
                       localis::shape_error);
  CHECK_THROWS_AS(into({0, 0, 13, 18}, {0, 0, 2, 2}), localis::shape_error);
  CHECK_THROWS_AS(into({0, 0, 0, 1}, {0, 0, 2, 2}), localis::shape_error);
  CHECK_THROWS_AS(into({~std::size_t{0}, 0, 2, 1}, {0, 0, 2, 2}), localis::shape_error);
  CHECK_THROWS_WITH_AS(into({0, 0, 13, 17}, {3, 0, 2, 2}),
                       "resize: kept: expected a part of the 4x4 pixels, found 2x2 from row 3, column 0",
                       localis::shape_error);
  CHECK_THROWS_WITH_AS(into({0, 0, 13, 17}, {0, 0, 2, 3}), "resize: values: expected 18, found 12",
                       localis::shape_error);
  data::picture liar = noise();
  liar.height = 14;
  CHECK_THROWS_AS(data::resize(liar, {0, 0, 1, 1}, 2, 2, {0, 0, 2, 2}, pixels), localis::shape_error);
}
