#pragma once

#include <localis/rule/rule.hpp>

namespace localis::rule {

/// Nonlinear Hebbian principal component analysis: Sanger's rule on the activation of the response.
///
///   W <- W + eta (1/P) ( Y^T X - tril(Y^T Y) W ),     Y = f(U)
///
/// `Function` is an activation function of math/activation.hpp, or any plain value with T operator()(T) const.
///
/// Units:  eta dimensionless.
/// Cost:   as for sanger: 2 P O I + 2 P O^2 + 2 O^2 I FLOP, and P O values of f.
/// Limits: O <= I, checked at compile time by the layer.
/// Source: G. Lagani, F. Falchi, C. Gennaro, G. Amato, arXiv 2012.12229. Ours: batch mean.
template <class Function>
struct nonlinear_hpca {
  static constexpr const char* name = "nonlinear_hpca";
  static constexpr matrix_forget forgets_by = matrix_forget::lower;
  Function function{};

  template <class T>
  constexpr T gate(T u) const {
    return function(u);
  }
  constexpr bool operator==(const nonlinear_hpca&) const = default;
};

}  // namespace localis::rule
