#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>

#include <localis/data/cifar.hpp>

namespace data = localis::data;
using bytes = std::vector<std::uint8_t>;

namespace {

std::uint8_t pixel(std::size_t record, std::size_t channel, std::size_t place) {
  return static_cast<std::uint8_t>((record * 31 + channel * 101 + place * 7 + place / 32) % 256);
}

bytes record(std::size_t number, const bytes& labels) {
  bytes result = labels;
  for (std::size_t c = 0; c < 3; ++c)
    for (std::size_t p = 0; p < 1024; ++p) result.push_back(pixel(number, c, p));
  return result;
}

bytes operator+(bytes a, const bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// A folder that is gone at the end of the test.
struct scratch_folder : temporary_folder {
  /// So many zeros, which are sound records; they take no room on the disk.
  void write_zeros(const std::string& name, std::size_t size) const {
    std::filesystem::resize_file(write(name, {}), size);
  }
};

/// What reading says, without the folder in front.
template <class Read>
std::string verdict(const std::filesystem::path& folder, const Read& read) {
  try {
    read();
  } catch (const localis::data_error& error) {
    const std::string message = error.what();
    REQUIRE(message.find(folder.string()) == 0);
    return message.substr(folder.string().size() + 1);
  }
  return "no error";
}

std::string verdict10(const bytes& content) {
  const scratch_folder folder;
  const std::vector<std::filesystem::path> files = {folder.write("x", content)};
  return verdict(folder.path, [&] { static_cast<void>(data::read_cifar10(files)); });
}

}  // namespace

TEST_CASE("the planes of a record become pixels, and the files follow each other") {
  const scratch_folder folder;
  const std::vector<std::filesystem::path> files = {folder.write("a", record(0, {3}) + record(1, {9})),
                                                    folder.write("b", record(2, {0}))};
  const data::images set = data::read_cifar10(files);
  CHECK(set.size() == 3);
  CHECK(localis::data::shape_of(set) == localis::shape{32, 32, 3});
  CHECK(set.classes() == 10);
  CHECK(std::equal(set.labels().begin(), set.labels().end(), std::array{3U, 9U, 0U}.begin()));
  std::vector<float> features(3072);
  for (std::size_t i = 0; i < 3; ++i) {
    set.read(i, features);
    for (const std::size_t p : {0U, 1U, 32U, 777U, 1023U})
      for (std::size_t c = 0; c < 3; ++c)
        CHECK(features[3 * p + c] == doctest::Approx(static_cast<double>(pixel(i, c, p)) / 255));
  }
}

TEST_CASE("CIFAR-100 has two labels, of which one is chosen and both are checked") {
  const scratch_folder folder;
  const std::vector<std::filesystem::path> files = {folder.write("a", record(0, {19, 99}) + record(1, {0, 42}))};
  const data::images fine = data::read_cifar100(files);
  const data::images coarse = data::read_cifar100(files, data::cifar100_label::coarse);
  CHECK(fine.classes() == 100);
  CHECK(coarse.classes() == 20);
  CHECK(std::equal(fine.labels().begin(), fine.labels().end(), std::array{99U, 42U}.begin()));
  CHECK(std::equal(coarse.labels().begin(), coarse.labels().end(), std::array{19U, 0U}.begin()));
  CHECK(fine.pixels()[1] == pixel(0, 1, 0));

  const auto refused = [&](const bytes& content, data::cifar100_label label) {
    const std::vector<std::filesystem::path> bad = {folder.write("b", content)};
    return verdict(folder.path, [&] { static_cast<void>(data::read_cifar100(bad, label)); });
  };
  for (const auto label : {data::cifar100_label::fine, data::cifar100_label::coarse}) {
    CHECK(refused(record(0, {1, 1}) + record(1, {20, 1}), label) ==
          "b: at byte 3074: expected a coarse label less than 20, found 20");
    CHECK(refused(record(0, {1, 100}), label) == "b: at byte 1: expected a fine label less than 100, found 100");
  }
}

TEST_CASE("a damaged file is refused with offset, expected and found") {
  const bytes good = record(0, {0}) + record(1, {9});
  CHECK(verdict10(good) == "no error");
  CHECK(verdict10({}) == "x: at byte 0: expected 1 records of 3073 bytes, 3073 in all, found the end of the file");
  CHECK(verdict10(bytes(good.begin(), good.begin() + 3000)) ==
        "x: at byte 3000: expected 1 records of 3073 bytes, 3073 in all, found the end of the file");
  CHECK(verdict10(good + bytes{7}) ==
        "x: at byte 6146: expected the end of the file after 2 records of 3073 bytes, 6146 in all, found 1 bytes more");
  CHECK(verdict10(record(0, {0}) + record(1, {10})) == "x: at byte 3073: expected a label less than 10, found 10");
  // The archive instead of what is in it, or Python's version of it.
  CHECK(verdict10(bytes{0x1F, 0x8B, 8, 0}) ==
        "x: at byte 4: expected 1 records of 3073 bytes, 3073 in all, found gzip data");
  CHECK(verdict10(bytes{0x80, 2, '}', 'q'} + record(0, {0})) ==
        "x: at byte 3073: expected the end of the file after 1 records of 3073 bytes, 3073 in all, found a Python "
        "pickle");
  bytes pickle = record(0, {0});
  pickle[0] = 0x80;
  pickle[1] = 2;
  CHECK(verdict10(pickle) == "x: at byte 0: expected a label less than 10, found a Python pickle");
}

TEST_CASE("the folders must be complete, and their files of the official sizes") {
  const scratch_folder folder;
  const auto ten = [&] { static_cast<void>(data::cifar10(folder.path)); };
  const auto hundred = [&] { static_cast<void>(data::cifar100(folder.path)); };
  CHECK(verdict(folder.path, ten) == "data_batch_1.bin: expected a readable file, found: No such file or directory");
  CHECK(verdict(folder.path, hundred) == "train.bin: expected a readable file, found: No such file or directory");
  for (int batch = 1; batch <= 5; ++batch) folder.write_zeros("data_batch_" + std::to_string(batch) + ".bin", 30730000);
  CHECK(verdict(folder.path, ten) == "test_batch.bin: expected a readable file, found: No such file or directory");
  folder.write_zeros("test_batch.bin", 30730000 - 3073);  // whole records, but too few
  CHECK(verdict(folder.path, ten) ==
        "test_batch.bin: at byte 30726927: expected 10000 records of 3073 bytes, 30730000 in all, found the end of the "
        "file");
  folder.write_zeros("data_batch_3.bin", 30730001);
  CHECK(verdict(folder.path, ten) ==
        "data_batch_3.bin: at byte 30730000: expected the end of the file after 10000 records of 3073 bytes, 30730000 "
        "in all, found 1 bytes more");
  folder.write_zeros("train.bin", 153700000);
  folder.write_zeros("test.bin", 30740000);
  const data::image_set set = data::cifar100(folder.path);
  CHECK(set.train.size() == 50000);
  CHECK(set.test.size() == 10000);
}

TEST_CASE("files that change while they are read are whole, or an error") {
  const scratch_folder folder;
  constexpr std::size_t records = 40;
  const auto path = folder.path / "x";
  folder.write_zeros("x", records * 3073);
  const std::vector<std::filesystem::path> files = {path};
  std::atomic<bool> stop = false;
  std::thread restless([&] {
    for (std::size_t i = 0; !stop; ++i) {
      constexpr std::array<std::size_t, 4> sizes = {records * 3073, records * 3073 + 1, 20 * 3073, 20 * 3073 + 7};
      std::filesystem::resize_file(path, sizes[i % sizes.size()]);
    }
  });
  std::size_t whole = 0;
  std::size_t refused = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::string said = verdict(folder.path, [&] {
      const data::images set = data::read_cifar10(files);
      CHECK((set.size() == 20 || set.size() == records));
      ++whole;
    });
    if (said == "no error") continue;
    ++refused;
    CHECK(said.find("x: at byte ") == 0);
  }
  stop = true;
  restless.join();
  CHECK(whole + refused == 2000);
  CHECK(refused > 0);
}

TEST_CASE("the real CIFAR-10") {
  const char* folder = std::getenv("LOCALIS_CIFAR10");
  if (folder == nullptr) {
    MESSAGE("skipped: LOCALIS_CIFAR10 names no folder with the binary version of CIFAR-10");
    return;
  }
  const data::image_set set = data::cifar10(folder);
  CHECK(set.train.size() == 50000);
  CHECK(set.test.size() == 10000);
  for (const data::images* part : {&set.train, &set.test}) {
    std::vector<std::size_t> counts(10, 0);
    for (const std::uint32_t label : part->labels()) ++counts[label];
    for (const std::size_t count : counts) CHECK(count == part->size() / 10);
  }
  std::array<double, 3> sums{};
  const auto pixels = set.train.pixels();
  for (std::size_t i = 0; i < pixels.size(); ++i) sums[i % 3] += pixels[i];
  const std::array<double, 3> known = {0.4914, 0.4822, 0.4465};  // the means that everybody normalizes with
  for (std::size_t c = 0; c < 3; ++c) CHECK(sums[c] / 255 / 51200000 == doctest::Approx(known[c]).epsilon(0.002));
}
