// One program of two files, this one without OpenMP, the other with it: each must get what it was compiled for.

#include <cmath>
#include <iostream>

#include "mixed_openmp.hpp"

int main() {
  const trained without = train();
  const trained with = train_with_openmp();
  std::cout << "without OpenMP: loss " << without.loss << ", plans " << without.planned << " threads, has "
            << without.threads << "; with: loss " << with.loss << ", plans " << with.planned << ", has " << with.threads
            << '\n';
  const bool same = std::abs(with.loss - without.loss) < 1e-3;
  return same && without.planned == 1 && without.threads == 1 && with.planned == 2 && with.threads == 2 ? 0 : 1;
}
