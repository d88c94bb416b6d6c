#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <vector>

#include <doctest/doctest.h>
// clang-format off: jpeglib.h wants FILE and size_t to be declared
#include <jpeglib.h>
#include <png.h>
// clang-format on
#include <zlib.h>

/// Small pictures and their files, written by the same libraries that the library reads with.
namespace pictures {

using bytes = std::vector<std::uint8_t>;

/// Of no regularity, and the same everywhere.
inline std::uint8_t noise(std::size_t y, std::size_t x, std::size_t c) {
  return static_cast<std::uint8_t>((y * 37 + x * x * 11 + c * 83 + (y * x) % 7 * 29) % 256);
}

/// So smooth that a JPEG of it is close.
inline std::uint8_t smooth(std::size_t y, std::size_t x, std::size_t c) {
  return static_cast<std::uint8_t>(40 + 3 * x + 2 * y * (c + 1) / 2);
}

template <class Pixel>
bytes raster(std::size_t height, std::size_t width, std::size_t channels, const Pixel& pixel) {
  bytes result;
  for (std::size_t y = 0; y < height; ++y)
    for (std::size_t x = 0; x < width; ++x)
      for (std::size_t c = 0; c < channels; ++c) result.push_back(pixel(y, x, c));
  return result;
}

/// @param space     JCS_GRAYSCALE, JCS_RGB, JCS_CMYK, or JCS_YCCK from four inks
/// @param sampling  of JCS_RGB: samples of brightness for one of colour, across and down
inline bytes jpeg(std::size_t height, std::size_t width, J_COLOR_SPACE space, const bytes& pixels,
                  bool progressive = false, std::array<int, 2> sampling = {2, 2}) {
  const int components = space == JCS_GRAYSCALE ? 1 : space == JCS_RGB ? 3 : 4;
  REQUIRE(pixels.size() == height * width * static_cast<std::size_t>(components));
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* out = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &out, &size);
  info.image_height = static_cast<JDIMENSION>(height);
  info.image_width = static_cast<JDIMENSION>(width);
  info.input_components = components;
  info.in_color_space = space == JCS_YCCK ? JCS_CMYK : space;
  jpeg_set_defaults(&info);
  if (space == JCS_YCCK) jpeg_set_colorspace(&info, JCS_YCCK);
  if (space == JCS_RGB) {
    info.comp_info[0].h_samp_factor = sampling[0];
    info.comp_info[0].v_samp_factor = sampling[1];
  }
  jpeg_set_quality(&info, 98, TRUE);
  if (progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  bytes row(width * static_cast<std::size_t>(components));
  for (std::size_t y = 0; y < height; ++y) {
    row.assign(pixels.begin() + static_cast<std::ptrdiff_t>(y * row.size()),
               pixels.begin() + static_cast<std::ptrdiff_t>((y + 1) * row.size()));
    JSAMPROW rows = row.data();
    jpeg_write_scanlines(&info, &rows, 1);
  }
  jpeg_finish_compress(&info);
  bytes result(out, out + size);
  jpeg_destroy_compress(&info);
  std::free(out);
  return result;
}

inline bytes jpeg(std::size_t height, std::size_t width) {
  return jpeg(height, width, JCS_RGB, raster(height, width, 3, smooth));
}

/// Puts a chunk behind the header of a PNG file, where those stand that say what pixels mean.
inline void insert_chunk(bytes& png, const char (&type)[5], const bytes& content) {
  bytes typed(type, type + 4);
  typed.insert(typed.end(), content.begin(), content.end());
  bytes chunk;
  const auto append = [&](std::size_t word) {
    for (const int shift : {24, 16, 8, 0}) chunk.push_back(static_cast<std::uint8_t>(word >> shift));
  };
  append(content.size());
  chunk.insert(chunk.end(), typed.begin(), typed.end());
  append(crc32_z(0, typed.data(), typed.size()));
  constexpr std::ptrdiff_t header = 33;  // the signature, and IHDR
  png.insert(png.begin() + header, chunk.begin(), chunk.end());
}

/// @param type       PNG_COLOR_TYPE_*
/// @param rows       as the file stores them: big-endian, packed where depth < 8
/// @param palette    of PNG_COLOR_TYPE_PALETTE, all of it with the transparency of `alphas`
inline bytes png(std::size_t height, std::size_t width, int type, int depth, const bytes& rows, bool interlaced = false,
                 const std::vector<png_color>& palette = {}, const bytes& alphas = {}) {
  REQUIRE(rows.size() % height == 0);
  png_structp file = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(file);
  bytes result;
  png_set_write_fn(
      file, &result,
      [](png_structp png, png_bytep data, std::size_t size) {
        auto& target = *static_cast<bytes*>(png_get_io_ptr(png));
        target.insert(target.end(), data, data + size);
      },
      [](png_structp) {});
  png_set_IHDR(file, info, static_cast<png_uint_32>(width), static_cast<png_uint_32>(height), depth, type,
               interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  if (!palette.empty()) png_set_PLTE(file, info, palette.data(), static_cast<int>(palette.size()));
  if (!alphas.empty()) png_set_tRNS(file, info, alphas.data(), static_cast<int>(alphas.size()), nullptr);
  bytes copy = rows;
  std::vector<png_bytep> pointers;
  for (std::size_t y = 0; y < height; ++y) pointers.push_back(copy.data() + y * (copy.size() / height));
  png_set_rows(file, info, pointers.data());
  png_write_png(file, info, PNG_TRANSFORM_IDENTITY, nullptr);
  png_destroy_write_struct(&file, &info);
  return result;
}

inline bytes png(std::size_t height, std::size_t width) {
  return png(height, width, PNG_COLOR_TYPE_RGB, 8, raster(height, width, 3, noise));
}

/// Calls `check(broken)` with every start of a sound file, and with the file with a byte changed.
template <class Check>
void break_in_many_ways(const bytes& good, const Check& check) {
  for (std::size_t keep = 0; keep < good.size(); ++keep)
    check(bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(keep)));
  std::uint32_t state = 1;
  for (std::size_t position = 0; position < good.size(); ++position)
    for (int change = 0; change < 3; ++change) {
      bytes broken = good;
      state = state * 1664525 + 1013904223;
      broken[position] = static_cast<std::uint8_t>(broken[position] ^ (1 + (state >> 24) % 255));
      check(broken);
    }
}

}  // namespace pictures
