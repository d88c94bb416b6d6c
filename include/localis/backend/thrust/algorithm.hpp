#pragma once

#include <concepts>
#include <cstddef>

#include <localis/backend/concept.hpp>
#include <localis/core/shape.hpp>
#include <localis/core/workspace.hpp>

namespace localis::device {

/// One way to compute the verbs of a linear map (backend/concept.hpp) as launches and products of a System. An
/// algorithm is an aggregate of a linear_map and the System, in a file of its own; the backend picks one per map
/// (backend::with_algorithm), adds the bias, runs the epilogue and sums the bias gradient.
///
///   takes()                                       returns whether the algorithm computes this map
///   respond(forward, scratch)                     U = X W^T; scratch: respond_scratch
///   respond_and_learn(forward, learn, scratch)    U = X W^T and the sums of a local rule; scratch: learn_scratch
///   weight_gradient(backward, scratch)            dW = D^T X; scratch: weight_gradient_scratch
///   input_gradient(backward, scratch)             dX = D W; scratch: input_gradient_scratch
template <class A, class Scalar, class System>
concept linear_algorithm = requires(const A& algorithm, const linear_map& map, const System& system,
                                    std::size_t samples, const response_arguments<Scalar>& forward,
                                    const learning_arguments<Scalar, localis::detail::any_gate<Scalar>>& learn,
                                    const weight_gradient_arguments<Scalar>& weight_gradient,
                                    const input_gradient_arguments<Scalar>& input_gradient,
                                    const learn_options& options, workspace scratch, workspace& measure) {
  A{map, system};
  { algorithm.takes() } -> std::same_as<bool>;
  algorithm.respond(forward, scratch);
  algorithm.respond_scratch(samples, measure);
  algorithm.respond_and_learn(forward, learn, scratch);
  algorithm.learn_scratch(samples, options, measure);
  algorithm.weight_gradient(weight_gradient, scratch);
  algorithm.weight_gradient_scratch(samples, measure);
  algorithm.input_gradient(input_gradient, scratch);
  algorithm.input_gradient_scratch(samples, measure);
};

}  // namespace localis::device
