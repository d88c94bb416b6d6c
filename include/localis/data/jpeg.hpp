#pragma once

#include <array>
#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>
#include <vector>

// clang-format off: jpeglib.h wants FILE and size_t to be declared, and jerror.h what jpeglib.h defines
#include <jerror.h>
#include <jpeglib.h>
// clang-format on

#include <localis/core/error.hpp>
#include <localis/core/file.hpp>
#include <localis/data/resize.hpp>

/// JPEG pictures. Part of the component folder, which needs libjpeg-turbo (any libjpeg of ABI 6.2 with jpeg_mem_src).
namespace localis::data {

namespace detail {

/// Wraps libjpeg. The library reports a fault by calling error_exit, which must not return: it jumps with longjmp to
/// the setjmp of the member function that called the library. No object with a destructor is alive between the two,
/// because those functions have none and the library is written in C.
class jpeg_decoder {
 public:
  jpeg_decoder() {
    info_.err = jpeg_std_error(&errors_);
    info_.client_data = this;
    errors_.error_exit = [](j_common_ptr info) { self(info).leave(); };
    errors_.emit_message = [](j_common_ptr info, int level) {
      if (level < 0 && !harmless(info->err->msg_code)) self(info).leave();
    };
    errors_.output_message = [](j_common_ptr) {};  // the library never prints
  }
  ~jpeg_decoder() { jpeg_destroy_decompress(&info_); }
  jpeg_decoder(const jpeg_decoder&) = delete;
  jpeg_decoder& operator=(const jpeg_decoder&) = delete;

  /// Reads up to the first scan. Returns false after an error: see message().
  [[nodiscard]] bool open(const std::uint8_t* bytes, std::size_t size) {
    if (setjmp(jump_) != 0) return false;
    jpeg_create_decompress(&info_);
    progress_.progress_monitor = [](j_common_ptr info) {
      if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number > most_scans) self(info).leave("too many scans");
    };
    info_.progress = &progress_;
    jpeg_mem_src(&info_, bytes, size);
    jpeg_read_header(&info_, TRUE);
    four_inks_ = info_.jpeg_color_space == JCS_CMYK || info_.jpeg_color_space == JCS_YCCK;
    info_.out_color_space = four_inks_ ? JCS_CMYK : JCS_RGB;
    return true;
  }

  [[nodiscard]] bool start() {
    if (setjmp(jump_) != 0) return false;
    jpeg_start_decompress(&info_);
    return true;
  }

  /// Reads the next row, width() * components() bytes.
  [[nodiscard]] bool row(std::uint8_t* pixels) {
    if (setjmp(jump_) != 0) return false;
    jpeg_read_scanlines(&info_, &pixels, 1);
    return true;
  }

  [[nodiscard]] bool finish() {
    if (setjmp(jump_) != 0) return false;
    jpeg_finish_decompress(&info_);
    return true;
  }

  [[nodiscard]] std::size_t height() const { return info_.image_height; }
  [[nodiscard]] std::size_t width() const { return info_.image_width; }
  [[nodiscard]] std::size_t components() const { return four_inks_ ? 4 : 3; }
  [[nodiscard]] const char* message() const { return message_.data(); }

 private:
  static jpeg_decoder& self(j_common_ptr info) { return *static_cast<jpeg_decoder*>(info->client_data); }

  /// Whether a warning leaves all pixels valid.
  static bool harmless(int code) {
    return code == JWRN_EXTRANEOUS_DATA || code == JWRN_ADOBE_XFORM || code == JWRN_JFIF_MAJOR ||
           code == JWRN_BOGUS_ICC;
  }

  /// Throws data_error with the message of libjpeg.
  [[noreturn]] void leave() {
    errors_.format_message(reinterpret_cast<j_common_ptr>(&info_), message_.data());
    std::longjmp(jump_, 1);
  }
  [[noreturn]] void leave(const char* reason) {
    std::strncpy(message_.data(), reason, message_.size() - 1);
    std::longjmp(jump_, 1);
  }

  /// The largest number of scans: encoders write about ten, and each takes time for the whole picture, however few
  /// bytes it has.
  static constexpr int most_scans = 100;

  jpeg_decompress_struct info_{};
  jpeg_error_mgr errors_{};
  jpeg_progress_mgr progress_{};
  std::jmp_buf jump_{};
  std::array<char, JMSG_LENGTH_MAX> message_{};
  bool four_inks_ = false;
};

/// Converts CMYK to red, green and blue. The bytes are inverted, as Adobe's programs write them and all readers expect.
inline void lights_from_inks(const std::uint8_t* inks, std::size_t pixels, std::uint8_t* rgb) {
  for (std::size_t i = 0; i < pixels; ++i)
    for (std::size_t c = 0; c < 3; ++c) {
      const unsigned white = inks[4 * i + 3];
      const unsigned product = (255U - inks[4 * i + c]) * white + 128U;
      rgb[3 * i + c] = static_cast<std::uint8_t>(white - ((product >> 8) + product) / 256U);
    }
}

}  // namespace detail

[[nodiscard]] inline bool is_jpeg(std::span<const std::uint8_t> bytes) {
  return bytes.size() >= 3 && bytes[0] == 0xFF && bytes[1] == 0xD8 && bytes[2] == 0xFF;
}

/// Decodes a JPEG picture, including grey and CMYK pictures, into red, green and blue. Its orientation tag is ignored.
/// @param name        for messages
/// @param max_pixels  a picture with more is refused before memory is allocated for it, and so is one with more blocks
///                    of 8x8 pixels than the file has bits
/// Errors: data_error with the name, and the message of libjpeg, for a file that is damaged, cut short, not a JPEG, too
///         large, or of more than 100 scans; libjpeg reads ahead, so there is no byte offset to report.
[[nodiscard]] inline picture decode_jpeg(std::span<const std::uint8_t> bytes, const std::string& name,
                                         std::size_t max_pixels) {
  if (const std::string found = localis::detail::found_kind(bytes, "", "a JPEG picture"); !found.empty())
    throw data_error(name, 0, "a JPEG picture", found);
  detail::jpeg_decoder decoder;
  const auto expect_decoded = [&](bool good) {
    if (!good) throw data_error(text(name, ": expected a sound JPEG picture, found: ", decoder.message()));
  };
  expect_decoded(decoder.open(bytes.data(), bytes.size()));
  picture result{decoder.height(), decoder.width(), {}};
  if (result.width > max_pixels / result.height)
    throw data_error(text(name, ": expected at most max_pixels = ", max_pixels, ", found ", result.height, 'x',
                          result.width, " pixels"));
  const std::size_t blocks = ((result.height + 7) / 8) * ((result.width + 7) / 8);
  if (blocks / 8 > bytes.size())
    throw data_error(text(name, ": expected at least ", blocks / 8, " bytes for ", result.height, 'x', result.width,
                          " pixels, found ", bytes.size()));
  expect_decoded(decoder.start());
  result.rgb.resize(result.height * result.width * 3);
  std::vector<std::uint8_t> inks(decoder.components() == 4 ? result.width * 4 : 0);
  for (std::size_t y = 0; y < result.height; ++y) {
    std::uint8_t* row = result.rgb.data() + y * result.width * 3;
    expect_decoded(decoder.row(inks.empty() ? row : inks.data()));
    if (!inks.empty()) detail::lights_from_inks(inks.data(), result.width, row);
  }
  expect_decoded(decoder.finish());
  return result;
}

}  // namespace localis::data
