// small_lab [OPTIONS...]: the comparisons of examples/lab/, with a small network and runs of the embedded digits. Where
// SMALL_LAB_WAITS is set, the fourth epoch of gradient descent waits for a signal.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <thread>

#include "lab/interrupt.hpp"
#include "lab/lab.hpp"
#include "lab/pictures.hpp"
#include "lab/settings.hpp"

#include <localis/backend/cpu/backend.hpp>
#include <localis/layer/batch_norm.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/relu.hpp>
#include <localis/network/program.hpp>
#include <localis/rule/oja.hpp>
#include <localis/rule/policy.hpp>
#include <localis/supervision/none.hpp>

namespace {

namespace lo = localis;
using examples::settings;

using net = lo::network<lo::image<28, 28, 1>, lo::dense<6, lo::rule::local<lo::rule::oja, lo::rule::relative_step>>,
                        lo::batch_norm, lo::relu, lo::dense<10>>;
using model = lo::model<net>;

constexpr examples::run_kind kinds[] = {{.name = "sgd"}, {.name = "local"}, {.name = "sgd short", .follows = "local"}};

std::size_t whole(std::size_t epoch) {
  const bool waits = epoch == 3 && std::getenv("SMALL_LAB_WAITS") != nullptr;
  while (waits && !examples::interrupted()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return 0;
}

int compare(const settings& chosen) {
  const auto make = [&](std::uint64_t seed) {
    return model{{.seed = seed}, lo::cpu::backend<float>({.threads = chosen.threads})};
  };
  const auto load = [&] { return examples::load_pictures(chosen); };
  return examples::compare<model>(chosen, load, make, [&](examples::lab& lab, std::uint64_t seed) {
    const auto run = [&](const char* name, const auto& boundary, std::size_t epochs) {
      lab.run(name, seed, make, boundary, lo::supervision::none{}, {.local_rate = chosen.local_rate, .epochs = epochs});
    };
    lo::scheduler::linear linear = chosen.linear;
    linear.last = 1;
    run("sgd", whole, chosen.epochs);
    run("local", linear, chosen.epochs);
    if (chosen.wants("sgd short")) run("sgd short", whole, examples::short_epochs(lab, "local", seed));
  });
}

}  // namespace

int main(int argc, char** argv) {
  settings defaults;
  defaults.comparison = {.name = "small_lab", .what = "Compares runs of a small network.", .kinds = kinds};
  defaults.digits = true;
  defaults.pictures = 80;
  defaults.batch = 8;
  return examples::run_comparison(defaults, argc, argv, compare);
}
