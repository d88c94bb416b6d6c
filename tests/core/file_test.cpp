#include <cstdint>
#include <string>
#include <string_view>

#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>

#include <localis/core/file.hpp>

using localis::detail::found_kind;
using localis::detail::kind_of_file;
using namespace std::string_view_literals;

TEST_CASE("kind_of_file: by the first bytes, and nothing where they do not tell") {
  CHECK(kind_of_file("\x1F\x8B\x08\0"sv) == "gzip data");
  CHECK(kind_of_file("\xFD"
                     "7zXZ\0\0"sv) == "xz data");
  CHECK(kind_of_file("\x89PNG\r\n\x1A\n\0"sv) == "a PNG picture");
  CHECK(kind_of_file("\xFF\xD8\xFF\xE0"sv) == "a JPEG picture");
  CHECK(kind_of_file("RIFF\x10\0\0\0WEBPVP8 "sv) == "a WebP picture");
  CHECK(kind_of_file(std::string(257, 'x') + "ustar") == "a tar archive");
  CHECK(kind_of_file("\x80\x04\x95"sv) == "a Python pickle");
  CHECK(kind_of_file("\x7F"
                     "ELF\x02"sv) == "a program");
  CHECK(kind_of_file("\0\0\x08\x03\0\0\xEA\x60"sv) == "an IDX file of pictures");
  CHECK(kind_of_file("\x40\0\0\0\0\0\0\0{\"a\":"sv) == "a safetensors file");
  for (const char* page : {"<!DOCTYPE html>\n", "\n  <!doctype HTML lang", "<html>", "<HTML lang='en'>"})
    CHECK(kind_of_file(page) == "an HTML page");
  for (const char* json : {"{}", "{\"a\": 1}", " {\n", "{"}) CHECK(kind_of_file(json) == "JSON");
  CHECK(kind_of_file("version https://git-lfs.github.com/spec/v1\n").find("Git LFS") != std::string_view::npos);
  for (const char* unknown : {"", "P", "<", "epoch,loss\r\n", "{x}", "\x1F"}) CHECK(kind_of_file(unknown).empty());
}

TEST_CASE("found_kind: the kind of a file, or what else there is to say") {
  const temporary_folder folder;
  CHECK(found_kind(folder.file("a", "PK\x03\x04..."), "7") == "a ZIP archive");
  CHECK(found_kind(folder.file("b", "12345678"), "7") == "7");
  CHECK(found_kind(folder.file("c", "{}"), "no name", "JSON") == "no name");
  CHECK(found_kind(folder / "none", "7") == "7");
}
