#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "support/file_faults.hpp"
#include "support/shell_word.hpp"
#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>

#include <localis/io/write_safetensors.hpp>

namespace io = localis::io;

namespace {

template <class Value>
std::vector<Value> values(io::safetensors& from, const std::string& tensor) {
  std::vector<Value> result(from.info(tensor).size());
  from.read(tensor, result);
  return result;
}

const std::filesystem::path here = std::filesystem::path(LOCALIS_SOURCE) / "tests/io";

struct contents {
  std::array<float, 6> weight = {0.5F, -1.25F, 3.0e-3F, 1.0e20F, -0.0F, 6.0F};
  std::array<float, 2> bias = {1, -2};
  std::array<double, 3> precise = {0.1, -1.0e-300, 2.0};
  std::array<float, 1> scalar = {42};
  std::array<std::int64_t, 1> batches = {-1234567890123};
  std::array<float, 1> named = {7};

  /// In an order that is not the file's.
  std::vector<io::named_tensor> tensors() const {
    return {{"conv.weight", {2, 3, 1, 1}, weight},
            {"scalar", {}, scalar},
            {"empty", {0, 5}, std::span<const float>()},
            {"precise", {3}, precise},
            {"bn.num_batches_tracked", {}, batches},
            {"a \"name\" with \xC3\xA4 and \\", {1}, named},
            {"conv.bias", {2}, bias}};
  }
};

const io::metadata_map pytorch = {{"format", "pt"}};

}  // namespace

TEST_CASE("what is written is read back, bit for bit") {
  const temporary_folder folder;
  const contents all;
  io::write_safetensors(folder.path / "ours", all.tensors(), pytorch);
  CHECK(folder.names() == std::vector<std::string>{"ours"});
  io::safetensors from(folder.path / "ours");
  CHECK(from.metadata() == pytorch);
  CHECK(from.tensors().size() == 7);
  CHECK(values<float>(from, "conv.weight") == std::vector<float>(all.weight.begin(), all.weight.end()));
  CHECK(values<double>(from, "precise") == std::vector<double>(all.precise.begin(), all.precise.end()));
  CHECK(values<std::int64_t>(from, "bn.num_batches_tracked")[0] == all.batches[0]);
  CHECK(from.info("empty").shape == std::vector<std::size_t>{0, 5});

  // More than one piece of the buffers on both sides.
  std::vector<double> many(70001);
  for (std::size_t i = 0; i < many.size(); ++i) many[i] = std::sin(static_cast<double>(i));
  io::write_safetensors(folder.path / "many", {{"x", {1, 70001}, many}});
  io::safetensors big(folder.path / "many");
  CHECK(values<double>(big, "x") == many);
  CHECK(big.metadata().empty());

  io::write_safetensors(folder.path / "none", {});
  CHECK(io::safetensors(folder.path / "none").names().empty());
}

TEST_CASE("the format's own program takes what we write, and would have written the same bytes") {
  const char* python = std::getenv("LOCALIS_PYTHON");
  const temporary_folder folder;
  const auto path = folder.path / "ours";
  io::write_safetensors(path, contents().tensors(), pytorch);
  const std::string command = std::string(python != nullptr ? python : "python3") + ' ' +
                              shell_word((here / "real_safetensors.py").string()) + " check " +
                              shell_word(path.string());
  const int status = std::system(command.c_str());
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  if (code == 77 || code == 127) {
    MESSAGE("skipped: no python3 with the package safetensors (LOCALIS_PYTHON may name one)");
    return;
  }
  CHECK(code == 0);
}

TEST_CASE("bad tensors are not written, and nothing is lost by it") {
  const temporary_folder folder;
  const auto path = folder.write("kept", "as it was");
  const std::array<float, 2> two = {1, 2};
  const auto write = [&](const std::vector<io::named_tensor>& tensors, const io::metadata_map& metadata = {}) {
    io::write_safetensors(path, tensors, metadata);
  };
  CHECK_THROWS_WITH_AS(write({{"a", {3}, two}}), "write_safetensors: tensor \"a\": expected 3 values (3), found 2",
                       localis::shape_error);
  CHECK_THROWS_AS(write({{"a", {2}, two}, {"a", {1, 2}, two}}), localis::config_error);
  CHECK_THROWS_AS(write({{"__metadata__", {2}, two}}), localis::config_error);
  CHECK_THROWS_AS(write({{"\xFF", {2}, two}}), localis::config_error);
  CHECK_THROWS_AS(write({{"a", {2}, two}}, {{"key", "\xC3"}}), localis::config_error);
  CHECK(file_content(path) == "as it was");
}

TEST_CASE("what cannot be written says why, leaves what was there, and nothing beside it") {
  const temporary_folder folder;
  const std::vector<double> many(30000, 0.5);
  const auto refusal = [&](const std::filesystem::path& path) -> std::string {
    try {
      io::write_safetensors(path, {{"x", {30000}, many}});
    } catch (const localis::data_error& error) {
      return error.what();
    }
    return "nothing";
  };
  const auto because = [](const std::filesystem::path& path, const std::string& reason) {
    return path.string() + ": cannot be written" + reason;
  };
  const auto kept = folder.write("kept", "as it was");
  const auto unharmed = [&] {
    return file_content(kept) == "as it was" && folder.names() == std::vector<std::string>{"kept"};
  };

  for (const rlim_t most : {0U, 100U, 70000U, 240000U}) {  // in the header, in the values, in the last piece
    const file_faults::no_file_beyond limit(most);
    CHECK(refusal(kept) == because(kept, " (by way of a file beside it): File too large"));
    CHECK(unharmed());
  }
  CHECK(refusal("/dev/full") == "/dev/full: cannot be written: No space left on device");
  const auto absent = folder.path / "absent/x";
  CHECK(refusal(absent) == because(absent, " (by way of a file beside it): No such file or directory"));
  CHECK(refusal(kept / "x") == because(kept / "x", ": Not a directory"));
  CHECK(refusal(folder.path) == because(folder.path, ": Is a directory"));
  CHECK(unharmed());

  using std::filesystem::perms;
  const file_faults::permissions anybody(kept, perms::all);
  const file_faults::permissions read_only(
      folder.path, perms::owner_read | perms::owner_exec | perms::others_read | perms::others_exec);
  const std::string message = file_faults::refusal_as_nobody([&] { io::write_safetensors(kept, {}); });
  if (!message.empty()) CHECK(message == because(kept, " (by way of a file beside it): Permission denied"));
  CHECK(unharmed());
}
