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

/// The arrays of U = X W^T + b.
template <class T>
struct response {
  std::size_t samples;
  const T* x;     ///< the layer's input
  const T* w;     ///< O x I
  const T* bias;  ///< O, or null
  T* u;           ///< P x O
};

/// What a local rule takes from the pass that computes a response.
template <class T, class Gate>
struct learning {
  const Gate& gate;
  const learn_options& options;
  const T* h;  ///< weights that gates see X through, O x I; null: W
  const accumulators<T>& sums;
};

/// One way to compute the five verbs of a linear map on the CPU. An algorithm is an aggregate of a linear_map and the
/// resources it may use, in a file of its own; the backend picks one per map (backend::with_algorithm).
///
///   takes(map)            whether the algorithm computes this map
///   fuses_epilogue        it runs the bias and the epilogue on tiles in the cache; otherwise it adds the bias, and the
///                         backend runs the epilogue over all of U afterwards
///   fuses_pooling         its epilogue may pool
///   respond(response, scratch, epilogue)                        U = X W^T + b
///   respond_and_learn(response, learning, scratch, epilogue)    the same, and the sums of a local rule
///   weight_gradient(samples, x, d, dw, db, scratch)             dw = D^T X,  db = column sums of D, or null
///   input_gradient(samples, d, w, dx, scratch)                  dx = D W, folded back onto the input
///
/// The twin `..._scratch` of a verb takes the same pieces from a workspace that measures.
template <class A, class T>
concept linear_algorithm = requires(const A& algorithm, const linear_map& map, const resources& available,
                                    std::size_t samples, const T* in, T* out, const response<T>& forward,
                                    const learning<T, localis::detail::any_gate<T>>& learn,
                                    const learn_options& options, const epilogue_options& fused,
                                    const kernel::no_epilogue& epilogue, workspace scratch, workspace& measure) {
  A{map, available};
  { A::takes(map) } -> std::same_as<bool>;
  { A::fuses_epilogue } -> std::convertible_to<bool>;
  { A::fuses_pooling } -> std::convertible_to<bool>;
  algorithm.respond(forward, scratch, epilogue);
  algorithm.respond_scratch(fused, measure);
  algorithm.respond_and_learn(forward, learn, scratch, epilogue);
  algorithm.learn_scratch(samples, options, fused, measure);
  algorithm.weight_gradient(samples, in, in, out, out, scratch);
  algorithm.weight_gradient_scratch(measure);
  algorithm.input_gradient(samples, in, in, out, scratch);
  algorithm.input_gradient_scratch(measure);
};

}  // namespace LOCALIS_CPU_THREADS
}  // namespace localis::cpu
