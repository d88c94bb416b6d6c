#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "same_extents.hpp"
#include "small_runs.hpp"

#include <localis/core/communicator.hpp>
#include <localis/core/operation.hpp>
#include <localis/core/unlabelled.hpp>
#include <localis/data/dataset.hpp>
#include <localis/data/loader.hpp>
#include <localis/layer/batch_norm.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/dropout.hpp>
#include <localis/layer/pool.hpp>
#include <localis/layer/relu.hpp>
#include <localis/loss/softmax_cross_entropy.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>
#include <localis/optimizer/adam.hpp>
#include <localis/optimizer/sgd.hpp>
#include <localis/rule/hebb.hpp>
#include <localis/rule/oja.hpp>
#include <localis/rule/policy.hpp>
#include <localis/train/gradient_descent.hpp>

/// Some steps of a model on several ranks, which are compared with those of one.
namespace localis_test::rank_steps {

namespace lo = localis;

/// What a run leaves behind: every weight, statistic and state, and the losses of its steps.
struct outcome {
  std::vector<double> arrays;
  std::vector<double> losses;
  std::vector<std::size_t> sums;  ///< before each step and at the end: how many sums the rank has asked for
};

template <class Model>
std::vector<double> all_arrays(const Model& model) {
  std::vector<double> all;
  const auto take = [&](std::span<const double> array) {
    const std::vector<double> host = model.host_copy(array);
    all.insert(all.end(), host.begin(), host.end());
  };
  model.for_each_parameter([&](const lo::operation&, const auto& p) { take({p.value, p.size()}); });
  model.for_each_state([&](const lo::operation&, const auto& p) { take({p.value, p.size()}); });
  take(model.remembered_errors());
  return all;
}

/// The largest difference, relative to the largest value; infinite if a value is not finite.
inline double distance(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
  double largest = 1e-300;
  double difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    largest = (std::max)(largest, std::abs(a[i]));
    difference = (std::max)(
        difference, std::isfinite(a[i] - b[i]) ? std::abs(a[i] - b[i]) : std::numeric_limits<double>::infinity());
  }
  return difference / largest;
}

struct choice {
  std::size_t boundary = 0;
  lo::prefix_normalization normalization = lo::prefix_normalization::running;
  std::size_t samples = 61;  ///< a last batch of 1 sample, of which other ranks have none
  std::size_t batch = 12;
  std::size_t steps = 20;
  std::size_t bucket = std::size_t{1} << 20;  ///< rank_options::bucket_bytes
  lo::batch_statistics statistics = lo::batch_statistics::all;
};

/// Some samples without a label.
struct half_labelled : same_extents<lo::data::images> {
  std::uint32_t read(std::size_t index, std::span<float> features) const {
    const std::uint32_t label = real.read(index, features);
    return index % 5 == 1 ? lo::data::unlabelled : label;
  }
};

/// Some steps of a loop of one's own.
template <class Network, class Backend, class Ranks>
outcome steps_of(const Ranks& ranks, const choice& chosen) {
  const half_labelled data{{small_runs::pictures(chosen.samples)}};
  lo::model<Network, Backend> model{{.seed = 3}};
  model.distribute(ranks, {.statistics = chosen.statistics, .bucket_bytes = chosen.bucket});
  const lo::data::batch_part part{ranks.rank(), ranks.size()};
  lo::data::loader<double, half_labelled> batches(data, chosen.batch, 5, true, part);
  model.prepare(
      {.batch = part.largest(chosen.batch), .samples = chosen.samples, .normalization = chosen.normalization});
  lo::gradient_descent descent{model, lo::optimizer::sgd{.momentum = 0.9}};
  outcome result;
  for (std::size_t step = 0; step < chosen.steps; ++step) {
    const auto batch = batches.get(step / batches.steps(), step % batches.steps());
    if constexpr (requires { ranks.sums(); }) result.sums.push_back(ranks.sums());
    model.forward(batch, {.boundary = step < 4 ? 0 : chosen.boundary,  // first, rules observe true gradients
                          .local_rate = 0.005,
                          .normalization = chosen.normalization,
                          .step = step,
                          .labels = batch.labels,
                          .indices = batch.indices});
    const double loss = model.loss(lo::loss::softmax_cross_entropy{}, batch.labels);
    result.losses.push_back(std::isnan(loss) ? -1 : loss);  // a batch without labels
    model.backward();
    descent.step(0.05);
  }
  result.arrays = all_arrays(model);
  if constexpr (requires { ranks.sums(); }) result.sums.push_back(ranks.sums());
  return result;
}

template <class Rule>
using plain_net = lo::network<lo::image<8, 8, 1>, lo::conv2d<4, 3, lo::padding<1>, Rule>, lo::batch_norm, lo::relu,
                              lo::max_pool2d<2>, lo::dense<8, Rule>, lo::relu, lo::dropout, lo::dense<3>>;
template <class Rule>
using net =
    lo::network<lo::image<8, 8, 1>, lo::conv2d<4, 3, lo::padding<1>, Rule>, lo::batch_norm, lo::relu, lo::max_pool2d<2>,
                lo::conv2d<6, 3, lo::padding<1>, lo::rule::local<Rule, lo::rule::relative_step>>, lo::batch_norm,
                lo::relu, lo::dropout, lo::dense<8, Rule>, lo::batch_norm, lo::relu, lo::dense<3>>;

using varied = lo::network<
    lo::image<8, 8, 1>,
    lo::conv2d<4, 3, lo::padding<1>, lo::rule::local<lo::rule::hebb, lo::rule::sampled_rows, lo::rule::max_abs_step>>,
    lo::relu,
    lo::conv2d<4, 3,
               lo::rule::local<lo::rule::oja, lo::rule::running_normalized_signal, lo::rule::hebbian_bias,
                               lo::optimizer::adam, lo::rule::unit_rows>>,
    lo::batch_norm, lo::relu, lo::conv2d<4, 3, lo::rule::local<lo::rule::oja, lo::rule::eligibility_trace>>, lo::relu,
    lo::dense<3>>;

}  // namespace localis_test::rank_steps
