// A model of more layers than clang takes as entries of one fold expression (256).
#include <array>

#include <localis/localis.hpp>

namespace lo = localis;

int main() {
  lo::model<lo::network<lo::vector_input<2>, lo::repeat<15, lo::repeat<10, lo::dense<2>, lo::relu>>>> model;
  model.prepare({.batch = 1});
  model.forward(std::array{1.0F, 1.0F}, 1, {});
  model.backward();
}
