#pragma once

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include <png.h>

#include <localis/core/error.hpp>
#include <localis/core/file.hpp>
#include <localis/data/deflate.hpp>
#include <localis/data/resize.hpp>

/// PNG pictures. Part of the component folder, which needs libpng 1.6.
namespace localis::data {

namespace detail {

/// Wraps libpng as jpeg_decoder wraps libjpeg: an error leaves the library by longjmp, and no object with a destructor
/// is alive in between.
class png_decoder {
 public:
  png_decoder(const std::uint8_t* bytes, std::size_t size) : bytes_(bytes), size_(size) {}
  ~png_decoder() { png_destroy_read_struct(&png_, &info_, nullptr); }
  png_decoder(const png_decoder&) = delete;
  png_decoder& operator=(const png_decoder&) = delete;

  /// Reads up to the first pixels; false: see message().
  [[nodiscard]] bool open() {
    if (setjmp(jump_) != 0) return false;
    png_ = png_create_read_struct(
        PNG_LIBPNG_VER_STRING, this,
        [](png_structp png, png_const_charp reason) {
          static_cast<png_decoder*>(png_get_error_ptr(png))->leave(reason);
        },
        [](png_structp, png_const_charp) {});  // the library never prints
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
    if (info_ == nullptr) leave("no memory");
    png_set_read_fn(png_, this, [](png_structp png, png_bytep bytes, std::size_t count) {
      static_cast<png_decoder*>(png_get_io_ptr(png))->take(bytes, count);
    });
    png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);  // all but palette, transparency, pixels
    png_set_user_limits(png_, 0x7FFFFFFF, 0x7FFFFFFF);                       // the caller looks at the product
    png_read_info(png_, info_);
    return true;
  }

  /// Requests rows of red, green and blue with one byte each; alpha and lower bits of 16-bit values are dropped.
  [[nodiscard]] bool start() {
    if (setjmp(jump_) != 0) return false;
    png_set_expand(png_);
    png_set_strip_16(png_);
    png_set_strip_alpha(png_);
    png_set_gray_to_rgb(png_);
    passes_ = png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    if (png_get_rowbytes(png_, info_) != width() * 3) leave("rows of another size");
    return true;
  }

  /// Reads the next row; in an interlaced picture, the pixels that this pass adds to it.
  [[nodiscard]] bool row(std::uint8_t* pixels) {
    if (setjmp(jump_) != 0) return false;
    png_read_row(png_, pixels, nullptr);
    return true;
  }

  [[nodiscard]] bool finish() {
    if (setjmp(jump_) != 0) return false;
    png_read_end(png_, nullptr);
    return true;
  }

  [[nodiscard]] std::size_t height() const { return png_get_image_height(png_, info_); }
  [[nodiscard]] std::size_t width() const { return png_get_image_width(png_, info_); }
  /// Bytes of a row as the file has it, before start().
  [[nodiscard]] std::size_t packed_row() const { return png_get_rowbytes(png_, info_); }
  [[nodiscard]] int passes() const { return passes_; }
  [[nodiscard]] const char* message() const { return message_.data(); }
  [[nodiscard]] std::size_t consumed() const { return position_; }

 private:
  void take(png_bytep bytes, std::size_t count) {
    if (count > size_ - position_) {
      position_ = size_;
      leave("the end of the file");
    }
    std::memcpy(bytes, bytes_ + position_, count);
    position_ += count;
  }

  [[noreturn]] void leave(const char* reason) {
    std::strncpy(message_.data(), reason, message_.size() - 1);
    std::longjmp(jump_, 1);
  }

  const std::uint8_t* bytes_;
  std::size_t size_;
  std::size_t position_ = 0;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  int passes_ = 1;
  std::jmp_buf jump_{};
  std::array<char, 128> message_{};
};

}  // namespace detail

[[nodiscard]] inline bool is_png(std::span<const std::uint8_t> bytes) {
  return bytes.size() >= 8 && png_sig_cmp(bytes.data(), 0, 8) == 0;
}

/// Decodes a PNG picture of any kind (grey, palette, 1 to 16 bits, alpha, interlaced) into red, green, blue. Alpha is
/// dropped, the upper 8 of 16 bits are kept, and gamma is ignored.
/// @param name        for messages
/// @param max_pixels  a picture with more is refused before memory is allocated for it
/// Errors: data_error with name and byte offset for a file that is damaged, cut short, not a PNG or too large.
[[nodiscard]] inline picture decode_png(std::span<const std::uint8_t> bytes, const std::string& name,
                                        std::size_t max_pixels) {
  if (const std::string found = localis::detail::found_kind(bytes, "", "a PNG picture"); !found.empty())
    throw data_error(name, 0, "a PNG picture", found);
  detail::png_decoder decoder(bytes.data(), bytes.size());
  const auto expect_decoded = [&](bool good) {
    if (!good) throw data_error(name, decoder.consumed(), "a sound PNG picture", decoder.message());
  };
  expect_decoded(decoder.open());
  picture result{decoder.height(), decoder.width(), {}};
  if (result.width > max_pixels / result.height)
    throw data_error(name, decoder.consumed(), text("at most max_pixels = ", max_pixels),
                     text(result.height, 'x', result.width, " pixels"));
  if (decoder.packed_row() > detail::most_inflated(bytes.size()) / result.height)
    throw data_error(name, decoder.consumed(), "a picture that its bytes can hold",
                     text(result.height, 'x', result.width, " pixels in ", bytes.size(), " bytes"));
  expect_decoded(decoder.start());
  result.rgb.resize(result.height * result.width * 3);
  for (int pass = 0; pass < decoder.passes(); ++pass)
    for (std::size_t y = 0; y < result.height; ++y)
      expect_decoded(decoder.row(result.rgb.data() + y * result.width * 3));
  expect_decoded(decoder.finish());
  return result;
}

}  // namespace localis::data
