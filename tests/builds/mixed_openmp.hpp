#pragma once

#include <cstddef>
#include <filesystem>
#include <iterator>

#include <localis/backend/cpu/backend.hpp>
#include <localis/data/synthetic.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/pool.hpp>
#include <localis/layer/relu.hpp>
#include <localis/network/program.hpp>
#include <localis/scheduler/fixed.hpp>
#include <localis/supervision/none.hpp>
#include <localis/train/trainer.hpp>

struct trained {
  double loss;
  std::size_t planned;  ///< threads
  std::size_t threads;  ///< of the process when fit() is over: OpenMP's stay
};

trained train_with_openmp();

namespace {

namespace lo = localis;
using net =
    lo::network<lo::image<32, 32, 1>, lo::conv2d<32, 3, lo::padding<1>>, lo::relu, lo::max_pool2d<2>, lo::dense<4>>;

/// The same text, compiled in both files.
trained train() {
  const auto data = lo::data::synthetic_images(128, 32, 32, 1, 4, 1, 0.8);
  lo::model<net> model{{.seed = 1}};
  lo::trainer trainer{model, lo::scheduler::fixed{0}, lo::supervision::none{}, {.epochs = 2, .batch = 64}};
  trainer.fit(data);
  const auto threads = std::distance(std::filesystem::directory_iterator("/proc/self/task"), {});
  return {trainer.report().epochs.back().loss, model.backend().threads(), static_cast<std::size_t>(threads)};
}

}  // namespace
