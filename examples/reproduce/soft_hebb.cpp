// Reproduces the accuracy of SoftHebb on CIFAR-10: three convolutions learn together in one pass over the pictures,
// without labels and without a backward pass; then a linear classifier of their features learns by gradient. The
// baseline is the same network with its random weights. soft_hebb.hpp has the network and says what differs from the
// paper. The features of all pictures take 6 GB of memory.

#include "soft_hebb.hpp"

#include <cstddef>
#include <cstdio>

#include "options.hpp"

#include <localis/localis.hpp>

namespace lo = localis;

namespace {

constexpr std::size_t units = 96;

int reproduce(const examples::reproduce::options& chosen) {
  namespace soft_hebb = examples::soft_hebb;
  const lo::cpu::backend<float> backend{{.threads = chosen.threads}};
  const lo::data::image_set cifar = lo::data::cifar10(chosen.data);
  const lo::data::subset train(cifar.train, 0, chosen.pictures == 0 ? cifar.train.size() : chosen.pictures);
  std::printf("CIFAR-10, %zu training pictures, seed %llu\n\n%-24s  paper %%  here %%  seconds of learning\n",
              train.size(), static_cast<unsigned long long>(chosen.seed), "features");
  for (const bool learns : {false, true}) {
    soft_hebb::learner<units> model{{.seed = chosen.seed}, backend};
    soft_hebb::draw_weights(model, chosen.seed);
    soft_hebb::set_powers(model);
    soft_hebb::set_rates<units>(model);
    const double seconds = soft_hebb::learn(model, train, learns ? 1 : 1e-30, chosen.seed);
    const double accuracy = soft_hebb::classify<units>(soft_hebb::features_of<units>(model, train),
                                                       soft_hebb::features_of<units>(model, cifar.test), chosen.epochs,
                                                       chosen.seed, backend)
                                .accuracy;
    std::printf("%-24s  %7s  %6.2f  %19.1f\n", learns ? "SoftHebb, one pass" : "random weights", learns ? "80.3" : "-",
                100 * accuracy, learns ? seconds : 0);
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return examples::reproduce::soft_hebb(argc, argv, reproduce); }
