// Compares boundaries: it trains one network on Fashion-MNIST by gradient descent, with its first stages frozen, and
// with its first stages learning locally, and shows accuracy, time and memory side by side. `boundaries --help` lists
// the options. The headers of this folder contain the network and the runs, read options and pictures, and write the
// report.

#include <cstdint>

#include "cpu_backend.hpp"
#include "fresh_model.hpp"
#include "lab.hpp"
#include "pictures.hpp"
#include "programs.hpp"
#include "settings.hpp"
#include "train_program.hpp"

#include <localis/localis.hpp>
#include <localis/zoo/six_stages.hpp>

namespace lo = localis;
using model = lo::model<lo::zoo::six_stages<10, lo::rule::local<lo::rule::oja, lo::rule::relative_step>>>;

int main(int argc, char** argv) {
  return examples::run_comparison(examples::boundaries_program(), argc, argv, [](const examples::settings& chosen) {
    return examples::train_and_compare<model>(
        chosen, [&] { return examples::load_pictures(chosen); },
        [&](std::uint64_t seed) { return examples::fresh_model<model>(examples::cpu_backend(chosen), seed); });
  });
}
