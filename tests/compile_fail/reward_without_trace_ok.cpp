#include <localis/localis.hpp>

namespace lo = localis;

void train(lo::model<
           lo::network<lo::vector_input<4>, lo::dense<4, lo::rule::local<lo::rule::hebb, lo::rule::eligibility_trace>>,
                       lo::relu, lo::dense<2>>>& model) {
  lo::trainer trainer{model, lo::scheduler::fixed{1}, lo::supervision::none{}, {.epochs = 1}};
  trainer.reward([](const auto&) { return 0.5; });
}
