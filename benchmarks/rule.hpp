#pragma once

#include <chrono>
#include <string>
#include <type_traits>

#include "layer.hpp"
#include <benchmark/benchmark.h>

#include <localis/check/counting.hpp>
#include <localis/math/activation.hpp>
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

/// @param make      a new backend, called when a layer is to run: names need no device
/// @param together  passes that follow each other before their end is waited for
template <class Rule, class Make>
void measure_rule(const Make& make, const std::string& name, double peak, int together) {
  for (const shape& of : shapes<Rule>()) {
    benchmark::RegisterBenchmark(
        (name + "/" + of.name).c_str(),
        [=](benchmark::State& state) {
          using counting = localis::check::counting<std::invoke_result_t<Make>>;
          const counting backend(make());
          layer<counting, Rule> measured(backend, of);
          measured.forward(localis::mode::learn);
          measured.wait();
          const double flop = 2 * static_cast<double>(backend.counts().total());
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
template <class Make>
void measure_rules(const Make& make, double peak, int together = 1) {
  namespace rule = localis::rule;
  measure_rule<rule::hebb>(make, "hebb", peak, together);
  measure_rule<rule::anti_hebb>(make, "anti_hebb", peak, together);
  measure_rule<rule::covariance>(make, "covariance", peak, together);
  measure_rule<rule::oja>(make, "oja", peak, together);
  measure_rule<rule::subspace>(make, "subspace", peak, together);
  measure_rule<rule::bcm>(make, "bcm", peak, together);
  measure_rule<rule::instar>(make, "instar", peak, together);
  measure_rule<rule::k_winners>(make, "k_winners", peak, together);
  measure_rule<rule::soft_winner_take_all>(make, "soft_winner_take_all", peak, together);
  measure_rule<rule::soft_hebb>(make, "soft_hebb", peak, together);
  measure_rule<rule::krotov_hopfield>(make, "krotov_hopfield", peak, together);
  measure_rule<rule::sanger>(make, "sanger", peak, together);
  measure_rule<rule::nonlinear_hpca<localis::tanh_function>>(make, "nonlinear_hpca", peak, together);
}

}  // namespace benchmarks
