#include "mixed_openmp.hpp"

trained train_with_openmp() { return train(); }
