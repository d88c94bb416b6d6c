#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <localis/core/error.hpp>
#include <localis/core/file.hpp>
#include <localis/data/dataset.hpp>
#include <localis/data/idx.hpp>

/// CIFAR-10 and CIFAR-100 from their official binary files: records without a header, each one label byte (CIFAR-100:
/// coarse, then fine), then 32 x 32 bytes of red, the same number of green, and the same number of blue.
/// Source: A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009;
/// https://www.cs.toronto.edu/~kriz/cifar.html
namespace localis::data {

/// The two labels of a CIFAR-100 picture: one of 100 classes, and one of their 20 superclasses.
enum class cifar100_label { fine, coarse };

namespace detail {

struct cifar_format {
  struct label {
    const char* name;
    std::size_t classes;
  };
  std::array<label, 2> labels;  ///< in the order of a record
  std::size_t label_bytes;
  std::size_t chosen;  ///< index of the one that becomes the label

  static constexpr std::size_t side = 32;
  static constexpr std::size_t plane = side * side;
  static constexpr std::size_t channels = 3;

  [[nodiscard]] constexpr std::size_t record() const { return label_bytes + channels * plane; }
};

inline constexpr cifar_format cifar10_format{{{{"label", 10}, {"", 0}}}, 1, 0};

constexpr cifar_format cifar100_format(cifar100_label label) {
  return {{{{"coarse label", 20}, {"fine label", 100}}}, 2, label == cifar100_label::coarse ? 0U : 1U};
}

/// @param records  expected in every file; 0: any number, at least one
inline images read_cifar(const cifar_format& format, std::span<const std::filesystem::path> files,
                         std::size_t records) {
  const std::size_t record = format.record();
  const std::size_t picture = cifar_format::channels * cifar_format::plane;
  std::vector<std::uint8_t> pixels;
  std::vector<std::uint32_t> labels;
  std::vector<std::uint8_t> bytes(record);
  for (const std::filesystem::path& path : files) {
    file_source file(path);
    const std::size_t size = file.bound();
    const std::size_t wanted = records > 0 ? records : std::max<std::size_t>(size / record, 1);
    const std::string expected = text(wanted, " records of ", record, " bytes, ", wanted * record, " in all");
    const auto found = [&path](const std::string& otherwise) { return localis::detail::found_kind(path, otherwise); };
    if (size < wanted * record) throw data_error(file.name(), size, expected, found("the end of the file"));
    const auto longer = [&](const std::string& excess) {
      return data_error(file.name(), wanted * record, text("the end of the file after ", expected), found(excess));
    };
    if (size > wanted * record) throw longer(text(size - wanted * record, " bytes more"));

    std::size_t next = pixels.size();
    pixels.resize(next + wanted * picture);
    for (std::size_t i = 0; i < wanted; ++i) {
      const std::size_t got = file.read(bytes);
      if (got < record) throw data_error(file.name(), i * record + got, expected, "the end of the file");
      for (std::size_t b = 0; b < format.label_bytes; ++b)
        if (bytes[b] >= format.labels[b].classes)
          throw data_error(file.name(), i * record + b,
                           text("a ", format.labels[b].name, " less than ", format.labels[b].classes),
                           found(text(unsigned{bytes[b]})));
      labels.push_back(bytes[format.chosen]);
      const std::uint8_t* planes = bytes.data() + format.label_bytes;
      for (std::size_t p = 0; p < cifar_format::plane; ++p)
        for (std::size_t c = 0; c < cifar_format::channels; ++c) pixels[next++] = planes[c * cifar_format::plane + p];
    }
    if (file.read(std::span<std::uint8_t>(bytes.data(), 1)) != 0) throw longer("more bytes");  // it has grown
  }
  return images({cifar_format::side, cifar_format::side, cifar_format::channels}, std::move(pixels), std::move(labels),
                format.labels[format.chosen].classes);
}

}  // namespace detail

/// Reads a data set from files with any number of CIFAR-10 records; pixels are scaled to [0, 1].
/// Errors: data_error with path, byte offset, expected and found, for a file that is missing or empty, does not contain
///         a whole number of records, or has a label that is not a class.
[[nodiscard]] inline images read_cifar10(std::span<const std::filesystem::path> files) {
  return detail::read_cifar(detail::cifar10_format, files, 0);
}

/// Reads a data set from files with any number of CIFAR-100 records. Both labels of a record must be valid, whichever
/// is chosen.
[[nodiscard]] inline images read_cifar100(std::span<const std::filesystem::path> files,
                                          cifar100_label label = cifar100_label::fine) {
  return detail::read_cifar(detail::cifar100_format(label), files, 0);
}

/// Reads CIFAR-10 from the folder of its six files, data_batch_1.bin ... data_batch_5.bin and test_batch.bin: 50,000
/// pictures to train with and 10,000 to test with, 184 MB in memory.
/// Errors: data_error as read_cifar10, and for a file without the official 10,000 records.
[[nodiscard]] inline image_set cifar10(const std::filesystem::path& folder) {
  constexpr std::size_t records = 10000;
  std::vector<std::filesystem::path> train;
  for (int batch = 1; batch <= 5; ++batch) train.push_back(folder / text("data_batch_", batch, ".bin"));
  const std::array<std::filesystem::path, 1> test = {folder / "test_batch.bin"};
  return {detail::read_cifar(detail::cifar10_format, train, records),
          detail::read_cifar(detail::cifar10_format, test, records)};
}

/// Reads CIFAR-100 from the folder of its two files, train.bin (50,000 records) and test.bin (10,000).
/// Errors: data_error as read_cifar100, and for a file without the official number of records.
[[nodiscard]] inline image_set cifar100(const std::filesystem::path& folder,
                                        cifar100_label label = cifar100_label::fine) {
  const detail::cifar_format format = detail::cifar100_format(label);
  const std::array<std::filesystem::path, 1> train = {folder / "train.bin"};
  const std::array<std::filesystem::path, 1> test = {folder / "test.bin"};
  return {detail::read_cifar(format, train, 50000), detail::read_cifar(format, test, 10000)};
}

}  // namespace localis::data
