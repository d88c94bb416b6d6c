#include <cstdint>
#include <vector>

#include <localis/backend/reference/backend.hpp>
#include <localis/data/dataset.hpp>
#include <localis/layer/dense.hpp>
#include <localis/network/program.hpp>
#include <localis/rule/oja.hpp>
#include <localis/scheduler/fixed.hpp>
#include <localis/train/trainer.hpp>

namespace lo = localis;

using net = lo::network<lo::vector_input<4>, lo::dense<4, lo::rule::oja>, lo::dense<2>>;

struct my_supervision {
  struct state {
    double mean = 0;
  };
  constexpr void observe(state& seen, double loss) const { seen.mean += 0.1 * (loss - seen.mean); }
  constexpr double gain(const state& seen) const { return 1 / (1 + seen.mean); }
};

int main() {
  const std::vector<float> features(8);
  const std::vector<std::uint32_t> labels{0, 1};
  lo::model<net, lo::reference::backend<double>> model;
  lo::trainer trainer(model, lo::scheduler::fixed{1}, my_supervision{}, {});
  (void)trainer.fit(lo::data::arrays({1, 1, 4}, features, labels, 2));
}
