#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/logs.hpp"
#include "support/shell_word.hpp"
#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>
#include <sys/wait.h>

#include <localis/io/tensorboard_log.hpp>
#include <localis/train/trainer.hpp>

namespace io = localis::io;
namespace fs = std::filesystem;

namespace {

std::vector<fs::path> files_of(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

std::uint64_t take(std::string_view& from, std::size_t bytes) {
  REQUIRE(from.size() >= bytes);
  std::uint64_t word = 0;
  for (std::size_t i = bytes; i-- > 0;) word = word << 8 | static_cast<unsigned char>(from[i]);
  from.remove_prefix(bytes);
  return word;
}

std::uint64_t take_varint(std::string_view& from) {
  std::uint64_t word = 0;
  for (unsigned shift = 0;; shift += 7) {
    const std::uint64_t byte = take(from, 1);
    word |= (byte & 0x7F) << shift;
    if ((byte & 0x80) == 0) return word;
  }
}

/// f(field, wire type, number or bits, bytes) for each field of a message.
void for_each_field(std::string_view message,
                    const std::function<void(std::uint64_t, std::uint64_t, std::uint64_t, std::string_view)>& f) {
  while (!message.empty()) {
    const std::uint64_t key = take_varint(message);
    std::uint64_t number = 0;
    std::string_view bytes;
    switch (key & 7) {
      case 0:
        number = take_varint(message);
        break;
      case 1:
        number = take(message, 8);
        break;
      case 2: {
        const std::size_t size = take_varint(message);
        REQUIRE(message.size() >= size);
        bytes = message.substr(0, size);
        message.remove_prefix(size);
        break;
      }
      case 5:
        number = take(message, 4);
        break;
      default:
        FAIL("wire type");
    }
    f(key >> 3, key & 7, number, bytes);
  }
}

struct event {
  double wall_time = 0;
  std::uint64_t step = 0;
  std::string version;
  std::map<std::string, float> scalars;
};

std::vector<event> read_events(const fs::path& path) {
  const std::string all = file_content(path);
  std::string_view rest = all;
  std::vector<event> events;
  while (!rest.empty()) {
    const std::string_view length = rest.substr(0, 8);
    const std::size_t size = take(rest, 8);
    CHECK(take(rest, 4) == io::detail::masked_crc32c(length));
    REQUIRE(rest.size() >= size + 4);
    const std::string_view message = rest.substr(0, size);
    rest.remove_prefix(size);
    CHECK(take(rest, 4) == io::detail::masked_crc32c(message));
    event& e = events.emplace_back();
    for_each_field(message, [&](auto field, auto wire, auto number, auto bytes) {
      if (field == 1 && wire == 1) e.wall_time = std::bit_cast<double>(number);
      if (field == 2 && wire == 0) e.step = number;
      if (field == 3 && wire == 2) e.version = bytes;
      if (field != 5) return;
      for_each_field(bytes, [&](auto, auto, auto, auto value) {
        std::string tag;
        for_each_field(value, [&](auto which, auto, auto bits, auto name) {
          if (which == 1) tag = name;
          if (which == 2) e.scalars[tag] = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
        });
      });
    });
  }
  return events;
}

}  // namespace

TEST_CASE("tensorboard_log: CRC-32C of RFC 3720, B.4, and of the digits") {
  using io::detail::crc32c;
  const std::string zeros(32, '\0');
  const std::string ones(32, '\xff');
  std::string rising;
  for (char c = 0; c < 32; ++c) rising += c;
  const std::string falling(rising.rbegin(), rising.rend());
  const std::string read_command{'\x01', '\xc0', 0, 0, 0, 0, 0,      0, 0,      0, 0, 0,      0, 0, 0, 0,
                                 '\x14', 0,      0, 0, 0, 0, '\x04', 0, 0,      0, 0, '\x14', 0, 0, 0, '\x18',
                                 '\x28', 0,      0, 0, 0, 0, 0,      0, '\x02', 0, 0, 0,      0, 0, 0, 0};
  REQUIRE(read_command.size() == 48);
  CHECK(crc32c(zeros) == 0x8A9136AAU);
  CHECK(crc32c(ones) == 0x62A8AB43U);
  CHECK(crc32c(rising) == 0x46DD794EU);
  CHECK(crc32c(falling) == 0x113FDB5CU);
  CHECK(crc32c(read_command) == 0xD9963A56U);
  CHECK(crc32c("123456789") == 0xE3069283U);
  CHECK(crc32c("") == 0);
  // With the checksum masked, of a length of 24 bytes: how the event files of other writers begin.
  CHECK(io::detail::masked_crc32c({"\x18\0\0\0\0\0\0\0", 8}) == 0x224B7FA3U);
}

TEST_CASE("tensorboard_log: numbers of protocol buffers, and the frame of a record, byte by byte") {
  using namespace io::detail;
  using namespace std::string_literals;
  CHECK(varint(0) == "\0"s);
  CHECK(varint(127) == "\x7f");
  CHECK(varint(300) == "\xac\x02");
  CHECK(varint(18446744073709551615U) == "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
  CHECK(proto_number(1, 150) == "\x08\x96\x01");
  CHECK(proto_bytes(2, "testing") == "\x12\x07testing");
  CHECK(proto_double(1, 1) == "\x09\0\0\0\0\0\0\xf0\x3f"s);
  CHECK(proto_float(2, -2) == "\x15\0\0\0\xc0"s);
  const std::string frame = tf_record("abc");
  REQUIRE(frame.size() == 8 + 4 + 3 + 4);
  CHECK(frame.substr(0, 8) == "\x03\0\0\0\0\0\0\0"s);
  CHECK(frame.substr(12, 3) == "abc");
}

TEST_CASE("tensorboard_log: epochs and steps of one run are in one file") {
  const temporary_folder folder;
  const auto run = folder.path / "runs" / "first";
  const double before = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  const io::tensorboard_log board(run);
  const std::function<void(const localis::step_event&)> on_step = board;
  const std::function<void(const localis::epoch_record&)> on_epoch = board;
  on_step({2, 5, 3, 10, 1, 0.5, 0.05, 1, 0.125, 48});
  localis::epoch_record epoch = logs::epoch(2);
  epoch.validation_metrics = {{"top_5", 0.75}, {"error", logs::none}};
  on_epoch(epoch);
  const auto files = files_of(run);
  REQUIRE(files.size() == 1);
  CHECK(files[0].filename().string().rfind(
            "events.out.tfevents." + std::to_string(static_cast<long>(before)).substr(0, 8), 0) == 0);
  const auto events = read_events(files[0]);
  REQUIRE(events.size() == 3);
  CHECK(events[0].version == "brain.Event:2");
  for (const event& e : events) {
    CHECK(e.wall_time >= before);
    CHECK(e.wall_time < before + 60);
  }
  CHECK(events[1].step == 23);
  CHECK(events[1].scalars == std::map<std::string, float>{{"step/boundary", 1.0F},
                                                          {"step/epoch", 2.0F},
                                                          {"step/epochs", 5.0F},
                                                          {"step/gain", 1.0F},
                                                          {"step/learning_rate", 0.05F},
                                                          {"step/loss", 0.5F},
                                                          {"step/samples", 48.0F},
                                                          {"step/seconds", 0.125F},
                                                          {"step/steps", 10.0F}});
  CHECK(events[2].step == 2);
  CHECK(events[2].scalars.size() == 15);  // of 21, without the epoch and five that are not there
  CHECK(events[2].scalars.at("epoch/loss") == 0.3F);
  CHECK(events[2].scalars.at("epoch/stage_update_norms/1") == 2.5F);
  CHECK(events[2].scalars.at("epoch/validation_metrics/top_5") == 0.75F);
  CHECK(std::isinf(events[2].scalars.at("epoch/update_norm")));
  CHECK(events[2].scalars.count("epoch/validation_loss") == 0);
}

TEST_CASE("tensorboard_log: a run that goes on has a second file, and replace removes event files and nothing else") {
  const temporary_folder folder;
  io::tensorboard_log{folder.path}(logs::epoch(0));
  io::tensorboard_log{folder.path}(logs::epoch(1));
  write_file(folder.path / "notes", "mine");
  auto files = files_of(folder.path);
  REQUIRE(files.size() == 3);
  CHECK(read_events(files[0]).at(1).step == 0);
  CHECK(read_events(files[1]).at(1).step == 1);
  io::tensorboard_log{folder.path, io::existing_log::replace}(logs::epoch(2));
  files = files_of(folder.path);
  REQUIRE(files.size() == 2);
  CHECK(read_events(files[0]).at(1).step == 2);
  CHECK(file_content(folder.path / "notes") == "mine");
}

TEST_CASE("tensorboard_log: nobody replaces the file of a log that is still there") {
  const temporary_folder folder;
  const auto replace = [&] { io::tensorboard_log{folder.path, io::existing_log::replace}(logs::epoch(2)); };
  {
    const io::tensorboard_log first(folder.path);
    const io::tensorboard_log second(folder.path);  // that goes on in the folder
    first(logs::epoch(0));
    CHECK(logs::complaint(replace) ==
          folder.path.string() + ": expected a folder that no log writes to, found one in use");
    const auto files = files_of(folder.path);
    REQUIRE(files.size() == 2);
    CHECK(read_events(files[0]).size() == 2);
  }
  CHECK(logs::complaint(replace) == "nothing");
  CHECK(files_of(folder.path).size() == 1);
}

TEST_CASE("tensorboard_log: a folder that cannot be made is named") {
  const temporary_folder folder;
  const auto taken = folder.path / "taken";
  write_file(taken, "a file");
  CHECK(logs::complaint([&] { io::tensorboard_log{taken}; }) ==
        taken.string() + ": cannot be written: Not a directory");
  CHECK(logs::complaint([] { io::tensorboard_log{"/proc/none"}; }) ==
        "/proc/none: cannot be written: No such file or directory");
}

TEST_CASE("tensorboard_log: TensorBoard reads the same tags, steps and values") {
  const temporary_folder folder;
  const auto run = folder.path / "run";
  std::vector<std::pair<std::size_t, localis::epoch_record>> expected;
  for (const std::size_t part : {0U, 1U}) {  // interrupted, and taken up
    const io::tensorboard_log board(run);
    for (std::size_t e = 3 * part; e < 3 * part + 3; ++e) {
      localis::epoch_record record = logs::epoch(e);
      record.loss = 1 / static_cast<double>(e + 3);
      board(record);
      board(logs::reward{.step = 100 * e, .mean = -0.1 * static_cast<double>(e)});
    }
  }
  std::ofstream values(folder.path / "expected");
  for (std::size_t e = 0; e < 6; ++e) {
    values << "epoch/loss " << e << ' ' << std::hexfloat << 1 / static_cast<double>(e + 3) << '\n'
           << "reward/mean " << 100 * e << ' ' << -0.1 * static_cast<double>(e) << '\n'
           << "epoch/stage_update_norms/1 " << e << ' ' << 2.5 << '\n';
  }
  values.close();
  const char* python = std::getenv("LOCALIS_PYTHON");
  const std::string command = std::string(python != nullptr ? python : "python3") + ' ' +
                              shell_word(LOCALIS_SOURCE "/tests/io/real_tensorboard.py") + ' ' +
                              shell_word(run.string()) + ' ' + shell_word((folder.path / "expected").string());
  const int status = std::system(command.c_str());
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  if (code == 77 || code == 127) {
    MESSAGE("skipped: no python3 with the package tensorboard (LOCALIS_PYTHON may name one)");
    return;
  }
  CHECK(code == 0);
}
