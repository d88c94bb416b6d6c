#pragma once

#include <functional>
#include <string>

namespace localis_test {

/// What a call throws, or "nothing".
template <class Error>
std::string message(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing";
}

}  // namespace localis_test
