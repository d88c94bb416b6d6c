#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "support/file_faults.hpp"
#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>

#include <localis/io/write_safetensors.hpp>

namespace io = localis::io;

namespace {

/// The header with its length in front, then `values` bytes of 0.
std::string file(const std::string& header, std::size_t values = 0) {
  std::string result;
  for (int shift = 0; shift < 64; shift += 8) result += static_cast<char>(header.size() >> shift & 0xFF);
  return result + header + std::string(values, '\0');
}

std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& offsets) {
  return '"' + name + R"(":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + '}';
}

/// What is said of these bytes, without the path in front.
std::string verdict(const std::string& content) {
  const temporary_folder folder;
  const auto path = folder.write("tensors", content);
  try {
    io::safetensors opened(path);
  } catch (const localis::data_error& error) {
    const std::string message = error.what();
    REQUIRE(message.find(path.string() + ": ") == 0);
    return message.substr(path.string().size() + 2);
  }
  return "no error";
}

template <class Value>
std::vector<Value> values(io::safetensors& from, const std::string& tensor) {
  std::vector<Value> result(from.info(tensor).size());
  from.read(tensor, result);
  return result;
}

const std::filesystem::path here = std::filesystem::path(LOCALIS_SOURCE) / "tests/io";

const io::metadata_map pytorch = {{"format", "pt"}};

}  // namespace

TEST_CASE("a file of the format's own program is read, each of its types") {
  io::safetensors from(here / "real.safetensors");
  CHECK(from.metadata() == pytorch);
  CHECK(from.names() == std::vector<std::string>{"a \"name\" with \xC3\xA4 and \\", "bn.num_batches_tracked", "brain",
                                                 "conv.bias", "conv.weight", "empty", "half", "mask", "precise",
                                                 "scalar"});
  CHECK(from.info("conv.weight").dtype == "F32");
  CHECK(from.info("conv.weight").shape == std::vector<std::size_t>{2, 3, 1, 1});
  CHECK(values<float>(from, "conv.weight") == std::vector<float>{0.5F, -1.25F, 3.0e-3F, 1.0e20F, 0.0F, 6.0F});
  CHECK(std::signbit(values<double>(from, "conv.weight")[4]));
  CHECK(values<double>(from, "precise") == std::vector<double>{0.1, -1.0e-300, 2.0});
  CHECK(values<float>(from, "precise") == std::vector<float>{0.1F, 0.0F, 2.0F});
  CHECK(from.info("scalar").shape.empty());
  CHECK(values<double>(from, "scalar") == std::vector<double>{42});
  CHECK(values<float>(from, "empty").empty());
  CHECK(values<std::int64_t>(from, "bn.num_batches_tracked") == std::vector<std::int64_t>{-1234567890123});
  constexpr float infinite = std::numeric_limits<float>::infinity();
  CHECK(values<float>(from, "half") ==
        std::vector<float>{0, 0, 1, -2.5F, 65504, std::ldexp(1.0F, -24), infinite, -infinite});
  CHECK(values<double>(from, "brain") == std::vector<double>{1, -2.5, std::ldexp(1.0, -133), infinite});
  CHECK(std::isnan(io::detail::from_half(0x7C01)));
  CHECK(io::detail::from_half(0x8400) == -std::ldexp(1.0F, -14));
}

TEST_CASE("every half and bfloat16 is converted exactly") {
  for (std::uint32_t word = 0; word < 0x10000; ++word) {
    const float half = io::detail::from_half(static_cast<std::uint16_t>(word));
    // The same digits with the exponent of a float, whose bias is 112 larger; this holds below 1, too.
    const float moved = std::ldexp(std::bit_cast<float>((word & 0x7FFF) << 13), 112);
    if ((word & 0x7C00) < 0x7C00) {
      REQUIRE(std::bit_cast<std::uint32_t>(half) ==
              std::bit_cast<std::uint32_t>((word & 0x8000) != 0 ? -moved : moved));
    } else {
      REQUIRE(((word & 0x3FF) == 0 ? std::isinf(half) : std::isnan(half)));
    }
    REQUIRE(std::bit_cast<std::uint32_t>(io::detail::from_bfloat(static_cast<std::uint16_t>(word))) == word << 16);
  }
}

TEST_CASE("a tensor of another dtype, shape or name is refused") {
  io::safetensors from(here / "real.safetensors");
  const std::string name = from.name();
  std::array<float, 6> six{};
  std::array<std::int64_t, 6> integers{};
  const std::vector<std::size_t> wrong = {3, 2, 1, 1};
  const std::vector<std::size_t> right = {2, 3, 1, 1};
  const std::vector<std::size_t> shorter = {2, 3};
  CHECK_NOTHROW(from.read("conv.weight", right, six));
  CHECK_THROWS_WITH_AS(from.read("conv.weight", wrong, six),
                       (name + ": tensor \"conv.weight\": expected shape 3x2x1x1, found 2x3x1x1").c_str(),
                       localis::shape_error);
  CHECK_THROWS_AS(from.read("conv.weight", shorter, six), localis::shape_error);
  CHECK_THROWS_WITH_AS(from.read("conv.weight", std::span(six).first(5)),
                       (name + ": tensor \"conv.weight\": expected 5 values, found 6 (2x3x1x1)").c_str(),
                       localis::shape_error);
  CHECK_THROWS_WITH_AS(from.read("mask", std::span(six).first(3)),
                       (name + ": tensor \"mask\": expected dtype F32, F64, F16 or BF16, found BOOL").c_str(),
                       localis::data_error);
  CHECK_THROWS_WITH_AS(from.read("conv.weight", integers),
                       (name + ": tensor \"conv.weight\": expected dtype I64, found F32").c_str(), localis::data_error);
  CHECK_THROWS_WITH_AS(from.read("conv.wait", six),
                       (name + ": expected a tensor \"conv.wait\", found none of that name among 10").c_str(),
                       localis::data_error);
}

TEST_CASE("what is missing and what is too many is listed") {
  io::safetensors from(here / "real.safetensors");
  std::vector<std::string> names = from.names();
  CHECK_NOTHROW(from.expect_names(names));
  std::swap(names[0], names[5]);  // the order does not matter
  CHECK_NOTHROW(from.expect_names(names));
  const std::vector<std::string> others = {"empty", "fc.bias", names[5], "conv.bias", "fc.weight",
                                           "mask",  "half",    "brain",  "scalar"};
  CHECK_THROWS_WITH_AS(from.expect_names(others),
                       (from.name() + ": expected 9 tensors, found 10; missing: fc.bias, fc.weight; not expected: "
                                      "bn.num_batches_tracked, conv.weight, precise")
                           .c_str(),
                       localis::data_error);
}

TEST_CASE("a broken header is named") {
  CHECK(verdict(file("{}")) == "no error");
  CHECK(verdict(file("{}   ")) == "no error");
  CHECK(verdict("") == "at byte 0: expected a header's length of 8 bytes, found the end of the file");
  CHECK(verdict("1234567") == "at byte 7: expected a header's length of 8 bytes, found the end of the file");
  CHECK(verdict("PK\x03\x04 an archive of torch.save") ==
        "at byte 0: expected a header of at most 21 bytes, found a ZIP archive");
  CHECK(verdict("{}") == "at byte 2: expected a header's length of 8 bytes, found JSON");
  CHECK(verdict(file("{}").substr(0, 9)) == "at byte 0: expected a header of at most 1 bytes, found 2");
  CHECK(verdict(std::string(8, '\xFF') + "{}") ==
        "at byte 0: expected a header of at most 2 bytes, found 18446744073709551615");
  CHECK(verdict(std::string(8, '\0')) == "at byte 8: expected a header in JSON that starts with {, found nothing");
  CHECK(verdict(file(" {}")) == "at byte 8: expected a header in JSON that starts with {, found another byte");
  for (const char* json : {"{", "{\"a\"}", "{}}", "{\"\xFF\":1}", "{\"a\":1,}"})
    CHECK(verdict(file(json)).find("at byte 8: expected a header in JSON, found [json.exception.parse_error") == 0);
  CHECK(verdict(file("{" + std::string(100000, '[')))  // so deep that a parser that recurses would fall
            .find("at byte 8: expected a header in JSON, found") == 0);
  for (const char* before : {"", R"("dtype":"F32","shape":[1],"data_offsets":)"}) {  // nor one who quotes it
    const std::string deep = std::string(100000, '[') + std::string(100000, ']');
    CHECK(verdict(file(R"({"a":)" + (*before == '\0' ? deep : '{' + std::string(before) + deep + '}') + '}')) ==
          "header: expected JSON of at most 16 levels, found more");
  }
  CHECK(verdict(file(R"({"__metadata__":{"format":3}})")) == "__metadata__: expected strings by name");
  CHECK(verdict(file(R"({"__metadata__":[]})")) == "__metadata__: expected strings by name");
  const std::string a = entry("a", "F32", "[1]", "[0,4]");
  CHECK(verdict(file("{" + a + "}", 4)) == "no error");
  CHECK(verdict(file("{" + a + "," + a + "}", 4)) == "header: expected every name once, found \"a\" twice");
  CHECK(verdict(file(R"({"a":{"dtype":"F32","dtype":"F64","shape":[1],"data_offsets":[0,4]}})", 4)) ==
        "header: expected every name once, found \"dtype\" twice");
  CHECK(verdict(file(R"({"__metadata__":{"a":"1","a":"2"}})")) ==
        "header: expected every name once, found \"a\" twice");
}

TEST_CASE("a header of many parts takes time in proportion") {  // and not with their square, minutes
  std::string many = R"({"a":[{})";
  for (int i = 0; i < 1000000; ++i) many += ",{}";
  CHECK(verdict(file(many + "]}")).find("tensor \"a\": expected the fields dtype, shape and data_offsets") == 0);
}

TEST_CASE("a longer header than the format allows is refused before memory is taken for it") {
  const temporary_folder folder;
  const std::size_t header = 100'000'001;
  std::string length;
  for (int shift = 0; shift < 64; shift += 8) length += static_cast<char>(header >> shift & 0xFF);
  const auto path = folder.write("long", length);
  std::filesystem::resize_file(path, 8 + header);
  CHECK_THROWS_WITH_AS(
      io::safetensors{path},
      (path.string() + ": at byte 0: expected a header of at most 100000000 bytes, found 100000001").c_str(),
      localis::data_error);
  CHECK_THROWS_WITH_AS(io::safetensors{folder.path / "absent"},
                       ((folder.path / "absent").string() + ": expected a readable file, found: No such file or "
                                                            "directory")
                           .c_str(),
                       localis::data_error);
}

TEST_CASE("a tensor's broken fields are named") {
  const auto one = [](const std::string& dtype, const std::string& shape, const std::string& offsets,
                      std::size_t bytes) {
    return verdict(file("{" + entry("a", dtype, shape, offsets) + "}", bytes));
  };
  CHECK(one("F32", "[2,3]", "[0,24]", 24) == "no error");
  CHECK(one("F4", "[3,2]", "[0,3]", 3) == "no error");
  CHECK(one("F31", "[1]", "[0,4]", 4) == "tensor \"a\": expected a dtype of the format, found \"F31\"");
  CHECK(one("F32", "2", "[0,4]", 4) == "tensor \"a\": expected a shape of whole numbers, found 2");
  CHECK(one("F32", "[-1]", "[0,4]", 4) == "tensor \"a\": expected a shape of whole numbers, found [-1]");
  CHECK(one("F32", "[1.5]", "[0,4]", 4) == "tensor \"a\": expected a shape of whole numbers, found [1.5]");
  CHECK(one("F32", "[\"1\"]", "[0,4]", 4) == "tensor \"a\": expected a shape of whole numbers, found [\"1\"]");
  CHECK(one("F32", "[1]", "[0]", 4) == "tensor \"a\": expected two data_offsets, found [0]");
  CHECK(one("F32", "[1]", "[0,4,8]", 4) == "tensor \"a\": expected two data_offsets, found [0,4,8]");
  CHECK(one("F32", "[1]", "[-4,0]", 4) == "tensor \"a\": expected two data_offsets, found [-4,0]");
  CHECK(one("F32", "[1]", "[4,0]", 4) == "tensor \"a\": expected data_offsets 4 bytes apart for F32 1, found [4, 0]");
  CHECK(one("F64", "[2]", "[0,8]", 8) == "tensor \"a\": expected data_offsets 16 bytes apart for F64 2, found [0, 8]");
  CHECK(one("F4", "[3]", "[0,2]", 2) ==
        "tensor \"a\": expected data_offsets that hold whole bytes for F4 3, found [0, 2]");
  CHECK(one("F32", "[4294967296,4294967296,4294967296]", "[0,4]", 4) ==
        "tensor \"a\": expected data_offsets that hold whole bytes for F32 4294967296x4294967296x4294967296, found "
        "[0, 4]");
  CHECK(one("F32", "[4294967296,4294967296,4294967296,0]", "[0,0]", 0) == "no error");
  CHECK(verdict(file(R"({"a":{"dtype":"F32","shape":[1]}})", 4)) ==
        "tensor \"a\": expected the fields dtype, shape and data_offsets, found {\"dtype\":\"F32\",\"shape\":[1]}");
  CHECK(verdict(file(R"({"a":7})")) == "tensor \"a\": expected the fields dtype, shape and data_offsets, found 7");
}

TEST_CASE("tensors that overlap, leave a hole, or leave the file are named") {
  const auto two = [](const std::string& first, const std::string& second, std::size_t bytes) {
    return verdict(file("{" + entry("a", "F32", "[2]", first) + "," + entry("b", "F32", "[1]", second) + "}", bytes));
  };
  CHECK(two("[0,8]", "[8,12]", 12) == "no error");
  CHECK(two("[4,12]", "[0,4]", 12) == "no error");
  CHECK(two("[0,8]", "[4,8]", 8) ==
        "tensor \"b\": expected data_offsets from 8, where the tensor before it ends, found [4, 8]: they overlap");
  CHECK(two("[0,8]", "[12,16]", 16) ==
        "tensor \"b\": expected data_offsets from 8, where the tensor before it ends, found [12, 16]: a hole");
  CHECK(two("[4,12]", "[12,16]", 16) ==
        "tensor \"a\": expected data_offsets from 0, where the tensor before it ends, found [4, 12]: a hole");
  CHECK(two("[0,8]", "[8,12]", 11) ==
        "tensor \"b\": expected data_offsets of at most 11, the bytes after the header, found [8, 12]");
  CHECK(two("[0,8]", "[18446744073709551612,18446744073709551616]", 8).find("expected two data_offsets") !=
        std::string::npos);
  const std::string longer = file("{" + entry("a", "F32", "[1]", "[0,4]") + "}", 6);
  CHECK(verdict(longer) == "at byte " + std::to_string(longer.size() - 2) +
                               ": expected the end of the file after the last tensor, found 2 bytes more");
}

TEST_CASE("a double that no float can hold is an error, and so is a file that was cut after it was opened") {
  const temporary_folder folder;
  const std::array<double, 2> large = {1, -1e300};
  io::write_safetensors(folder.path / "x", {{"a", {2}, large}});
  io::safetensors from(folder.path / "x");
  std::array<float, 2> floats{};
  CHECK_THROWS_WITH_AS(from.read("a", floats),
                       (from.name() + ": tensor \"a\": value 1: expected one that fits a float, found -1e+300").c_str(),
                       localis::data_error);
  const std::size_t size = std::filesystem::file_size(folder.path / "x");
  std::array<double, 2> doubles{};
  std::filesystem::resize_file(folder.path / "x", size + 5);  // what it has more than its header said is not looked at
  from.read("a", doubles);
  CHECK(doubles == large);
  std::filesystem::resize_file(folder.path / "x", size - 3);
  const std::string cut = localis::text(from.name(), ": tensor \"a\": at byte ", size - 3,
                                        ": expected 3 bytes more, found the end of the file");
  CHECK_THROWS_WITH_AS(from.read("a", doubles), cut.c_str(), localis::data_error);
  std::filesystem::remove(folder.path / "x");
  CHECK_THROWS_WITH_AS(from.read("a", doubles), cut.c_str(), localis::data_error);
}

TEST_CASE("a file that may not be read says so") {
  const temporary_folder folder;
  const auto path = folder.write("secret", file("{}"));
  const file_faults::permissions none(path, std::filesystem::perms::none);
  const std::string message = file_faults::refusal_as_nobody([&] { io::safetensors opened(path); });
  if (!message.empty()) CHECK(message == path.string() + ": expected a readable file, found: Permission denied");
}

TEST_CASE("no broken file is read past its end, nor believed") {
  const temporary_folder folder;
  const std::string good = file_content(here / "real.safetensors");
  REQUIRE(good.size() > 700);
  const auto survives = [&](const std::string& broken) {
    const auto path = folder.write("broken", broken);
    try {
      io::safetensors from(path);
      for (const auto& [name, info] : from.tensors()) {
        std::vector<float> into(info.size());
        try {
          from.read(name, into);
        } catch (const localis::data_error&) {
        }
      }
      return true;
    } catch (const localis::data_error&) {
      return false;
    }
  };
  CHECK(survives(good));
  for (std::size_t keep = 0; keep < good.size(); ++keep) CHECK_FALSE(survives(good.substr(0, keep)));
  std::size_t accepted = 0;
  for (std::size_t at = 0; at < 0x2B0; ++at)
    for (const int change : {1, 2, 16, 128}) {
      std::string broken = good;
      broken[at] = static_cast<char>(broken[at] ^ change);
      accepted += survives(broken) ? 1U : 0U;
    }
  CHECK(accepted < 0x2B0);  // letters of names may change, and little else
}
