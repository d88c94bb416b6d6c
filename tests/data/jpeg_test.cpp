#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>

#include "support/pictures.hpp"
#include <doctest/doctest.h>

#include <localis/data/jpeg.hpp>

namespace data = localis::data;
using pictures::bytes;

namespace {

constexpr std::size_t plenty = 1 << 20;

data::picture decode(const bytes& file, std::size_t max_pixels = plenty) {
  return data::decode_jpeg(file, "memory", max_pixels);
}

int largest_difference(const bytes& a, const bytes& b) {
  REQUIRE(a.size() == b.size());
  int largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(int{a[i]} - int{b[i]}));
  return largest;
}

std::string message(const bytes& file, std::size_t max_pixels = plenty) {
  try {
    static_cast<void>(decode(file, max_pixels));
  } catch (const localis::data_error& error) {
    return error.what();
  }
  return "no error";
}

bytes start_of(const bytes& file, std::size_t keep) {
  return {file.begin(), file.begin() + static_cast<std::ptrdiff_t>(keep)};
}

}  // namespace

TEST_CASE("a colour JPEG is close to what was compressed, progressive or not") {
  const bytes pixels = pictures::raster(19, 35, 3, pictures::smooth);
  for (const bool progressive : {false, true}) {
    const data::picture found = decode(pictures::jpeg(19, 35, JCS_RGB, pixels, progressive));
    CHECK(found.height == 19);
    CHECK(found.width == 35);
    CHECK(largest_difference(found.rgb, pixels) < 6);
  }
  CHECK(data::is_jpeg(pictures::jpeg(1, 1)));
  CHECK_FALSE(data::is_jpeg(pictures::png(1, 1)));
  CHECK_FALSE(data::is_jpeg(bytes{0xFF, 0xD8}));
}

TEST_CASE("a JPEG is read whatever the sampling of its colours") {
  const bytes pixels = pictures::raster(19, 35, 3, pictures::smooth);
  for (const std::array sampling : {std::array{1, 1}, std::array{1, 4}, std::array{4, 1}, std::array{2, 4}}) {
    CAPTURE(sampling[0]);
    CAPTURE(sampling[1]);
    CHECK(largest_difference(decode(pictures::jpeg(19, 35, JCS_RGB, pixels, false, sampling)).rgb, pixels) < 8);
  }
}

TEST_CASE("a grey JPEG has three equal channels") {
  const bytes pixels = pictures::raster(9, 8, 1, pictures::smooth);
  const data::picture found = decode(pictures::jpeg(9, 8, JCS_GRAYSCALE, pixels));
  REQUIRE(found.rgb.size() == 9 * 8 * 3);
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    CHECK(std::abs(int{found.rgb[3 * i]} - int{pixels[i]}) < 4);
    CHECK(found.rgb[3 * i + 1] == found.rgb[3 * i]);
    CHECK(found.rgb[3 * i + 2] == found.rgb[3 * i]);
  }
}

TEST_CASE("four inks become three lights") {
  // As they stand in the file, and what Pillow 13 makes of them.
  const bytes inks = {10,  200, 30, 220, 0, 0,   0,   0,   255, 255, 255, 255,
                      128, 64,  32, 250, 0, 255, 128, 255, 77,  88,  99,  111};
  bytes rgb(18);
  data::detail::lights_from_inks(inks.data(), 6, rgb.data());
  CHECK(rgb == bytes{9, 173, 26, 0, 0, 0, 255, 255, 255, 125, 63, 31, 0, 255, 128, 34, 38, 43});

  const bytes pixels = pictures::raster(16, 24, 4, pictures::smooth);
  for (const J_COLOR_SPACE space : {JCS_CMYK, JCS_YCCK}) {
    const data::picture found = decode(pictures::jpeg(16, 24, space, pixels));
    bytes expected(16 * 24 * 3);
    data::detail::lights_from_inks(pixels.data(), 16 * 24, expected.data());
    CHECK(largest_difference(found.rgb, expected) < 6);
  }
}

TEST_CASE("a damaged JPEG is named, with what is wrong") {
  const bytes good = pictures::jpeg(40, 40);
  const std::string sound = "memory: expected a sound JPEG picture, found: ";
  CHECK(message(good) == "no error");
  CHECK(message({}) == sound + "Empty input file");
  CHECK(message({'n', 'o'}).find(sound + "Not a JPEG file") == 0);
  CHECK(message(pictures::png(4, 4)) == "memory: at byte 0: expected a JPEG picture, found a PNG picture");
  for (const std::size_t keep : {std::size_t{2}, good.size() / 2, good.size() - 20, good.size() - 2})
    CHECK(message(start_of(good, keep)) == sound + "Premature end of JPEG file");
  bytes garbled = good;
  garbled[good.size() - 40] = 0xFF;  // a marker where there should be pixels
  garbled[good.size() - 39] = 0xD9;
  CHECK(message(garbled).find(sound + "Corrupt JPEG data") == 0);
  bytes longer = good;
  longer.insert(longer.end(), 100, 0);  // cameras do that
  CHECK(message(longer) == "no error");
}

TEST_CASE("what libjpeg warns of though every pixel is there is no error, but hides none") {
  const bytes good = pictures::jpeg(40, 40);
  const data::picture expected = decode(good);
  const bytes tables = {0xFF, 0xDB};
  const auto at = std::search(good.begin(), good.end(), tables.begin(), tables.end());
  bytes odd(good.begin(), at);
  odd[11] = 2;                       // of JFIF 1 there is a version 2
  odd.insert(odd.end(), {1, 2, 3});  // between two markers
  odd.insert(odd.end(), at, good.end());
  CHECK(decode(odd).rgb == expected.rgb);
  CHECK(message(start_of(odd, odd.size() - 20)) ==
        "memory: expected a sound JPEG picture, found: Premature end of JPEG file");
}

TEST_CASE("a JPEG of too many pixels is refused before memory is taken for it") {
  bytes huge = pictures::jpeg(8, 8);
  const bytes frame = {0xFF, 0xC0};
  const auto at = std::search(huge.begin(), huge.end(), frame.begin(), frame.end());
  REQUIRE(at != huge.end());
  std::fill(at + 5, at + 9, std::uint8_t{0xF0});
  CHECK(message(huge, std::size_t{1} << 26).find("expected at most max_pixels = 67108864, found 61680x61680 pixels") !=
        std::string::npos);
  CHECK(message(pictures::jpeg(8, 9), 72) == "no error");
  CHECK(message(pictures::jpeg(8, 9), 71).find("expected at most max_pixels = 71, found 8x9 pixels") !=
        std::string::npos);
}

TEST_CASE("a JPEG that claims more blocks than its bytes have bits is refused before memory is taken for it") {
  const bytes flat = pictures::jpeg(1000, 1000, JCS_GRAYSCALE, bytes(1000000, 90), true);
  CHECK(message(flat) == "no error");  // one bit a block, and little else
  CHECK(flat.size() < 8 * 125 * 125);
  bytes bold = flat;
  const bytes frame = {0xFF, 0xC2};
  const auto at = std::search(bold.begin(), bold.end(), frame.begin(), frame.end());
  REQUIRE(at != bold.end());
  std::fill(at + 5, at + 9, std::uint8_t{0x10});  // 4112 x 4112
  CHECK(message(bold, std::size_t{1} << 26) ==
        "memory: expected at least 33024 bytes for 4112x4112 pixels, found " + std::to_string(bold.size()));
}

TEST_CASE("a JPEG of too many scans is refused") {
  // The first scan, then a second one again and again, of all coefficients but the first.
  const bytes file = pictures::jpeg(16, 16, JCS_GRAYSCALE, bytes(256, 90), true);
  const bytes marker = {0xFF, 0xDA};
  const auto scan = [&](auto from) { return std::search(from, file.end(), marker.begin(), marker.end()); };
  const auto second = scan(scan(file.begin()) + 2);
  const auto third = scan(second + 2);
  REQUIRE(third != file.end());
  const bytes table = {0xFF, 0xC4};
  bytes again(second, std::search(second, third, table.begin(), table.end()));
  again[9] = 0;  // as fine as it gets
  const auto of_scans = [&](int scans) {
    bytes result(file.begin(), second);
    for (int i = 1; i < scans; ++i) result.insert(result.end(), again.begin(), again.end());
    result.insert(result.end(), {0xFF, 0xD9});
    return result;
  };
  CHECK(message(of_scans(100)) == "no error");
  CHECK(message(of_scans(101)) == "memory: expected a sound JPEG picture, found: too many scans");
}

TEST_CASE("no broken JPEG is read past its end") {
  const bytes pixels = pictures::raster(9, 10, 3, pictures::noise);
  const bytes inks = pictures::raster(9, 10, 4, pictures::noise);
  int sound = 0;
  const auto decode_or_refuse = [&](const bytes& broken) {
    try {
      const data::picture found = decode(broken);
      CHECK(found.rgb.size() == found.height * found.width * 3);
      ++sound;
    } catch (const localis::data_error&) {
    }
  };
  pictures::break_in_many_ways(pictures::jpeg(9, 10, JCS_RGB, pixels), decode_or_refuse);
  pictures::break_in_many_ways(pictures::jpeg(9, 10, JCS_RGB, pixels, true), decode_or_refuse);
  pictures::break_in_many_ways(pictures::jpeg(9, 10, JCS_YCCK, inks), decode_or_refuse);
  CHECK(sound > 0);  // a pixel's bit may change without harm
}
