#include <localis/backend/reference/backend.hpp>
#include <localis/layer/dense.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>
#include <localis/scheduler/fixed.hpp>
#include <localis/train/trainer.hpp>

namespace lo = localis;

struct by_loss {
  struct state {
    double loss = 1;
  };
  constexpr void observe(state& seen, double loss) const { seen.loss = loss; }
  constexpr double gain(const state& seen) const { return seen.loss < 1 ? 1 : 0.5; }
};

using net = lo::network<lo::vector_input<2>, lo::dense<4>, lo::dense<2>>;

lo::model<net, lo::reference::backend<float>> model;
lo::trainer trainer{model, lo::scheduler::fixed{}, by_loss{}, {}};
