#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>
#include <zlib.h>

#include <localis/data/gzip.hpp>

namespace data = localis::data;
using bytes = std::vector<std::uint8_t>;

namespace {

bytes idx(std::uint32_t magic, const std::vector<std::uint32_t>& extents, std::size_t body) {
  bytes file;
  const auto put = [&file](std::uint32_t word) {
    for (int shift = 24; shift >= 0; shift -= 8) file.push_back(static_cast<std::uint8_t>(word >> shift));
  };
  put(magic);
  for (const std::uint32_t extent : extents) put(extent);
  for (std::size_t i = 0; i < body; ++i) file.push_back(static_cast<std::uint8_t>(i * 7 % 251));
  return file;
}

bytes gzip(bytes content) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  bytes out(deflateBound(&stream, content.size()) + 64);
  stream.next_in = content.data();
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

/// A folder that is gone at the end of the test.
struct scratch_folder : temporary_folder {
  /// What is said of these bytes as the pictures' file, without the path in front; labels are sound.
  std::string verdict(const bytes& pictures, std::size_t max_bytes = data::default_max_bytes) const {
    const auto file = write("pictures.gz", pictures);
    const auto labels = write("labels.gz", gzip(idx(0x801, {100}, 0x64)));
    try {
      static_cast<void>(data::read_idx_gzip(file, labels, 251, max_bytes));
    } catch (const localis::data_error& error) {
      const std::string message = error.what();
      REQUIRE(message.find(file.string() + ": ") == 0);
      return message.substr(file.string().size() + 2);
    }
    return "no error";
  }
};

const bytes content = idx(0x803, {100, 28, 28}, 78400);

}  // namespace

TEST_CASE("a compressed data set is the raw one") {
  const scratch_folder folder;
  const bytes labels = idx(0x801, {100}, 100);
  const auto raw = data::read_idx(folder.write("p", content), folder.write("l", labels), 251);
  const auto packed = data::read_idx_gzip(folder.write("p.gz", gzip(content)), folder.write("l.gz", gzip(labels)), 251);
  CHECK(packed.size() == 100);
  CHECK(packed.height() == 28);
  CHECK(std::equal(raw.pixels().begin(), raw.pixels().end(), packed.pixels().begin(), packed.pixels().end()));
  CHECK(std::equal(raw.labels().begin(), raw.labels().end(), packed.labels().begin(), packed.labels().end()));
}

TEST_CASE("damage to the gzip file is named") {
  const scratch_folder folder;
  const bytes good = gzip(content);
  const std::string size = std::to_string(good.size());
  CHECK(folder.verdict(good) == "no error");
  CHECK(folder.verdict({}) == "at byte 0: expected the rest of the gzip data, found the end of the file");
  CHECK(folder.verdict(content) == "at byte 0: expected gzip data, found an IDX file of pictures");
  CHECK(folder.verdict({'<', 'h', 't', 'm', 'l', '>'}) == "at byte 0: expected gzip data, found an HTML page");
  CHECK(folder.verdict({1, 2, 3}) == "at byte 0: expected gzip data, found other bytes");

  // Cut anywhere, be it in the middle, in the checksum, or one byte short.
  for (const std::size_t keep : {std::size_t{5}, good.size() / 2, good.size() - 8, good.size() - 1}) {
    const bytes cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(keep));
    CHECK(folder.verdict(cut) ==
          "at byte " + std::to_string(keep) + ": expected the rest of the gzip data, found the end of the file");
  }

  bytes checksum = good;
  checksum[good.size() - 5] ^= 1;
  CHECK(folder.verdict(checksum).find("expected sound gzip data, found incorrect data check") != std::string::npos);
  bytes length = good;
  length[good.size() - 1] ^= 1;
  CHECK(folder.verdict(length).find("expected sound gzip data, found incorrect length check") != std::string::npos);

  bytes more = good;
  more.push_back(1);
  CHECK(folder.verdict(more) ==
        "at byte " + size + ": expected another gzip member or the end of the file, found other bytes");
  more.back() = 0;
  more.push_back(1);
  CHECK(folder.verdict(more) == "at byte " + std::to_string(good.size() + 1) +
                                    ": expected another gzip member or the end of the file, found other bytes");
}

TEST_CASE("members of a gzip file are read one after the other, and zeros behind them are skipped") {
  const scratch_folder folder;
  const auto joined = [](const std::vector<bytes>& parts) {
    bytes all;
    for (const bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
    return all;
  };
  const auto labels = folder.write("l.gz", gzip(idx(0x801, {100}, 0x64)));
  const auto pixels = [&](const bytes& packed) {
    const auto set = data::read_idx_gzip(folder.write("p.gz", packed), labels, 251);
    return bytes(set.pixels().begin(), set.pixels().end());
  };
  const bytes expected(content.begin() + 16, content.end());
  const bytes first = gzip({content.begin(), content.begin() + 30000});
  const bytes second = gzip({content.begin() + 30000, content.end()});
  const bytes none = gzip({});  // as bgzip ends its files
  CHECK(pixels(joined({first, second})) == expected);
  CHECK(pixels(joined({none, first, none, second, none})) == expected);
  for (const std::size_t zeros : {std::size_t{1}, std::size_t{512}, std::size_t{40000}}) {
    CAPTURE(zeros);
    CHECK(pixels(joined({gzip(content), bytes(zeros)})) == expected);
    CHECK(pixels(joined({first, bytes(zeros), second})) == expected);
  }
  // A member behind the first is looked at as closely.
  const std::size_t size = first.size() + second.size();
  for (const std::size_t keep : {first.size() + 1, first.size() + 5, size - 1}) {
    bytes cut = joined({first, second});
    cut.resize(keep);
    CHECK(folder.verdict(cut) ==
          "at byte " + std::to_string(keep) + ": expected the rest of the gzip data, found the end of the file");
  }
  CHECK(folder.verdict(first) ==
        "at byte 30000: expected 78416 bytes in all (100 x 28 x 28 and a header), found the end of the file");
  bytes damaged = joined({first, second});
  damaged[size - 5] ^= 1;
  CHECK(folder.verdict(damaged).find("expected sound gzip data, found incorrect data check") != std::string::npos);
}

TEST_CASE("a file that is cut or grows after it was opened is one clear error") {
  const scratch_folder folder;
  const auto path = folder.write("p.gz", gzip(content));
  const std::size_t size = std::filesystem::file_size(path);
  const auto said = [&](std::size_t now) -> std::string {
    data::gzip_source source(path);
    std::filesystem::resize_file(path, now);
    if (now > size) std::ofstream(path, std::ios::binary | std::ios::app) << 'x';
    try {
      static_cast<void>(data::parse_idx(source, data::idx_kind::pictures));
    } catch (const localis::data_error& error) {
      return error.what();
    }
    return "no error";
  };
  CHECK(said(size + 1) == localis::text(path.string(), ": at byte ", size + 1,
                                        ": expected another gzip member or the end of the file, found other bytes"));
  CHECK(said(size / 2) == localis::text(path.string(), ": at byte ", size / 2,
                                        ": expected the rest of the gzip data, found the end of the file"));
}

TEST_CASE("trailing bytes are found where the read buffer ends exactly with the gzip data") {
  const scratch_folder folder;
  bytes noise = idx(0x803, {100, 28, 28}, 78400);
  std::uint32_t state = 1;
  for (std::size_t i = 16; i < noise.size(); ++i) {
    state = state * 1664525 + 1013904223;
    noise[i] = static_cast<std::uint8_t>(state >> 24);
  }
  // Find out how far the file is from a multiple of the buffer, and pad its header's file-name field to get there.
  bytes packed = gzip(noise);
  const std::size_t buffer = 16384;
  const std::size_t padding = buffer - packed.size() % buffer;
  packed[3] |= 8;  // FNAME: a string that ends with 0
  bytes name(padding, 'x');
  name.back() = 0;
  packed.insert(packed.begin() + 10, name.begin(), name.end());
  REQUIRE(packed.size() % buffer == 0);
  CHECK(folder.verdict(packed) == "no error");
  packed.push_back(1);
  CHECK(folder.verdict(packed).find("expected another gzip member or the end of the file") != std::string::npos);
}

TEST_CASE("damage to the content is named too") {
  const scratch_folder folder;
  CHECK(folder.verdict(gzip(idx(0x803, {100, 28, 28}, 78399))) ==
        "at byte 78415: expected 78416 bytes in all (100 x 28 x 28 and a header), found the end of the file");
  CHECK(folder.verdict(gzip(idx(0x803, {100, 28, 28}, 78401))) ==
        "at byte 78416: expected the end of the file after 78416 bytes in all (100 x 28 x 28 and a header), found more "
        "bytes");
  CHECK(folder.verdict(gzip(idx(0x801, {100, 28, 28}, 78400))) ==
        "at byte 0: expected magic number 2051 (pictures), found an IDX file of labels");
}

TEST_CASE("neither a header nor a bomb fills the memory") {
  const scratch_folder folder;
  // A small file cannot unfold to what this header claims.
  CHECK(folder.verdict(gzip(idx(0x803, {60000, 28, 28}, 100))).find("found at most") != std::string::npos);
  CHECK(folder.verdict(gzip(idx(0x803, {60000, 28, 28}, 100)), 1 << 20) ==
        "at byte 4: expected at most max_bytes = 1048576, found 47040016 bytes in all (60000 x 28 x 28 and a header)");
  // A file that unfolds to far more than its header says is left after one byte too many.
  bytes bomb = idx(0x803, {100, 28, 28}, 0);
  bomb.resize(std::size_t{1} << 24);
  CHECK(folder.verdict(gzip(bomb)).find("found more bytes") != std::string::npos);
}

TEST_CASE("fashion_mnist takes raw and compressed files and names the one that is missing") {
  const scratch_folder folder;
  folder.write("train-images-idx3-ubyte.gz", gzip(idx(0x803, {8, 3, 3}, 72)));
  folder.write("train-labels-idx1-ubyte.gz", gzip(idx(0x801, {8}, 1)));
  CHECK_THROWS_AS(static_cast<void>(data::fashion_mnist(folder.path)), localis::data_error);
  folder.write("train-labels-idx1-ubyte.gz", gzip({0, 0, 8, 1, 0, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 9}));
  folder.write("t10k-images-idx3-ubyte", idx(0x803, {2, 3, 3}, 18));
  const auto labels = folder.path / "t10k-labels-idx1-ubyte";
  CHECK_THROWS_WITH_AS(static_cast<void>(data::fashion_mnist(folder.path)),
                       (labels.string() + ": expected a readable file, found: No such file or directory").c_str(),
                       localis::data_error);
  folder.write("t10k-labels-idx1-ubyte", idx(0x801, {2}, 2));
  const data::image_set set = data::fashion_mnist(folder.path);
  CHECK(set.train.size() == 8);
  CHECK(set.train.labels()[7] == 9);
  CHECK(set.test.size() == 2);
}

TEST_CASE("the real Fashion-MNIST") {
  const std::filesystem::path folder = "/usr/share/datasets/fashion-mnist";
  if (!std::filesystem::exists(folder / "train-images-idx3-ubyte.gz")) {
    MESSAGE("skipped: Fashion-MNIST is not installed in " << folder.string());
    return;
  }
  const data::image_set set = data::fashion_mnist(folder);
  CHECK(set.train.size() == 60000);
  CHECK(set.test.size() == 10000);
  CHECK(set.train.height() == 28);
  CHECK(set.train.width() == 28);
  for (const data::images* part : {&set.train, &set.test}) {
    std::vector<std::size_t> counts(10, 0);
    for (const std::uint32_t label : part->labels()) ++counts[label];
    for (const std::size_t count : counts) CHECK(count == part->size() / 10);
  }
  CHECK(set.train.labels()[0] == 9);  // the first picture is an ankle boot
  double sum = 0;
  for (const std::uint8_t pixel : set.train.pixels()) sum += pixel;
  CHECK(sum / 255 / static_cast<double>(set.train.pixels().size()) == doctest::Approx(0.2860).epsilon(0.001));
}
