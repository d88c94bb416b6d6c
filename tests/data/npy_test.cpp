#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "support/message.hpp"
#include "support/shell_word.hpp"
#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>
#include <sys/wait.h>

#include <localis/core/error.hpp>
#include <localis/data/csv.hpp>
#include <localis/data/npy.hpp>

namespace lo = localis;
namespace data = localis::data;
using localis_test::message;
using floats = std::vector<float>;

namespace {

const std::string_view plain = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }\n";

std::string number(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  std::string bytes;
  for (const unsigned shift : {0U, 8U, 16U, 24U}) bytes += static_cast<char>(bits >> shift & 0xFF);
  return bytes;
}
const std::string four = number(1) + number(-2.5F) + number(3) + number(4);

std::string file(std::string_view header, const std::string& body = four, char version = 1) {
  std::string bytes = "\x93NUMPY";
  bytes += version;
  bytes += '\0';
  const std::size_t width = version == 1 ? 2 : 4;
  for (std::size_t i = 0; i < width; ++i) bytes += static_cast<char>(header.size() >> 8 * i & 0xFF);
  return bytes.append(header) + body;
}

data::npy_file parsed(const std::string& content) {
  data::memory_source source({reinterpret_cast<const std::uint8_t*>(content.data()), content.size()}, "x");
  return data::parse_npy(source);
}
std::string refusal(const std::string& content) {
  return message<lo::data_error>([&] { (void)data::join_npy(parsed(content)); });
}

floats all_of(const data::table& source) {
  floats all;
  floats row(data::shape_of(source).size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    (void)source.read(i, row);
    all.insert(all.end(), row.begin(), row.end());
  }
  return all;
}

}  // namespace

TEST_CASE("npy: a matrix of floats, in each version, with keys in any order") {
  for (const char version : {'\1', '\2', '\3'})
    CHECK(all_of(data::join_npy(parsed(file(plain, four, version)))) == floats{1, -2.5F, 3, 4});
  const data::npy_file other = parsed(file("{ \"shape\":(4,),'fortran_order':False,  'descr':'<f4'}   \n"));
  CHECK(other.extents == std::vector<std::size_t>{4});
  CHECK(data::shape_of(data::join_npy(other)) == lo::shape{1, 1, 1});
}

TEST_CASE("npy: numbers of every type") {
  const std::string ones(8, '\xFF');
  const auto first = [&](const char* type, const std::string& body) {
    return parsed(file(lo::text("{'descr': '", type, "', 'fortran_order': False, 'shape': (1,), }\n"), body))[0];
  };
  CHECK(first("|u1", ones.substr(0, 1)) == 255);
  CHECK(first("<i4", ones.substr(0, 4)) == -1);
  CHECK(first("<i8", ones) == -1);
  CHECK(first("<i8", std::string("\x01\x02\0\0\0\0\0\0", 8)) == 513);
  CHECK(first("<f4", number(0.1F)) == static_cast<double>(0.1F));
  CHECK(first("<f8", std::string("\0\0\0\0\0\0\xF8\x3F", 8)) == 1.5);
}

TEST_CASE("npy: one file with columns, or two of features and labels or targets") {
  const data::npy_file matrix = parsed(file(plain));
  const data::table chosen = data::join_npy(matrix, {.targets = {1}});
  floats target(1);
  chosen.read_target(0, target);
  CHECK(target[0] == -2.5F);
  CHECK(all_of(chosen) == floats{1, 3});

  const data::npy_file labels =
      parsed(file("{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }\n", std::string("\x02\x01", 2)));
  const data::table labelled = data::join_npy(matrix, labels, 3);
  floats row(2);
  CHECK(labelled.read(0, row) == 2);
  CHECK(labelled.read(1, row) == 1);
  CHECK(row == floats{3, 4});
  CHECK(message<lo::data_error>([&] { (void)data::join_npy(matrix, labels, 2); }) ==
        "x: at byte 68: expected a class less than 2, or -1, found 2");
  const data::table regression = data::join_npy(matrix, matrix, 0);
  CHECK(regression.targets() == 2);
  CHECK(data::join_npy(matrix, labels, 0).targets() == 1);
  CHECK(message<lo::data_error>([&] { (void)data::join_npy(matrix, matrix, 3); }) ==
        "x: expected an array of 2 rows, as many as x has, found 2 extents and 2 rows");
  CHECK(message<lo::data_error>([&] { (void)data::join_npy(labels, {.targets = {0}}); }) ==
        "x: expected a matrix, since columns are labels or targets, found 1 extents");
  CHECK_THROWS_AS((void)data::join_npy(matrix, {.label = 0}), lo::config_error);
}

TEST_CASE("npy: a damaged file is refused with offset, expected and found") {
  const std::string good = file(plain);
  CHECK(refusal("") == "x: at byte 0: expected a NumPy array (\\x93NUMPY), found another beginning");
  CHECK(refusal("PK\x03\x04 an archive") == "x: at byte 0: expected a NumPy array (\\x93NUMPY), found a ZIP archive");
  CHECK(refusal(good.substr(0, 7)) == "x: at byte 7: expected a header of 10 bytes or more, found the end of the file");
  CHECK(refusal(file(plain, four, 4)) == "x: at byte 6: expected version 1.0, 2.0 or 3.0, found 4.0");
  CHECK(refusal(good.substr(0, 30)) ==
        "x: at byte 8: expected a header within the 30 bytes of the file, found one of 60 bytes");
  CHECK(refusal(good.substr(0, good.size() - 1)) ==
        "x: at byte 85: expected 86 bytes in all, as the header says, found at most 85");
  CHECK(refusal(good + "x") ==
        "x: at byte 86: expected the end of the file after 86 bytes in all, as the header says, found more bytes");
  const auto header = [&](const std::string& text) { return refusal(file(text)); };
  CHECK(header("{'descr': '>f4', 'fortran_order': False, 'shape': (2, 2), }\n") ==
        "x: at byte 20: expected a type of '<f4', '<f8', '|u1', '<i4' and '<i8', found \"'>f4', 'fortran_order': \"");
  CHECK(header("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2), }\n") ==
        "x: at byte 44: expected False, since numbers must be in C order (numpy.ascontiguousarray), found \"True, "
        "'shape': (2, 2), }\"");
  CHECK(header("{'descr': '<f4', 'fortran_order': False, }\n") ==
        "x: at byte 52: expected all of 'descr', 'fortran_order' and 'shape' before it, found \"?\"");
  CHECK(header("{'descr': '<f4', 'descr': '<f4'}\n") == "x: at byte 35: expected each key once, found \" '<f4'}?\"");
  CHECK(header("{'other': 1}\n") ==
        "x: at byte 19: expected the key 'descr', 'fortran_order' or 'shape' before it, found \" 1}?\"");
  CHECK(header("{'shape': (2, 2) 'descr'}\n") == "x: at byte 27: expected ',', found \"'descr'}?\"");
  CHECK(header("{'shape': ()}\n") ==
        "x: at byte 21: expected an extent: one number alone is no data set, found \")}?\"");
  CHECK(header("{'shape': (0, 3)}\n") == "x: at byte 21: expected an extent of at least 1, found \"0, 3)}?\"");
  CHECK(header("{'shape': (-1,)}\n") == "x: at byte 21: expected an extent of at least 1, found \"-1,)}?\"");
  CHECK(header("{'shape': (1,1,1,1,1)}\n") == "x: at byte 29: expected at most 4 extents, found \"1)}?\"");
  CHECK(header("{'shape': (99999999999999999999,)}\n") ==
        "x: at byte 40: expected an extent that fits in memory, found \"9,)}?\"");
  CHECK(header("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }\n") ==
        "x: at byte 10: expected extents whose product fits in memory, found 4294967296 as one of them");
  CHECK(header(std::string(plain.substr(0, plain.size() - 1)) + " x\n") ==
        "x: at byte 70: expected a line that ends behind the dictionary, found \"x?\"");
  CHECK(header("") == "x: at byte 10: expected '{', found the end of the header");
  CHECK(header("{'descr") == "x: at byte 11: expected a name in quotes, found \"'descr\"");
  CHECK(refusal(file(plain, number(1) + number(std::numeric_limits<float>::infinity()) + number(1) + number(1))) ==
        "x: at byte 74: expected a finite number of float's range, found inf");
}

TEST_CASE("npy: what NumPy itself has written") {
  const temporary_folder folder;
  const char* python = std::getenv("LOCALIS_PYTHON");
  const std::string script = std::string(LOCALIS_SOURCE) + "/tests/data/real_npy.py";
  const std::string command = std::string(python != nullptr ? python : "python3") + ' ' + shell_word(script) + ' ' +
                              shell_word(folder.path.string());
  const int status = std::system(command.c_str());
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  if (code == 77 || code == 127) {
    MESSAGE("skipped: no python3 with the package numpy (LOCALIS_PYTHON may name one)");
    return;
  }
  REQUIRE(code == 0);
  floats expected(24);
  for (std::size_t i = 0; i < 24; ++i) expected[i] = static_cast<float>(i);
  for (const char* type : {"f4", "f8", "u1", "i4", "i8"})
    for (const char* version : {"1", "2", "3"}) {
      const data::table read = data::read_npy(folder / (std::string(type) + '.' + version + ".npy"));
      CHECK(data::shape_of(read) == lo::shape{1, 1, 6});
      CHECK(all_of(read) == expected);
    }
  CHECK(all_of(data::read_npy(folder / "fractions.npy")) == floats{0.1F, -2.5e-8F, 3e38F});
  const data::table pictures = data::read_npy(folder / "pictures.npy");
  CHECK(data::shape_of(pictures) == lo::shape{2, 2, 3});
  CHECK(all_of(pictures) == expected);
  CHECK(data::shape_of(data::read_npy(folder / "grey.npy")) == lo::shape{3, 4, 1});
  const data::table labelled = data::read_npy(folder / "f4.1.npy", folder / "labels.npy", 3);
  floats row(6);
  CHECK(labelled.read(0, row) == 2);
  CHECK(labelled.read(2, row) == data::unlabelled);
  CHECK(all_of(data::read_csv(folder / "text.csv")) == all_of(data::read_npy(folder / "text.npy")));
  for (const char* other : {"fortran", "big", "half", "complex", "objects", "records", "scalar", "empty"}) {
    CAPTURE(other);
    CHECK(message<lo::data_error>([&] {
            (void)data::read_npy(folder / (std::string(other) + ".npy"));
          }).find(std::string(other) + ".npy: at byte ") != std::string::npos);
  }
}
