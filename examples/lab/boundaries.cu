// Compares boundaries on a GPU, with the network, runs, options and report of boundaries.cpp on another backend.

#include <cstdint>

#include "fresh_model.hpp"
#include "lab.hpp"
#include "pictures.hpp"
#include "programs.hpp"
#include "settings.hpp"
#include "train_program.hpp"

#include <localis/backend/cuda/backend.cuh>
#include <localis/rule/oja.hpp>
#include <localis/rule/policy.hpp>
#include <localis/zoo/six_stages.hpp>

namespace lo = localis;
using backend = lo::cuda::backend<float>;
using model = lo::model<lo::zoo::six_stages<10, lo::rule::local<lo::rule::oja, lo::rule::relative_step>>, backend>;

int main(int argc, char** argv) {
  return examples::run_comparison(examples::boundaries_program("boundaries_cuda"), argc, argv,
                                  [](const examples::settings& chosen) {
                                    const backend device;
                                    return examples::train_and_compare<model>(
                                        chosen, [&] { return examples::load_pictures(chosen); },
                                        [&](std::uint64_t seed) { return examples::fresh_model<model>(device, seed); });
                                  });
}
