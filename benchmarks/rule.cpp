// Update kernels: the response and the local update of one layer in one pass, for every rule and some shapes.
//
//   GFLOP/s   2 x multiply-adds of the response and of the rule, as counted, by time
//   of_peak   the same as a share of what multiply-adds in registers reach, measured before
//   response  time of the pass over the time of the response alone
//
// A rule of one's own is one more line in main().

#include <chrono>
#include <string>

#include "layer.hpp"
#include "peak.hpp"
#include <benchmark/benchmark.h>

#include <localis/localis.hpp>

namespace lo = localis;
namespace rule = localis::rule;
using benchmarks::cpu;

namespace {

template <class Rule>
void measure(const std::string& name, double peak) {
  for (const benchmarks::shape& of : benchmarks::shapes<Rule>()) {
    lo::check::counting<cpu> counter;
    benchmarks::layer<lo::check::counting<cpu>, Rule>(counter, of).forward(lo::mode::learn);
    const double flop = 2 * static_cast<double>(counter.counts().total());
    benchmark::RegisterBenchmark(
        (name + "/" + of.name).c_str(),
        [of, flop, peak](benchmark::State& state) {
          benchmarks::layer<cpu, Rule> measured(cpu(), of);
          const auto time = [&](lo::mode how) {
            const auto start = std::chrono::steady_clock::now();
            measured.forward(how);
            return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
          };
          // Side by side: what disturbs the machine disturbs both.
          double response = 0;
          double both = 0;
          for (auto running : state) {
            (void)running;
            response += time(lo::mode::evaluate);
            const double seconds = time(lo::mode::learn);
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

}  // namespace

int main(int count, char** arguments) {
  benchmarks::tell_machine();
  const double peak = benchmarks::fma_peak();
  benchmark::AddCustomContext("fma_peak", std::to_string(peak));

  measure<rule::hebb>("hebb", peak);
  measure<rule::anti_hebb>("anti_hebb", peak);
  measure<rule::covariance>("covariance", peak);
  measure<rule::oja>("oja", peak);
  measure<rule::subspace>("subspace", peak);
  measure<rule::bcm>("bcm", peak);
  measure<rule::instar>("instar", peak);
  measure<rule::k_winners>("k_winners", peak);
  measure<rule::soft_winner_take_all>("soft_winner_take_all", peak);
  measure<rule::soft_hebb>("soft_hebb", peak);
  measure<rule::krotov_hopfield>("krotov_hopfield", peak);
  measure<rule::sanger>("sanger", peak);
  measure<rule::nonlinear_hpca<lo::tanh_function>>("nonlinear_hpca", peak);

  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
