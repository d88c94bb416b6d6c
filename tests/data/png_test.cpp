#include <string>
#include <vector>

#include "support/pictures.hpp"
#include <doctest/doctest.h>
#include <zlib.h>

#include <localis/data/png.hpp>

namespace data = localis::data;
using pictures::bytes;

namespace {

constexpr std::size_t plenty = 1 << 20;

data::picture decode(const bytes& file, std::size_t max_pixels = plenty) {
  return data::decode_png(file, "memory", max_pixels);
}

std::string message(const bytes& file, std::size_t max_pixels = plenty) {
  try {
    static_cast<void>(decode(file, max_pixels));
  } catch (const localis::data_error& error) {
    return error.what();
  }
  return "no error";
}

/// `each` for every pixel: three bytes from where it lies in the raster.
bytes lights(std::size_t pixels, const std::vector<bytes>& each) {
  REQUIRE(each.size() == pixels);
  bytes result;
  for (const bytes& three : each) result.insert(result.end(), three.begin(), three.end());
  return result;
}

}  // namespace

TEST_CASE("a colour PNG comes back byte for byte, interlaced or not") {
  const bytes pixels = pictures::raster(11, 13, 3, pictures::noise);
  for (const bool interlaced : {false, true}) {
    const data::picture found = decode(pictures::png(11, 13, PNG_COLOR_TYPE_RGB, 8, pixels, interlaced));
    CHECK(found.height == 11);
    CHECK(found.width == 13);
    CHECK(found.rgb == pixels);
  }
  CHECK(data::is_png(pictures::png(1, 1)));
  CHECK_FALSE(data::is_png(pictures::jpeg(1, 1)));
  CHECK_FALSE(data::is_png(bytes{0x89, 'P', 'N', 'G'}));
}

TEST_CASE("alpha is dropped, whatever lies under it") {
  const data::picture found =
      decode(pictures::png(1, 3, PNG_COLOR_TYPE_RGBA, 8, {1, 2, 3, 0, 4, 5, 6, 128, 7, 8, 9, 255}));
  CHECK(found.rgb == bytes{1, 2, 3, 4, 5, 6, 7, 8, 9});
  CHECK(decode(pictures::png(1, 2, PNG_COLOR_TYPE_GRAY_ALPHA, 8, {10, 0, 20, 255})).rgb ==
        bytes{10, 10, 10, 20, 20, 20});
}

TEST_CASE("of 16 bits the upper 8 are kept, without gamma") {
  CHECK(decode(pictures::png(1, 2, PNG_COLOR_TYPE_RGB, 16, {1, 255, 2, 0, 3, 9, 128, 0, 255, 255, 0, 200})).rgb ==
        bytes{1, 2, 3, 128, 255, 0});
  CHECK(decode(pictures::png(1, 2, PNG_COLOR_TYPE_GRAY, 16, {77, 255, 200, 0})).rgb ==
        bytes{77, 77, 77, 200, 200, 200});
}

TEST_CASE("what a file says of gamma changes no byte") {
  const bytes pixels = pictures::raster(5, 4, 3, pictures::noise);
  for (const std::uint32_t gamma : {100000U, 55556U, 45455U, 0U}) {  // times 100000
    bytes file = pictures::png(5, 4, PNG_COLOR_TYPE_RGB, 8, pixels);
    bytes content;
    for (const int shift : {24, 16, 8, 0}) content.push_back(static_cast<std::uint8_t>(gamma >> shift));
    pictures::insert_chunk(file, "gAMA", content);
    CAPTURE(gamma);
    CHECK(decode(file).rgb == pixels);
  }
}

TEST_CASE("grey of few bits spreads over the whole range") {
  CHECK(decode(pictures::png(1, 4, PNG_COLOR_TYPE_GRAY, 1, {0b1010'0000})).rgb ==
        bytes{255, 255, 255, 0, 0, 0, 255, 255, 255, 0, 0, 0});
  CHECK(decode(pictures::png(1, 4, PNG_COLOR_TYPE_GRAY, 2, {0b0001'1011})).rgb ==
        lights(4, {{0, 0, 0}, {85, 85, 85}, {170, 170, 170}, {255, 255, 255}}));
}

TEST_CASE("a palette is looked up, its transparency dropped") {
  const std::vector<png_color> palette = {{10, 20, 30}, {40, 50, 60}, {70, 80, 90}};
  const bytes expected = {70, 80, 90, 10, 20, 30, 40, 50, 60};
  CHECK(decode(pictures::png(1, 3, PNG_COLOR_TYPE_PALETTE, 8, {2, 0, 1}, false, palette)).rgb == expected);
  CHECK(decode(pictures::png(1, 3, PNG_COLOR_TYPE_PALETTE, 8, {2, 0, 1}, false, palette, {0, 100})).rgb == expected);
  CHECK(decode(pictures::png(1, 3, PNG_COLOR_TYPE_PALETTE, 2, {0b1000'0100}, true, palette)).rgb == expected);
}

TEST_CASE("a damaged PNG is named, with the place") {
  const bytes good = pictures::png(20, 20);
  const std::string sound = ": expected a sound PNG picture, found ";
  CHECK(message(good) == "no error");
  CHECK(message({}) == "memory: at byte 0" + sound + "the end of the file");
  CHECK(message(bytes(20, 'x')).find("memory: at byte 8" + sound + "Not a PNG file") == 0);
  CHECK(message({0xFF, 0xD8, 0xFF, 0xE0}) == "memory: at byte 0: expected a PNG picture, found a JPEG picture");
  for (const std::size_t keep : {std::size_t{20}, good.size() / 2, good.size() - 12, good.size() - 1})
    CHECK(message({good.begin(), good.begin() + static_cast<std::ptrdiff_t>(keep)}) ==
          "memory: at byte " + std::to_string(keep) + sound + "the end of the file");
  bytes garbled = good;
  garbled[good.size() / 2] ^= 1;
  CHECK(message(garbled).find(sound) != std::string::npos);
}

TEST_CASE("a PNG of too many pixels is refused before memory is taken for it") {
  CHECK(message(pictures::png(8, 9), 72) == "no error");
  CHECK(message(pictures::png(8, 9), 71).find("expected at most max_pixels = 71, found 8x9 pixels") !=
        std::string::npos);
}

TEST_CASE("a PNG that claims more than its bytes can unfold to is refused before memory is taken for it") {
  bytes bold = pictures::png(8, 8);
  const bytes extents = {0, 0, 0x10, 0, 0, 0, 0x10, 0};  // 4096 x 4096, from byte 16 on, behind IHDR
  std::copy(extents.begin(), extents.end(), bold.begin() + 16);
  const auto crc = crc32(0, bold.data() + 12, 17);
  for (const int i : {0, 1, 2, 3})
    bold[29 + static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(crc >> (24 - 8 * i));
  CHECK(message(bold, std::size_t{1} << 26)
            .find(": expected a picture that its bytes can hold, found 4096x4096 pixels in ") != std::string::npos);
  // Black is as short as a picture can be.
  CHECK(message(pictures::png(2000, 2000, PNG_COLOR_TYPE_GRAY, 1, bytes(2000 * 250)), 4000000) == "no error");
}

TEST_CASE("no broken PNG is read past its end") {
  const std::vector<png_color> palette = {{10, 20, 30}, {40, 50, 60}};
  int sound = 0;
  const auto decode_or_refuse = [&](const bytes& broken) {
    try {
      const data::picture found = decode(broken);
      CHECK(found.rgb.size() == found.height * found.width * 3);
      ++sound;
    } catch (const localis::data_error&) {
    }
  };
  pictures::break_in_many_ways(pictures::png(6, 7), decode_or_refuse);
  pictures::break_in_many_ways(
      pictures::png(6, 7, PNG_COLOR_TYPE_RGB, 8, pictures::raster(6, 7, 3, pictures::noise), true), decode_or_refuse);
  // Indices beyond the palette's end.
  pictures::break_in_many_ways(
      pictures::png(2, 8, PNG_COLOR_TYPE_PALETTE, 4, {0, 1, 0, 1, 16, 1, 0, 1}, false, palette, {7}), decode_or_refuse);
  CHECK(sound < 100);
  bytes beyond = pictures::png(1, 3, PNG_COLOR_TYPE_PALETTE, 8, {0, 1, 1}, false, palette);
  CHECK(decode(beyond).rgb.size() == 9);
}
