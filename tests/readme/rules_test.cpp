// The table of docs/rules.md is printed by this test, from what the rules cost as counted; LOCALIS_UPDATE_RULES=1
// writes it there.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iomanip>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <localis/backend/cpu/backend.hpp>
#include <localis/check/counting.hpp>
#include <localis/io/replace_file.hpp>
#include <localis/layer/dense.hpp>
#include <localis/math/activation.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>
#include <localis/rule/anti_hebb.hpp>
#include <localis/rule/bcm.hpp>
#include <localis/rule/covariance.hpp>
#include <localis/rule/error_feedback.hpp>
#include <localis/rule/hebb.hpp>
#include <localis/rule/instar.hpp>
#include <localis/rule/k_winners.hpp>
#include <localis/rule/krotov_hopfield.hpp>
#include <localis/rule/local_error.hpp>
#include <localis/rule/nonlinear_hpca.hpp>
#include <localis/rule/oja.hpp>
#include <localis/rule/sanger.hpp>
#include <localis/rule/soft_hebb.hpp>
#include <localis/rule/soft_winner_take_all.hpp>
#include <localis/rule/subspace.hpp>

namespace lo = localis;
namespace rule = localis::rule;

namespace {

constexpr std::size_t units = 64;
constexpr std::size_t inputs = 256;
constexpr std::size_t rows = 128;
constexpr const char* begin = "<!-- rules: written by tests/readme/rules_test.cpp -->\n";
constexpr const char* end = "<!-- end of rules -->";

/// One row: what the rule costs beside the response, in products of P I O multiply-adds, and what it keeps.
template <class Rule>
std::string row(const std::string& names, const std::string& learns, const std::string& forgets,
                const std::string& source) {
  using net = lo::network<lo::vector_input<inputs>, lo::dense<units, Rule>, lo::dense<10>>;
  const lo::check::counting<lo::cpu::backend<float>> backend;
  lo::model<net, lo::check::counting<lo::cpu::backend<float>>> m{{}, backend};
  m.prepare({.batch = rows, .samples = 60000});
  const std::vector<float> x(rows * inputs, 0.1F);
  const std::vector<std::uint32_t> labels(rows, 0);
  std::vector<std::uint32_t> indices(rows);
  for (std::size_t n = 0; n < rows; ++n) indices[n] = static_cast<std::uint32_t>(n);
  m.forward(x, rows, {.boundary = 1, .local_rate = 1e-3, .labels = labels, .indices = indices});
  std::size_t state = 0;
  for (const auto& s : m.template layer<0>().states()) state += s.size() * sizeof(float);
  const auto counts = backend.counts();
  const std::size_t response = rows * (inputs * units + units * 10);
  const double work = static_cast<double>(counts.total() - response) / static_cast<double>(rows * inputs * units);

  std::ostringstream line;
  line << "| " << names << " | " << learns << " | " << forgets << " | "
       << (rule::units_interact<Rule>() ? "dense, conv2d" : "dense, conv2d, depthwise") << " | "
       << (rule::supervised<Rule> ? "two" : "one") << " | " << std::fixed << std::setprecision(2) << work << " | "
       << state
       << (rule::supervised<Rule> && lo::detail::read_options<Rule>::remembers_errors ? " and 4 x classes per sample"
                                                                                      : "")
       << " | " << source << " |\n";
  return line.str();
}

std::string table() {
  std::string all =
      "| rule | gate G, by which a unit learns | what it forgets by | layers | passes | products | state bytes | "
      "source "
      "|\n|---|---|---|---|---|---|---|---|\n";
  all += row<rule::hebb>("`hebb`", "u", "0, optional decay", "Hebb 1949");
  all += row<rule::anti_hebb>("`anti_hebb`", "-u", "0", "");
  all += row<rule::covariance>("`covariance`", "u, less its mean; x likewise", "0", "Sejnowski 1977");
  all += row<rule::oja>("`oja`", "u", "u, itself", "Oja 1982");
  all += row<rule::subspace>("`subspace`", "u", "all units", "Oja 1989");
  all += row<rule::sanger>("`sanger`", "u", "the units before it and itself", "Sanger 1989");
  all += row<rule::nonlinear_hpca<lo::tanh_function>>("`nonlinear_hpca`", "f(u)", "the units before it and itself",
                                                      "Lagani et al. 2020");
  all += row<rule::bcm>("`bcm`", "u (u - theta), or over theta", "0; theta follows the mean of u^2",
                        "Bienenstock et al. 1982; Law, Cooper 1994");
  all += row<rule::instar>("`instar`", "max(u, 0)", "1", "Grossberg");
  all += row<rule::k_winners>("`k_winners`, `winner_take_all`", "1 for the k largest of the row", "1",
                              "competitive learning");
  all += row<rule::soft_winner_take_all>("`soft_winner_take_all`", "softmax of the row", "1", "competitive learning");
  all += row<rule::soft_hebb>("`soft_hebb`", "softmax of the row, negative for all but the winner", "u",
                              "Journe et al. 2023");
  all += row<rule::krotov_hopfield>("`krotov_hopfield`", "1 for the largest of the row, -delta for rank k", "u",
                                    "Krotov, Hopfield 2019");
  all += row<rule::local_error>("`local_error`", "error of a linear head on the stage's output; needs labels", "",
                                "after Nokland, Eidnes 2019");
  all += row<rule::error_feedback>("`error_feedback`", "each sample's last output error, through a fitted matrix", "",
                                   "ours");
  return all;
}

std::string read(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("docs/rules.md: its table of rules is the one that the rules' counts print") {
  const std::string path = LOCALIS_SOURCE "/docs/rules.md";
  std::string text = read(path);
  const std::size_t from = text.find(begin);
  const std::size_t to = text.find(end);
  REQUIRE(from != std::string::npos);
  REQUIRE(to != std::string::npos);
  const std::size_t start = from + std::string(begin).size();
  if (const char* update = std::getenv("LOCALIS_UPDATE_RULES"); update != nullptr && std::string(update) == "1") {
    text.replace(start, to - start, table());
    localis::io::replace_file(path, text);
    text = read(path);
  }
  CHECK(text.substr(text.find(begin) + std::string(begin).size(), text.find(end) - start) == table());
}
