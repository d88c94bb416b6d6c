#pragma once

#include <chrono>
#include <string>

#include "layer.hpp"
#include <benchmark/benchmark.h>

#include <localis/check/counting.hpp>
#include <localis/kernel/activation.hpp>
#include <localis/rule/anti_hebb.hpp>
#include <localis/rule/bcm.hpp>
#include <localis/rule/covariance.hpp>
#include <localis/rule/hebb.hpp>
#include <localis/rule/instar.hpp>
#include <localis/rule/k_winners.hpp>
#include <localis/rule/krotov_hopfield.hpp>
#include <localis/rule/nonlinear_hpca.hpp>
#include <localis/rule/oja.hpp>
#include <localis/rule/sanger.hpp>
#include <localis/rule/soft_hebb.hpp>
#include <localis/rule/soft_winner_take_all.hpp>
#include <localis/rule/subspace.hpp>

/// Update kernels: the response and the local update of one layer in one pass, for every rule and some shapes.
///
///   GFLOP/s   2 x multiply-adds of the response and of the rule, as counted, by time
///   of_peak   the same as a share of the peak that was measured before
///   response  time of the pass over the time of the response alone
namespace benchmarks {

/// @param together  passes that follow each other before their end is waited for
template <class Rule, class Backend>
void measure_rule(const Backend& backend, const std::string& name, double peak, int together) {
  using counting = localis::check::counting<Backend>;
  for (const shape& of : shapes<Rule>()) {
    const counting counter(backend);
    layer<counting, Rule>(counter, of).forward(localis::mode::learn);
    const double flop = 2 * static_cast<double>(counter.counts().total());
    benchmark::RegisterBenchmark(
        (name + "/" + of.name).c_str(),
        [=](benchmark::State& state) {
          layer<Backend, Rule> measured(backend, of);
          const auto time = [&](localis::mode how) {
            const auto start = std::chrono::steady_clock::now();
            for (int i = 0; i < together; ++i) measured.forward(how);
            measured.wait();
            return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / together;
          };
          // Side by side: what disturbs the machine disturbs both.
          double response = 0;
          double both = 0;
          for (auto running : state) {
            (void)running;
            response += time(localis::mode::evaluate);
            const double seconds = time(localis::mode::learn);
            both += seconds;
            state.SetIterationTime(seconds);
          }
          const double reached = 1e-9 * flop * static_cast<double>(state.iterations()) / both;
          state.counters["GFLOP/s"] = reached;
          state.counters["of_peak"] = reached / peak;
          state.counters["response"] = both / response;
        })
        ->UseManualTime()
        ->Unit(benchmark::kMicrosecond);
  }
}

/// A rule of one's own is one more line.
template <class Backend>
void measure_rules(const Backend& backend, double peak, int together = 1) {
  namespace rule = localis::rule;
  measure_rule<rule::hebb>(backend, "hebb", peak, together);
  measure_rule<rule::anti_hebb>(backend, "anti_hebb", peak, together);
  measure_rule<rule::covariance>(backend, "covariance", peak, together);
  measure_rule<rule::oja>(backend, "oja", peak, together);
  measure_rule<rule::subspace>(backend, "subspace", peak, together);
  measure_rule<rule::bcm>(backend, "bcm", peak, together);
  measure_rule<rule::instar>(backend, "instar", peak, together);
  measure_rule<rule::k_winners>(backend, "k_winners", peak, together);
  measure_rule<rule::soft_winner_take_all>(backend, "soft_winner_take_all", peak, together);
  measure_rule<rule::soft_hebb>(backend, "soft_hebb", peak, together);
  measure_rule<rule::krotov_hopfield>(backend, "krotov_hopfield", peak, together);
  measure_rule<rule::sanger>(backend, "sanger", peak, together);
  measure_rule<rule::nonlinear_hpca<localis::tanh_function>>(backend, "nonlinear_hpca", peak, together);
}

}  // namespace benchmarks
