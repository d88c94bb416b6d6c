#pragma once

#include <concepts>
#include <cstddef>

#include <localis/backend/concept.hpp>
#include <localis/backend/cpu/resources.hpp>
#include <localis/config.hpp>
#include <localis/core/shape.hpp>
#include <localis/core/workspace.hpp>
#include <localis/kernel/epilogue.hpp>

namespace localis::cpu {
inline namespace LOCALIS_CPU_THREADS {

/// One way to compute the verbs of a linear map (backend/concept.hpp) on the CPU. An algorithm is an aggregate of a
/// linear_map and the resources it may use, in a file of its own; the backend picks one per map
/// (backend::with_algorithm).
///
///   takes(map, available) returns whether the algorithm computes this map
///   fuses_epilogue        whether it runs bias and epilogue on tiles in the cache; if not, it adds the bias, and
///                         the backend runs the epilogue over all of U afterwards
///   fuses_pooling         whether its epilogue may pool
///   respond(forward, scratch, epilogue)                     scratch: respond_scratch
///   respond_and_learn(forward, learn, scratch, epilogue)    scratch: learn_scratch
///   weight_gradient(backward, scratch)                      scratch: weight_gradient_scratch
///   input_gradient(backward, scratch)                       scratch: input_gradient_scratch
template <class A, class T>
concept linear_algorithm = requires(const A& algorithm, const linear_map& map, const resources& available,
                                    std::size_t samples, const response_arguments<T>& forward,
                                    const learning_arguments<T, localis::detail::any_gate<T>>& learn,
                                    const weight_gradient_arguments<T>& weight_gradient,
                                    const input_gradient_arguments<T>& input_gradient, const learn_options& options,
                                    const epilogue_options& fused, const kernel::no_epilogue& epilogue,
                                    workspace scratch, workspace& measure) {
  A{map, available};
  { A::takes(map, available) } -> std::same_as<bool>;
  { A::fuses_epilogue } -> std::convertible_to<bool>;
  { A::fuses_pooling } -> std::convertible_to<bool>;
  algorithm.respond(forward, scratch, epilogue);
  algorithm.respond_scratch(fused, measure);
  algorithm.respond_and_learn(forward, learn, scratch, epilogue);
  algorithm.learn_scratch(samples, options, fused, measure);
  algorithm.weight_gradient(weight_gradient, scratch);
  algorithm.weight_gradient_scratch(measure);
  algorithm.input_gradient(input_gradient, scratch);
  algorithm.input_gradient_scratch(measure);
};

}  // namespace LOCALIS_CPU_THREADS
}  // namespace localis::cpu
