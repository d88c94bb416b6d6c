#pragma once

#include <clocale>
#include <locale>
#include <string>

/// What an application may do that localis is a part of.
class german final : public std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

/// While it lives, the program's locale has 16.384,5 for 16384.5: that of streams, and that of the C library, where the
/// system has one of that kind.
class german_locale {
 public:
  german_locale() : old_locale_(std::locale::global(std::locale(std::locale::classic(), new german))) {
    for (const char* name : {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE"})
      if (std::setlocale(LC_ALL, name) != nullptr) break;
  }
  ~german_locale() {
    std::locale::global(old_locale_);
    std::setlocale(LC_ALL, "C");
  }
  german_locale(const german_locale&) = delete;
  german_locale& operator=(const german_locale&) = delete;

 private:
  std::locale old_locale_;
};
