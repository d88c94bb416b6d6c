#include <string_view>

#include <doctest/doctest.h>

#include <localis/core/utf8.hpp>

using localis::detail::is_utf8;

TEST_CASE("is_utf8: as RFC 3629 has it") {
  for (const std::string_view good : {"", "plain", "\xC3\xA9", "\xE2\x82\xAC", "\xED\x9F\xBF", "\xEE\x80\x80",
                                      "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF", "a\xC3\xA9z"}) {
    CAPTURE(good);
    CHECK(is_utf8(good));
  }
  for (const std::string_view bad :
       {"\xE9", "donn\xE9s", "\x80", "\xC3", "\xE2\x82", "\xF0\x90\x80", "\xC0\xAF", "\xC1\xBF", "\xE0\x9F\xBF",
        "\xED\xA0\x80", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xC3\xC3\xA9"}) {
    CAPTURE(bad.size());
    CHECK_FALSE(is_utf8(bad));
  }
}
