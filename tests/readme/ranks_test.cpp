// The table of docs/ranks.md is printed by this test, from what model/traffic.hpp counts; LOCALIS_UPDATE_RANKS=1 writes
// it there.

#include <cstddef>
#include <iomanip>
#include <sstream>
#include <string>

#include "support/page_table.hpp"
#include <doctest/doctest.h>

#include <localis/backend/cpu/backend.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/relu.hpp>
#include <localis/model/model.hpp>
#include <localis/model/traffic.hpp>
#include <localis/network/program.hpp>
#include <localis/rule/oja.hpp>
#include <localis/zoo/mobilenet_v2.hpp>
#include <localis/zoo/resnet.hpp>
#include <localis/zoo/six_stages.hpp>
#include <localis/zoo/vgg.hpp>

namespace {

namespace lo = localis;
using lo::rule::oja;

using three_layers =
    lo::network<lo::vector_input<3072>, lo::dense<1024, oja>, lo::relu, lo::dense<1024, oja>, lo::relu, lo::dense<10>>;

/// Rows for boundaries at a third, at two thirds and at the end of what the network allows.
template <class Network>
std::string rows(const char* name) {
  using model = lo::model<Network>;
  const auto kilobytes = [](const lo::traffic_options& step) {
    return static_cast<double>(lo::traffic_of_step<model>(step).bytes(sizeof(float))) / 1000;
  };
  std::ostringstream lines;
  std::size_t last = 0;
  for (const std::size_t third : {1U, 2U, 3U}) {
    const std::size_t boundary = Network::highest_boundary * third / 3;
    if (boundary == last) continue;
    last = boundary;
    double work = 0;
    for (std::size_t stage = 0; stage < boundary; ++stage) work += model::work_fractions()[stage];
    lines << "| `" << name << "` | " << boundary << " | " << std::fixed << std::setprecision(2) << work
          << std::setprecision(1) << " | " << kilobytes({}) << " | " << kilobytes({.boundary = boundary}) << " | "
          << kilobytes({.boundary = boundary, .learns = false, .normalization = lo::prefix_normalization::frozen})
          << " |\n";
  }
  return lines.str();
}

std::string table() {
  return "| network | boundary | multiply-adds | gradient descent | rules learn | frozen |\n"
         "|---|---:|---:|---:|---:|---:|\n" +
         rows<three_layers>("dense 3072-1024-1024-10") + rows<lo::zoo::six_stages_32<10, oja>>("six_stages_32") +
         rows<lo::zoo::resnet20<10, oja>>("resnet20") + rows<lo::zoo::vgg16_32<10, oja>>("vgg16_32") +
         rows<lo::zoo::mobilenet_v2_32<10, oja>>("mobilenet_v2_32");
}

}  // namespace

TEST_CASE("docs/ranks.md: its table of bytes is the one that is counted") {
  localis_test::check_page_table("ranks.md", "traffic", "LOCALIS_UPDATE_RANKS", table());
}
