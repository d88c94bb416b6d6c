// A second translation unit: the umbrella links twice, and each component's header with its library.
#include <localis/localis.hpp>

#ifdef WITH_folder
#include <localis/data/folder.hpp>
#endif
#ifdef WITH_gzip
#include <localis/data/gzip.hpp>
#endif
#ifdef WITH_checkpoint
#include <localis/io/checkpoint.hpp>
#endif
#ifdef WITH_safetensors
#include <localis/io/safetensors.hpp>
#endif
#ifdef WITH_speed
#include <localis/speed/measure.hpp>
#endif
#ifdef WITH_mpi
#include <localis/mpi/communicator.hpp>
#include <localis/mpi/session.hpp>

namespace {

/// A rank without others, as a program is that no mpirun has started: its run is a run without ranks.
double loss_of_rank(const localis::communicator auto& ranks) {
  using net = localis::network<localis::vector_input<4>, localis::dense<3>>;
  localis::model<net> model;
  localis::trainer trainer{model, localis::scheduler::fixed{}, localis::supervision::none{}, {.epochs = 1, .batch = 4}};
  trainer.distribute(ranks);
  return trainer.fit(localis::data::synthetic_images(8, 1, 1, 4, 3, 1)).epochs.back().loss;
}

}  // namespace
#endif

#ifdef WITH_nccl
#include <localis/nccl/communicator.hpp>
#endif

double components();

double components() {
  double refused = 0;
  [[maybe_unused]] const auto refuses = [&](auto&& call) {
    try {
      call();
    } catch (const localis::error&) {
      ++refused;
    }
  };
#ifdef WITH_gzip
  refuses([] { (void)localis::data::read_idx_gzip("nowhere/images.gz", "nowhere/labels.gz"); });
#endif
#ifdef WITH_folder
  refuses([] { (void)localis::data::folder("nowhere"); });
#endif
#ifdef WITH_safetensors
  refuses([] { (void)localis::io::safetensors("nowhere.safetensors"); });
#endif
#ifdef WITH_checkpoint
  refuses([] { (void)localis::io::read_checkpoint<float>("nowhere.checkpoint"); });
#endif
#ifdef WITH_speed
  [[maybe_unused]] int (*const measure)(int, char**) = &localis::speed::measure<localis::rule::hebb>;
#endif
#ifdef WITH_nccl
  static_assert(localis::communicator<localis::nccl::communicator<localis::alone>>);
  refuses([] { localis::nccl::detail::expect_success(ncclInvalidUsage, "nothing"); });
#endif
#ifdef WITH_mpi
  int count = 0;
  char** arguments = nullptr;
  const localis::mpi::session mpi{count, arguments};
  const localis::mpi::communicator ranks{mpi};
  if (loss_of_rank(ranks) != loss_of_rank(localis::alone{})) throw localis::error("a run of one rank: another loss");
#endif
  return refused;
}
