// expect: no rule of this network has a trace that a reward could act on. Write rule::local<Rule,
// rule::eligibility_trace>, or use modulate() for factors on single samples
#include <localis/localis.hpp>

namespace lo = localis;

void train(lo::model<lo::network<lo::vector_input<4>, lo::dense<4, lo::rule::hebb>, lo::relu, lo::dense<2>>>& model) {
  lo::trainer trainer{model, lo::scheduler::fixed{1}, lo::supervision::none{}, {.epochs = 1}};
  trainer.reward([](const auto&) { return 0.5; });
}
