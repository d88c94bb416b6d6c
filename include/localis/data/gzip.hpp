#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <new>
#include <span>
#include <string>
#include <system_error>

#include <zlib.h>

#include <localis/core/error.hpp>
#include <localis/core/file.hpp>
#include <localis/data/dataset.hpp>
#include <localis/data/deflate.hpp>
#include <localis/data/idx.hpp>

/// Compressed IDX files, as data sets are distributed. This component needs zlib.
namespace localis::data {

/// The uncompressed bytes of a gzip file: those of all its members, one after the other, as bgzip or `cat a.gz b.gz`
/// write them. Zeros after a member are skipped. Each checksum is compared when its member ends. Errors: data_error
/// with path and byte offset in the compressed file: not gzip, damaged, wrong checksum, cut short, other bytes after a
/// member. Source: RFC 1952; zeros as in Python's gzip module.
class gzip_source {
 public:
  explicit gzip_source(const std::filesystem::path& path) : file_(path) {
    constexpr int gzip_only = 15 + 16;  // the largest window; no zlib stream, no raw deflate
    if (inflateInit2(&stream_, gzip_only) != Z_OK) throw std::bad_alloc();
  }
  ~gzip_source() { inflateEnd(&stream_); }
  gzip_source(const gzip_source&) = delete;
  gzip_source& operator=(const gzip_source&) = delete;

  std::size_t read(std::span<std::uint8_t> bytes) {
    std::size_t done = 0;
    while (done < bytes.size() && !ended_) {
      if (!refill()) throw data_error(name(), taken_, "the rest of the gzip data", "the end of the file");
      const std::size_t room = (std::min)(bytes.size() - done, std::size_t{1} << 30);  // zlib counts in 32 bits
      stream_.next_out = bytes.data() + done;
      stream_.avail_out = static_cast<uInt>(room);
      const int code = inflate(&stream_, Z_NO_FLUSH);
      done += room - stream_.avail_out;
      if (code == Z_STREAM_END)
        finish();
      else if (code == Z_MEM_ERROR)
        throw std::bad_alloc();
      else if (code != Z_OK)
        throw data_error(name(), consumed(), "sound gzip data", stream_.msg != nullptr ? stream_.msg : "damage");
    }
    return done;
  }

  [[nodiscard]] std::size_t bound() const { return detail::most_inflated(file_.bound()); }
  [[nodiscard]] const std::string& name() const { return file_.name(); }

 private:
  std::size_t consumed() const { return taken_ - stream_.avail_in; }

  /// Whether the file has more compressed bytes.
  bool refill() {
    if (stream_.avail_in > 0) return true;
    const std::size_t got = file_.read(buffer_);
    if (taken_ == 0 && got >= 2 && (buffer_[0] != 0x1F || buffer_[1] != 0x8B))
      throw data_error(name(), 0, "gzip data",
                       localis::detail::found_kind(std::span(buffer_).first(got), "other bytes"));
    taken_ += got;
    stream_.next_in = buffer_.data();
    stream_.avail_in = static_cast<uInt>(got);
    return got > 0;
  }

  /// After a member: begins the next one, or finds the end.
  void finish() {
    while (refill() && *stream_.next_in == 0) {
      ++stream_.next_in;
      --stream_.avail_in;
    }
    ended_ = stream_.avail_in == 0;
    if (ended_) return;
    constexpr std::uint8_t first_of_member = 0x1F;
    if (*stream_.next_in != first_of_member)
      throw data_error(name(), consumed(), "another gzip member or the end of the file", "other bytes");
    inflateReset(&stream_);
  }

  file_source file_;
  z_stream stream_{};
  std::array<std::uint8_t, 16384> buffer_{};
  std::size_t taken_ = 0;  ///< compressed bytes read from the file so far
  bool ended_ = false;
};

/// The default limit on the uncompressed size of an IDX file: 1 GiB, in bytes.
inline constexpr std::size_t default_max_bytes = std::size_t{1} << 30;

/// Reads a data set from two gzip-compressed IDX files; pixels are scaled to [0, 1].
/// @param max_bytes  a file that would expand to more is refused before memory is allocated for it
/// Errors: data_error, see gzip_source, parse_idx and join_idx.
[[nodiscard]] inline images read_idx_gzip(const std::filesystem::path& images_path,
                                          const std::filesystem::path& labels_path, std::size_t classes = 10,
                                          std::size_t max_bytes = default_max_bytes) {
  gzip_source labels(labels_path);
  gzip_source pictures(images_path);
  const idx_file label_file = parse_idx(labels, idx_kind::labels, max_bytes);
  return join_idx(parse_idx(pictures, idx_kind::pictures, max_bytes), label_file, classes);
}

/// Reads Fashion-MNIST, or another set of ten classes with the same four file names (MNIST, KMNIST), from a folder that
/// has train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, either all
/// with the ending .gz (as in the Debian package dataset-fashion-mnist) or all without.
/// Errors: data_error, see read_idx and read_idx_gzip.
[[nodiscard]] inline image_set fashion_mnist(const std::filesystem::path& folder) {
  const auto part = [&folder](const std::string& name) {
    const auto pictures = folder / (name + "-images-idx3-ubyte");
    const auto labels = folder / (name + "-labels-idx1-ubyte");
    std::error_code ignored;
    if (std::filesystem::exists(pictures, ignored)) return read_idx(pictures, labels);
    return read_idx_gzip(pictures.string() + ".gz", labels.string() + ".gz");
  };
  return {part("train"), part("t10k")};
}

}  // namespace localis::data
