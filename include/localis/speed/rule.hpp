#pragma once

#include <chrono>
#include <string>
#include <type_traits>

#include <benchmark/benchmark.h>

#include <localis/check/counting.hpp>
#include <localis/core/operation.hpp>
#include <localis/rule/rule.hpp>
#include <localis/rule/shipped.hpp>
#include <localis/speed/layer.hpp>

/// Update kernels: the response and the local update of one layer in one pass, for every rule and some shapes.
///
///   GFLOP/s   2 x multiply-adds of the response and of the rule, as counted, by time
///   of_peak   the same as a fraction of the peak that was measured before
///   response  time of the pass over the time of the response alone
namespace localis::speed {

/// @param make      a new backend, called when a layer is to run: names need no device
/// @param together  passes that follow each other before their end is waited for
template <class Rule, class Make>
void measure_rule(const Make& make, const std::string& name, double peak, int together) {
  for (const layer_case& one : layer_cases<Rule>()) {
    ::benchmark::RegisterBenchmark(
        (name + "/" + one.name).c_str(),
        [=](::benchmark::State& state) {
          using counting = check::counting<std::invoke_result_t<Make>>;
          const counting backend(make());
          bare_layer<counting, Rule> measured(backend, one);
          measured.forward(mode::learn);
          measured.wait();
          const double flop = 2 * static_cast<double>(backend.counts().total());
          const auto time = [&](mode run_mode) {
            const auto start = std::chrono::steady_clock::now();
            for (int i = 0; i < together; ++i) measured.forward(run_mode);
            measured.wait();
            return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / together;
          };
          // Both run in turn, so that a disturbance of the machine affects both.
          double response = 0;
          double both = 0;
          for (auto running : state) {
            (void)running;
            response += time(mode::evaluate);
            const double seconds = time(mode::learn);
            both += seconds;
            state.SetIterationTime(seconds);
          }
          const double reached = 1e-9 * flop * static_cast<double>(state.iterations()) / both;
          state.counters["GFLOP/s"] = reached;
          state.counters["of_peak"] = reached / peak;
          state.counters["response"] = both / response;
        })
        ->UseManualTime()
        ->Unit(::benchmark::kMicrosecond);
  }
}

/// Every shipped rule that learns from gates; a rule of one's own is one more call of measure_rule().
template <class Make>
void measure_rules(const Make& make, double peak, int together = 1) {
  rule::for_each_rule(rule::shipped{}, [&]<class Rule>(std::type_identity<Rule>) {
    if constexpr (!rule::supervised<Rule>) measure_rule<Rule>(make, std::string(rule::name<Rule>()), peak, together);
  });
}

}  // namespace localis::speed
