// mpirun -n RANKS gpu_ranks: trains with a GPU for each rank, and alone on each of them, and compares the weights.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <vector>

#include "support/rank_steps.hpp"

#include <localis/backend/cuda/backend.cuh>
#include <localis/core/communicator.hpp>
#include <localis/core/operation.hpp>
#include <localis/data/synthetic.hpp>
#include <localis/model/model.hpp>
#include <localis/mpi/communicator.hpp>
#include <localis/mpi/session.hpp>
#include <localis/nccl/communicator.hpp>
#include <localis/rule/oja.hpp>
#include <localis/scheduler/dynamic.hpp>
#include <localis/supervision/loss_gain.hpp>
#include <localis/train/trainer.hpp>

namespace {

namespace lo = localis;
namespace steps = localis_test::rank_steps;

template <class Ranks>
std::vector<double> train(const Ranks& ranks, int device, const lo::rank_options& options = {}) {
  using backend = lo::cuda::backend<double>;
  const auto data = localis_test::small_runs::pictures(490);
  lo::model<steps::net<lo::rule::oja>, backend> model{{.seed = 2}, backend{lo::cuda::options{.device = device}}};
  lo::trainer trainer{
      model, lo::scheduler::dynamic{}, lo::supervision::loss_gain{}, {.epochs = 3, .batch = 48, .local_rate = 0.01}};
  trainer.distribute(ranks, options);
  trainer.fit(data, data);
  return steps::all_arrays(model);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const lo::mpi::session mpi{argc, argv};
    const lo::mpi::communicator hosts{mpi};
    const lo::nccl::communicator ranks{hosts};
    const std::vector<double> alone = train(lo::alone{}, ranks.device());
    const double difference = steps::distance(alone, train(ranks, ranks.device()));
    (void)train(ranks, ranks.device(), {.prefix_every = 4, .suffix_every = 2});
    std::printf("rank %zu of %zu on %s, GPU %d: weights differ by %g of the largest from those of one rank\n",
                ranks.rank(), ranks.size(), ranks.host().c_str(), ranks.device(), difference);
    return difference < 1e-10 ? 0 : 1;
  } catch (const std::exception& failure) {
    std::printf("%s\n", failure.what());
    return 1;
  }
}
