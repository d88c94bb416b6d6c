#pragma once

#include <string>

/// One word of a shell's command, whatever letters it has.
inline std::string shell_word(const std::string& text) {
  std::string word = "'";
  for (const char letter : text) word += letter == '\'' ? "'\\''" : std::string(1, letter);
  return word + '\'';
}
