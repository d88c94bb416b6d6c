#include <cstddef>
#include <string>
#include <vector>

#include "support/counting_ranks.hpp"
#include "support/small_runs.hpp"
#include "support/thread_ranks.hpp"
#include <doctest/doctest.h>

#include <localis/backend/cpu/backend.hpp>
#include <localis/core/communicator.hpp>
#include <localis/data/synthetic.hpp>
#include <localis/layer/batch_norm.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/relu.hpp>
#include <localis/layer/residual.hpp>
#include <localis/layer/tanh.hpp>
#include <localis/model/model.hpp>
#include <localis/model/traffic.hpp>
#include <localis/network/program.hpp>
#include <localis/rule/bcm.hpp>
#include <localis/rule/covariance.hpp>
#include <localis/rule/error_feedback.hpp>
#include <localis/rule/hebb.hpp>
#include <localis/rule/local_error.hpp>
#include <localis/rule/oja.hpp>
#include <localis/rule/policy.hpp>
#include <localis/rule/sanger.hpp>
#include <localis/scheduler/fixed.hpp>
#include <localis/supervision/none.hpp>
#include <localis/train/trainer.hpp>
#include <localis/zoo/six_stages.hpp>

namespace {

namespace lo = localis;
namespace rule = localis::rule;
using localis_test::counting_ranks;
using localis_test::run_ranks;
using localis_test::thread_ranks;

template <class T>
struct one_thread : lo::cpu::backend<T> {
  one_thread() : lo::cpu::backend<T>({.threads = 1}) {}
};

/// The bytes of the second and the third step of a run, as counted.
template <class Network, class T>
std::vector<std::size_t> counted(const lo::traffic_options& step) {
  using model = lo::model<Network, one_thread<T>>;
  const lo::shape& in = Network::input;
  const auto data = lo::data::synthetic_images(3 * step.samples, in.height, in.width, in.channels, 3, 11);
  std::vector<std::size_t> found;
  const auto thrown = run_ranks(step.ranks, [&](const thread_ranks& threads) {
    const counting_ranks ranks(threads);
    model m{{.seed = 3}};
    lo::trainer trainer{m,
                        lo::scheduler::fixed{step.boundary},
                        lo::supervision::none{},
                        {.epochs = 1,
                         .batch = step.samples,
                         .local_rate = step.learns ? 1e-5 : 0,
                         .normalization = step.normalization}};
    trainer.distribute(ranks, {.statistics = step.statistics});
    std::size_t earlier = 0;
    trainer.on_step([&](const lo::step_event& event) {
      if (ranks.first() && event.step > 0) found.push_back(ranks.bytes() - earlier);
      earlier = ranks.bytes();
    });
    trainer.fit(data);
  });
  CHECK(thrown == std::vector<std::string>(step.ranks));
  return found;
}

template <class Network, class T = float>
void check_traffic(const lo::traffic_options& step) {
  CAPTURE(step.boundary);
  CAPTURE(step.learns);
  const lo::step_traffic expected = lo::traffic_of_step<lo::model<Network, one_thread<T>>>(step);
  CAPTURE(expected.gradients);
  CAPTURE(expected.rules);
  CAPTURE(expected.normalization);
  CHECK(counted<Network, T>(step) == std::vector<std::size_t>(2, expected.bytes(sizeof(T))));
}

/// Batch normalization of the input, of a response, and within a block. All arrays fill 64 bytes, or some times so
/// many.
template <class Rule>
using net = lo::network<lo::image<6, 6, 16>, lo::batch_norm, lo::conv2d<16, 3, Rule>, lo::batch_norm, lo::relu,
                        lo::residual<lo::batch_norm, lo::conv2d<16, 3, lo::padding<1>, Rule>, lo::batch_norm, lo::relu,
                                     lo::conv2d<16, 3, lo::padding<1>, lo::no_bias, Rule>>,
                        lo::conv2d<16, 3, Rule>, lo::batch_norm, lo::tanh, lo::dense<16>>;

}  // namespace

TEST_CASE("traffic: by hand") {
  using small = lo::network<lo::vector_input<5>, lo::dense<4, rule::covariance>, lo::batch_norm, lo::dense<3>>;
  using model = lo::model<small, one_thread<double>>;
  // Weights 4 x 5, biases 4, gamma and beta 4 each; weights 3 x 4, biases 3. Parts of 3 ranks, loss, hits, stop flag.
  CHECK(lo::traffic_of_step<model>({.boundary = 0, .ranks = 3}) == lo::step_traffic{47, 0, 16, 7});
  // Sums of 4 x 5 products, twice of 4 units, of 5 inputs.
  CHECK(lo::traffic_of_step<model>({.boundary = 1, .ranks = 3}) == lo::step_traffic{15, 33, 8, 7});
  CHECK(lo::traffic_of_step<model>({.boundary = 1, .ranks = 3, .learns = false}) == lo::step_traffic{15, 0, 8, 7});
  const lo::step_traffic frozen = lo::traffic_of_step<model>(
      {.boundary = 1, .ranks = 4, .learns = false, .normalization = lo::prefix_normalization::frozen});
  CHECK(frozen == lo::step_traffic{15, 0, 0, 8});
  CHECK(frozen.bytes(4) == 124);
  CHECK(frozen.sent_bytes(4, 4) == 186);
  CHECK(frozen.sent_bytes(4, 1) == 0);
}

TEST_CASE_TEMPLATE("traffic: what is counted in a run", Rule, rule::oja, rule::bcm, rule::covariance, rule::sanger,
                   rule::local_error, rule::error_feedback,
                   rule::local<rule::oja, rule::running_normalized_signal, rule::hebbian_bias>) {
  for (const std::size_t boundary : {0U, 1U, 2U, 3U}) {
    check_traffic<net<Rule>>({.boundary = boundary, .ranks = 3, .samples = 7});
    check_traffic<net<Rule>>({.boundary = boundary, .samples = 4, .statistics = lo::batch_statistics::own});
  }
  check_traffic<net<Rule>>({.boundary = 2, .samples = 4, .normalization = lo::prefix_normalization::batch});
  check_traffic<net<Rule>>({.boundary = 2, .samples = 4, .learns = false});
  check_traffic<net<Rule>>(
      {.boundary = 3, .samples = 4, .learns = false, .normalization = lo::prefix_normalization::frozen});
}

TEST_CASE("traffic: of a published network, at each boundary") {
  using published = lo::zoo::six_stages<16, rule::hebb>;
  for (std::size_t boundary = 0; boundary <= published::highest_boundary; ++boundary) {
    check_traffic<published, double>({.boundary = boundary, .samples = 4});
  }
}
