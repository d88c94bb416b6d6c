#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include <localis/backend/reference/backend.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/tanh.hpp>
#include <localis/loss/softmax_cross_entropy.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>

/// What optimizers that see whole arrays are tested with: weight, bias, weight, bias.
namespace localis_test::array_steps {

using array_model =
    localis::model<localis::network<localis::vector_input<3>, localis::dense<4>, localis::tanh, localis::dense<2>>,
                   localis::reference::backend<double>>;

inline const std::vector<double> x{0.3, -1.2, 0.8, 1.1, 0.2, -0.4, -0.9, 0.5, 0.1, 0.7, -0.6, 1.4};
inline const std::vector<std::uint32_t> labels{0, 1, 1, 0};

inline double norm_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value * value;
  return std::sqrt(sum);
}

/// Weights and gradients of all arrays, one after the other.
struct arrays {
  std::vector<std::vector<double>> weights;
  std::vector<std::vector<double>> gradients;

  explicit arrays(array_model& m) {
    m.forward(x, 4, {});
    (void)m.loss(localis::loss::softmax_cross_entropy{}, labels);
    m.backward();
    m.for_each_gradient([&](const auto&, const auto& p, const double* g) {
      weights.emplace_back(p.value, p.value + p.size());
      gradients.emplace_back(g, g + p.size());
    });
  }
};

}  // namespace localis_test::array_steps
