#include <localis/backend/reference/backend.hpp>
#include <localis/layer/dense.hpp>
#include <localis/network/program.hpp>
#include <localis/scheduler/fixed.hpp>
#include <localis/supervision/none.hpp>
#include <localis/train/trainer.hpp>

namespace lo = localis;

struct my_rate {
  double operator()(double, double) const { return 0.1; }
  void validate() const {}
};

int main() {
  lo::model<lo::network<lo::vector_input<4>, lo::dense<2>>, lo::reference::backend<double>> model;
  lo::trainer trainer(model, lo::scheduler::fixed{}, lo::supervision::none{}, {}, {}, my_rate{});
}
