// What holds for every stage that learns from an error.

#include <algorithm>
#include <cstddef>
#include <vector>

#include "support/supervised.hpp"
#include <doctest/doctest.h>

#include <localis/backend/cpu/backend.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/relu.hpp>
#include <localis/loss/softmax_cross_entropy.hpp>
#include <localis/network/program.hpp>
#include <localis/rule/error_feedback.hpp>
#include <localis/rule/local_error.hpp>
#include <localis/rule/phsic.hpp>
#include <localis/rule/similarity_error.hpp>

namespace localis_test::supervised {

namespace lo = localis;
using lo::rule::error_feedback;
using lo::rule::local_error;

TEST_CASE("supervised rules: a dry run changes nothing, before and behind the boundary") {
  using net = lo::network<lo::image<6, 4, 2>, lo::conv2d<4, 3, lo::padding<1>, local_error>, lo::tanh,
                          lo::dense<5, error_feedback>, lo::tanh, lo::dense<classes>>;
  supervised_model<net> s;
  const auto all = [&] {
    std::vector<double> values;
    s.model.for_each_layer([&](const lo::operation& op, const auto& layer) {
      if (!op.trainable()) return;
      for (const auto& p : layer.parameters()) values.insert(values.end(), p.value, p.value + p.size());
      if constexpr (requires { layer.states(); }) {
        for (const auto& p : layer.states()) values.insert(values.end(), p.value, p.value + p.size());
      }
    });
    return values;
  };
  const auto pass = [&](std::size_t boundary, bool apply_updates) {
    s.model.forward(s.x, samples,
                    {.boundary = boundary,
                     .local_rate = 0.1,
                     .labels = labels,
                     .indices = indices,
                     .apply_updates = apply_updates});
    (void)s.model.loss(lo::loss::softmax_cross_entropy{}, labels);
    s.model.backward();
  };
  for (const std::size_t boundary : {0U, 1U, 2U}) {
    CAPTURE(boundary);
    pass(boundary, true);  // Q is worked out when it is first wanted
    const std::vector<double> before = all();
    pass(boundary, false);
    CHECK(all() == before);
    pass(boundary, true);
    CHECK(all() != before);
  }
}

TEST_CASE("supervised rules: the same steps on cpu, tile by tile and on threads") {
  using cpu = lo::cpu::backend<double>;
  using net = lo::network<lo::image<6, 4, 2>, lo::conv2d<4, 3, lo::padding<1>, lo::rule::similarity_error>, lo::relu,
                          block, lo::relu, lo::dense<5, lo::rule::phsic>, lo::relu, lo::dense<classes>>;
  supervised_model<net> expected;
  supervised_model<net, cpu> found(5, cpu({.threads = 3, .tile_bytes = 1024, .grain = 1}));
  for (const std::size_t boundary : {3U, 1U, 0U, 2U, 3U}) {
    expected.learn(boundary, 0.05);
    found.learn(boundary, 0.05);
  }
  std::vector<double> wanted;
  expected.model.for_each_parameter(
      [&](const lo::operation&, const auto& p) { wanted.insert(wanted.end(), p.value, p.value + p.size()); });
  std::vector<double> got;
  found.model.for_each_parameter(
      [&](const lo::operation&, const auto& p) { got.insert(got.end(), p.value, p.value + p.size()); });
  CHECK(deviation(got, wanted) < 1e-12);
}

TEST_CASE("supervised rules: what is planned is what is counted, at every boundary") {
  using cpu = lo::cpu::backend<double>;
  using net = lo::network<lo::image<6, 4, 2>, lo::conv2d<4, 3, lo::padding<1>, error_feedback>, lo::relu, block,
                          lo::relu, lo::dense<5, local_error>, lo::relu, lo::dense<classes>>;
  for (const std::size_t threads : {1U, 2U}) {
    lo::model<net, cpu> m({}, cpu({.threads = threads, .grain = 1}));
    const auto& counters = m.backend().counters();
    CHECK(m.summary().rule_state_bytes == counters.held(lo::memory_kind::rule_state));
    const std::vector<double> x = normal(samples * net::input.size(), 1);
    for (std::size_t lowest = 0; lowest <= net::highest_boundary; ++lowest) {
      m.prepare({.batch = samples, .lowest_boundary = lowest, .samples = 2 * samples});
      const auto rows = m.summary().memory;
      std::size_t largest = 0;
      for (const auto& row : rows) largest = std::max(largest, row.arena);
      CAPTURE(lowest);
      CHECK(rows.size() == net::highest_boundary + 1 - lowest);
      CHECK(counters.held(lo::memory_kind::arena) == largest);
      CHECK(rows[0].arena >= std::max({rows[0].activations, rows[0].gradients, rows[0].scratch}));
      CHECK(rows[0].arena <= rows[0].activations + rows[0].gradients + rows[0].scratch);
      // The first pass makes room for labels, indices and errors of a batch; later ones for nothing.
      std::size_t allocations = 0;
      for (std::size_t boundary = lowest; boundary <= net::highest_boundary; ++boundary) {
        m.forward(x, samples, {.boundary = boundary, .local_rate = 0.01, .labels = labels, .indices = indices});
        (void)m.loss(lo::loss::softmax_cross_entropy{}, labels);
        m.backward();
        if (boundary > lowest) CHECK(counters.allocations == allocations);
        allocations = counters.allocations;
      }
    }
    // Frozen, nothing of it is needed.
    m.prepare({.batch = samples, .lowest_boundary = 3, .samples = 2 * samples});
    const std::size_t learning = counters.held(lo::memory_kind::arena);
    m.prepare({.batch = samples, .lowest_boundary = 3, .local_learning = false});
    CHECK(counters.held(lo::memory_kind::arena) < learning);
  }
}

}  // namespace localis_test::supervised
