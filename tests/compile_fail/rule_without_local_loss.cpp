// expect: localis: this rule is supervised, and has no local loss. Expected: template <class Backend> class
// localis::local_loss<Backend, my_rule>, with the members that learn/local_loss.hpp lists
#include <array>
#include <cstdint>

#include <localis/backend/reference/backend.hpp>
#include <localis/layer/dense.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>

namespace lo = localis;

struct my_rule {
  static constexpr const char* name = "my_rule";
  static constexpr bool supervised = true;
};

using net = lo::network<lo::vector_input<4>, lo::dense<3, my_rule>, lo::dense<2>>;

int main() {
  const std::array<double, 4> features{};
  const std::array<std::uint32_t, 1> labels{};
  lo::model<net, lo::reference::backend<double>> model;
  model.prepare({.batch = 1});
  model.forward(features, 1, {.boundary = 1, .local_rate = 0.1, .labels = labels});
  return static_cast<int>(model.counts().size());
}
