// Defines a local rule in a few lines, checks it against its textbook loop, and compares it with freezing the same
// stages and with plain gradient descent. The program trains for seconds on the embedded digits.

#include <cstddef>
#include <cstdio>
#include <iostream>

#include "digits.hpp"
#include "lab/report/exit_status.hpp"

#include <localis/localis.hpp>

namespace lo = localis;

/// Oja's rule on the cube of the response: units that respond strongly learn much more than the others.
///   W <- W + eta ( (1/P) G^T X - diag(c) W ),   G = strength U^3,   c_o = (1/P) sum_p G U
struct cubic_oja {
  static constexpr const char* name = "cubic_oja";
  double strength = 1;
  template <class T>
  constexpr T gate(T u) const {
    return static_cast<T>(strength) * u * u * u;
  }
  template <class T>
  constexpr T forget(T u) const {
    return u;
  }
};

// Policies can wrap any rule. Here each update changes the weights by a given fraction of their norm.
using rule = lo::rule::local<cubic_oja, lo::rule::relative_step>;

// clang-format off
using net = lo::network<lo::image<28, 28, 1>,
    lo::conv2d<16, 5, lo::stride<2>, rule>, lo::batch_norm, lo::relu,
    lo::conv2d<32, 3, rule>, lo::batch_norm, lo::relu, lo::max_pool2d<2>,
    lo::dense<10>>;
// clang-format on

int main() {
  const lo::check::result checked = lo::check::rule<cubic_oja>();
  std::cout << "check of the rule: " << checked << "\n\n";
  if (!checked) return 1;

  const lo::data::images digits = examples::digits();
  const auto parts = lo::data::split(digits, lo::data::validation_count{397}, 1);

  const auto run = [&](const char* name, std::size_t boundary, double local_rate) {
    lo::model<net> model{{.seed = 1}};
    model.layer<0>().rule().strength = 0.5;  // a rule's values are run-time values
    // All runs begin with one epoch of gradient descent; then the boundary moves, or stays at 0 for plain gradient
    // descent.
    lo::trainer trainer{model,
                        [boundary](std::size_t epoch) { return epoch == 0 ? 0 : boundary; },
                        lo::supervision::none{},
                        {.epochs = 5, .batch = 32, .local_rate = local_rate},
                        lo::optimizer::sgd{.momentum = 0.9},
                        lo::learning_rate::cosine{.rate = 0.02}};
    const lo::report& report = trainer.fit(parts.train);
    std::printf("%-10s boundary %zu: held-out accuracy %.2f %%, %.2f s\n", name, boundary,
                100 * lo::evaluate(model, parts.validation).accuracy, report.seconds);
  };
  run("sgd", 0, 0);
  run("frozen", 2, 0);
  run("cubic_oja", 2, 1e-4);
  return examples::exit_status("custom_rule");
}
