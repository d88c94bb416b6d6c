#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "idx.hpp"
#include <zlib.h>

#include <localis/data/gzip.hpp>

namespace {

std::vector<std::uint8_t> compressed(fuzz::bytes content) {
  z_stream stream{};
  fuzz::require(deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK, "memory for zlib");
  std::vector<std::uint8_t> result(deflateBound(&stream, content.size()) + 64);
  stream.next_in = const_cast<Bytef*>(content.data());
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = result.data();
  stream.avail_out = static_cast<uInt>(result.size());
  fuzz::require(deflate(&stream, Z_FINISH) == Z_STREAM_END, "zlib to compress");
  result.resize(stream.total_out);
  deflateEnd(&stream);
  return result;
}

}  // namespace

/// A byte, then two files: labels, pictures. The lowest two bits of the byte say which of them is to be compressed
/// here, so that a checksum keeps no change from the reader; else it is gzip already.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t classes = 10;
  constexpr std::size_t max_bytes = 1U << 20;
  constexpr std::size_t zlib = 1U << 18;
  if (size == 0) return 0;
  static const fuzz::file labels("labels.gz");
  static const fuzz::file pictures("pictures.gz");
  const auto [first, second] = fuzz::two({data + 1, size - 1});
  const auto store = [&](const fuzz::file& file, bool plain, fuzz::bytes content) {
    const auto packed = plain ? compressed(content) : std::vector<std::uint8_t>(content.begin(), content.end());
    file.holds(packed);
    return packed.size();
  };
  const std::size_t stored = store(labels, (data[0] & 1) != 0, first) + store(pictures, (data[0] & 2) != 0, second);

  localis::data::images read;
  {
    // Deflate makes at most 1032 bytes of one; a label becomes four more.
    const fuzz::memory_within bound(zlib + 6 * std::min(1032 * stored, 2 * max_bytes));
    if (fuzz::refused<localis::data_error>(
            [&] { read = localis::data::read_idx_gzip(pictures.path, labels.path, classes, max_bytes); }))
      return 0;
  }
  fuzz::check(read, classes);
  if ((data[0] & 1) != 0) fuzz::require(std::ranges::equal(fuzz::idx_of_labels(read), first), "the labels of the file");
  if ((data[0] & 2) != 0)
    fuzz::require(std::ranges::equal(fuzz::idx_of_pictures(read), second), "the pictures of the file");
  return 0;
}
