#pragma once

#include <exception>
#include <filesystem>
#include <iostream>
#include <string_view>

namespace parity {

/// The main function of a program that PyTorch is compared with: PROGRAM float|double INPUT RESULTS. Calls
/// run(scalar, input, results), where `scalar` is a float or a double.
template <class Run>
int run_in_scalar(int count, char** arguments, const Run& run) {
  if (count != 4) {
    std::cerr << "expected: float|double INPUT RESULTS\n";
    return 2;
  }
  try {
    const std::filesystem::path input = arguments[2];
    const std::filesystem::path results = arguments[3];
    if (std::string_view(arguments[1]) == "double") {
      run(double{}, input, results);
    } else {
      run(float{}, input, results);
    }
  } catch (const std::exception& failure) {
    std::cerr << failure.what() << '\n';
    return 1;
  }
  return 0;
}

}  // namespace parity
