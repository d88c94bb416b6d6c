// expect: localis: a scheduler's boundary(epoch, step) must return std::size_t; yours returns another type.
#include <cstdint>
#include <vector>

#include <localis/backend/reference/backend.hpp>
#include <localis/data/dataset.hpp>
#include <localis/layer/dense.hpp>
#include <localis/network/program.hpp>
#include <localis/rule/oja.hpp>
#include <localis/supervision/none.hpp>
#include <localis/train/trainer.hpp>

namespace lo = localis;

using net = lo::network<lo::vector_input<4>, lo::dense<4, lo::rule::oja>, lo::dense<2>>;

struct half_way {
  [[nodiscard]] double boundary(std::size_t epoch, std::size_t) const { return 0.5 * static_cast<double>(epoch); }
};

int main() {
  const std::vector<float> features(8);
  const std::vector<std::uint32_t> labels{0, 1};
  lo::model<net, lo::reference::backend<double>> model;
  lo::trainer trainer(model, half_way{}, lo::supervision::none{}, {});
  (void)trainer.fit(lo::data::arrays({1, 1, 4}, features, labels, 2));
}
