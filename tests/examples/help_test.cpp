#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <string>

#include "lab/few_labels.hpp"
#include "lab/fixed_memory.hpp"
#include "lab/lab.hpp"
#include "lab/one_pass.hpp"
#include "lab/programs.hpp"
#include "lab/report/compare_reports.hpp"
#include "lab/rule_program.hpp"
#include "lab/shift.hpp"
#include "reproduce/options.hpp"
#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>

namespace {

/// What a program answers to --help.
template <class Run>
std::string told(const char* name, const Run& run) {
  const std::ostringstream out;
  auto* const buffer = std::cout.rdbuf(out.rdbuf());
  const char* words[] = {name, "--help"};
  const int status = run(2, words);
  std::cout.rdbuf(buffer);
  CHECK(status == 0);
  return out.str();
}
std::string told(const examples::settings& defaults) {
  return told(defaults.comparison.name, [&](int argc, const char* const* argv) {
    return examples::run_comparison(defaults, argc, argv, [](const examples::settings&) { return 1; });
  });
}

/// The letters alone: the layout and the capitals of headings are those of the release of CLI11.
std::string letters_of(std::string text) {
  std::erase_if(text, [](char letter) { return letter == ' ' || letter == '\n'; });
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char letter) { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter; });
  return text;
}

/// Compares with the file that examples/run.sh prints. LOCALIS_UPDATE_HELP=1 writes it.
void check_help(const std::string& name, const std::string& help) {
  const std::filesystem::path file = std::filesystem::path(LOCALIS_SOURCE) / "examples/lab/help" / (name + ".txt");
  if (std::getenv("LOCALIS_UPDATE_HELP") != nullptr) write_file(file, help);
  INFO("LOCALIS_UPDATE_HELP=1 writes ", file.string());
  CHECK(letters_of(file_content(file)) == letters_of(help));
}

}  // namespace

TEST_CASE("help: what run.sh tells before a build is what the built programs tell") {
  check_help("boundaries", told(examples::boundaries_program()));
  check_help("rules", told(examples::rules_program()));
  check_help("train_model", told(examples::model_program("train_model", "any")));
  check_help("few_labels", told("few_labels", [](int argc, const char* const* argv) {
               return examples::few_labels(argc, argv, [](const examples::few_labels_options&) { return 1; });
             }));
  check_help("one_pass", told("one_pass", [](int argc, const char* const* argv) {
               return examples::one_pass(argc, argv, [](const examples::one_pass_options&) { return 1; });
             }));
  check_help("shift", told("shift", [](int argc, const char* const* argv) {
               return examples::shift(argc, argv, [](const examples::setting_options&) { return 1; });
             }));
  check_help("fixed_memory", told("fixed_memory", [](int argc, const char* const* argv) {
               return examples::fixed_memory(argc, argv, [](const examples::fixed_memory_options&) { return 1; });
             }));
  check_help("reproduce_soft_hebb", told("reproduce_soft_hebb", [](int argc, const char* const* argv) {
               return examples::reproduce::soft_hebb(argc, argv, [](const examples::reproduce::options&) { return 1; });
             }));
  check_help("reproduce_local_losses", told("reproduce_local_losses", [](int argc, const char* const* argv) {
               return examples::reproduce::local_losses(argc, argv,
                                                        [](const examples::reproduce::options&) { return 1; });
             }));
  check_help("reproduce_krotov_hopfield", told("reproduce_krotov_hopfield", [](int argc, const char* const* argv) {
               return examples::reproduce::krotov_hopfield(
                   argc, argv, [](const examples::reproduce::krotov_hopfield_options&) { return 1; });
             }));
  check_help("reproduce_selective_localized",
             told("reproduce_selective_localized", [](int argc, const char* const* argv) {
               return examples::reproduce::selective_localized(
                   argc, argv, [](const examples::reproduce::selective_localized_options&) { return 1; });
             }));
  check_help("compare_reports", told("compare_reports", &examples::compare_reports));
}
