// expect: localis: this rule is supervised, and has no teacher. Expected: template <class Backend> class
// localis::teacher<Backend, my_rule>, with the members that layer/teacher.hpp lists
#include <array>
#include <cstdint>

#include <localis/layer/dense.hpp>
#include <localis/network/program.hpp>
#include <localis/reference/backend.hpp>
#include <localis/train/model.hpp>

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
