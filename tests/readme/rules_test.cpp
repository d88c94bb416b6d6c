// The table of docs/rules.md is printed by this test, from what the rules cost as counted; LOCALIS_UPDATE_RULES=1
// writes it there.

#include <cstddef>
#include <cstdint>
#include <iomanip>
#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

#include "support/page_table.hpp"
#include <doctest/doctest.h>

#include <localis/backend/cpu/backend.hpp>
#include <localis/check/counting.hpp>
#include <localis/layer/dense.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>
#include <localis/rule/shipped.hpp>

namespace lo = localis;
namespace rule = localis::rule;

namespace {

constexpr std::size_t units = 64;
constexpr std::size_t inputs = 256;
constexpr std::size_t rows = 128;

/// One row: what the rule costs beside the response, in products of P I O multiply-adds, and what it keeps.
template <class Rule>
std::string row() {
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
  line << "| `" << rule::name<Rule>() << "` | "
       << (rule::units_interact<Rule>() ? "dense, conv2d" : "dense, conv2d, depthwise_conv2d") << " | "
       << (rule::supervised<Rule> ? "two" : "one") << " | " << std::fixed << std::setprecision(2) << work << " | "
       << state << (rule::remembers_errors<Rule>() ? " and 4 x classes per sample" : "") << " |\n";
  return line.str();
}

std::string table() {
  std::string all = "| rule | layers | passes | products | state bytes |\n|---|---|---|---:|---:|\n";
  rule::for_each_rule(rule::shipped{}, [&]<class Rule>(std::type_identity<Rule>) { all += row<Rule>(); });
  return all;
}

}  // namespace

TEST_CASE("docs/rules.md: its table of rules is the one that the rules' counts print") {
  localis_test::check_page_table("rules.md", "rules", "LOCALIS_UPDATE_RULES", table());
}
