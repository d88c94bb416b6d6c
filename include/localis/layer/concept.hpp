#pragma once

#include <concepts>
#include <cstddef>
#include <iterator>
#include <type_traits>

#include <localis/backend/concept.hpp>
#include <localis/core/named.hpp>
#include <localis/core/operation.hpp>
#include <localis/core/random.hpp>
#include <localis/core/shape.hpp>
#include <localis/math/activation.hpp>

/// A layer is a type that describes itself, with a template for its run-time part:
///
///   struct my_layer {
///     static constexpr operation describe(const shape& in);     // its name, kind, extents and flags, or its misfit
///     template <class Backend> using state = my_layer_state<Backend>;
///   };
///
///   template <class Backend>
///   class my_layer_state {
///    public:
///     using scalar = typename Backend::scalar;
///     my_layer_state(Backend& backend, const operation& op, random_stream random);
///     std::array<parameter<scalar>, 1> parameters() const;      // or another range of them; none: size 0
///     void validate() const;                                    // throws config_error for a value out of range
///     std::size_t saved(const operation& op) const;             // number of values that forward leaves for backward
///                                                               //   in operands::saved, for the whole batch
///     std::size_t scratch_bytes(const Backend& backend, const operation& op, std::size_t samples,
///                               phase run_phase) const;
///
///     void forward(Backend& backend, const operation& op, const operands<scalar>& arrays, mode run_mode,
///                  const step_values<scalar>& step);
///     void backward(Backend& backend, const operation& op, const operands<scalar>& arrays);
///   };
///
/// Where a const layer must not give pointers through which its arrays can be changed, `parameters` and `states` are
/// two functions each: one that is not const, and one that is and gives parameter<const scalar>. `saved` and
/// `scratch_bytes` may be static, or come from the base `stateless`, for which both are 0. Optional members:
///
///     std::vector<parameter<scalar>> states() const;            // more arrays that a stored training run contains
///     std::vector<std::size_t*> counts();                       // counters that a stored training run contains
///
/// What its operation says can require more members. fusable_as = fusion::activation requires a member `function`, an
/// activation_function with slope(y) and slope_at(x). accepts = fusion::activation requires that forward and backward
/// take one more argument, the activation function of the next layer. A supervised `learning` and accepts =
/// fusion::epilogue require the members of linear_layer, and fusable_as = fusion::epilogue of a normalization requires
/// those of batch_norm_layer. `elementwise` requires that forward and backward work in place and otherwise, and
/// `accumulates` that backward adds to the input gradient if operands::adds_input_gradient says so.
namespace localis {

template <class T>
struct teaching_signal;

namespace detail {

struct layer_member_names {
  int describe, parameters, validate, saved, scratch_bytes, forward, backward, states, counts, update_statistics,
      read_update_statistics, fails_on_clips, pools;
};
/// `&without_member<T>::describe` compiles if T has no member of that name.
template <class T>
using without_member = named_twice<T, layer_member_names>;

template <class L>
concept has_describe = requires(const shape& in) {
  { L::describe(in) } -> std::same_as<operation>;
};
template <class L, std::size_t Height, std::size_t Width, std::size_t Channels>
concept is_described_at = requires {
  typename std::bool_constant<(static_cast<void>(L::describe(shape{Height, Width, Channels})), true)>;
};
/// Whether the description is a constant at compile time: a description may throw for a shape that it does not accept.
template <class L>
concept is_described = has_describe<L> &&
    (is_described_at<L, 32, 32, 16> || is_described_at<L, 1, 1, 16> || is_described_at<L, 1, 1, 1>);

template <class L, class Backend>
using state_of = typename L::template state<Backend>;
template <class L, class Backend>
concept has_layer_state = requires {
  typename state_of<L, Backend>;
};
template <class S, class Backend>
concept has_parameters = requires(S& state, const S& constant) {
  { state.parameters() } -> parameter_range<typename Backend::scalar>;
  { constant.parameters() } -> parameter_range<const typename Backend::scalar>;
};
template <class S>
concept has_validate = requires(const S& state) {
  state.validate();
};
template <class S>
concept has_saved = requires(const S& state, const operation& op) {
  { state.saved(op) } -> std::convertible_to<std::size_t>;
};
template <class S, class Backend>
concept has_scratch_bytes = requires(const S& state, const Backend& backend, const operation& op, std::size_t n) {
  { state.scratch_bytes(backend, op, n, phase::train) } -> std::convertible_to<std::size_t>;
};
template <class S, class Backend, class... Epilogue>
concept has_forward = requires(S& state, Backend& backend, const operation& op,
                               operands<typename Backend::scalar>& arrays,
                               const step_values<typename Backend::scalar>& step, const Epilogue&... epilogue) {
  state.forward(backend, op, arrays, mode::train, step, epilogue...);
};
template <class S, class Backend, class... Epilogue>
concept has_backward = requires(S& state, Backend& backend, const operation& op,
                                operands<typename Backend::scalar>& arrays, const Epilogue&... epilogue) {
  state.backward(backend, op, arrays, epilogue...);
};
template <class S, class Backend>
concept layer_options_fit = (
                                requires(S & state, const S& constant) {
                                  { state.states() } -> parameter_range<typename Backend::scalar>;
                                  { constant.states() } -> parameter_range<const typename Backend::scalar>;
                                } ||
                                requires { &without_member<S>::states; }) &&
                            (
                                requires(S & state) {
                                  { *std::begin(state.counts()) } -> std::convertible_to<std::size_t*>;
                                } ||
                                requires { &without_member<S>::counts; });

template <class S, class Backend>
concept has_update_statistics = requires(const S& state, const Backend& backend) {
  { state.update_statistics() } -> std::convertible_to<const double*>;
  { state.read_update_statistics(backend).change } -> std::convertible_to<double>;
  { state.read_update_statistics(backend).clips } -> std::convertible_to<double>;
  { state.read_update_statistics(backend).failed } -> std::convertible_to<bool>;
};
template <class S, class Backend>
concept learner_options_fit = (has_update_statistics<S, Backend> ||
                               requires {
                                 &without_member<S>::update_statistics;
                                 &without_member<S>::read_update_statistics;
                               }) &&
                              (
                                  requires {
                                    { S::fails_on_clips() } -> std::convertible_to<bool>;
                                  } ||
                                  requires { &without_member<S>::fails_on_clips; }) &&
                              (
                                  requires {
                                    { S::pools } -> std::convertible_to<bool>;
                                  } ||
                                  requires { &without_member<S>::pools; });

template <class S, class Backend>
concept has_local_learning = requires(S& state, const S& same, Backend& backend, const operation& op, std::size_t n,
                                      operands<typename Backend::scalar>& arrays,
                                      const step_values<typename Backend::scalar>& step,
                                      const teaching_signal<typename Backend::scalar>& signal) {
  { same.local_loss_scratch_bytes(backend, op, n) } -> std::convertible_to<std::size_t>;
  { same.learn_scratch_bytes(backend, op, n) } -> std::convertible_to<std::size_t>;
  state.compute_local_gradient(backend, op, signal);
  state.observe(backend, op, signal);
  state.learn(backend, op, arrays, step);
};

template <class S, class Backend, fusion FusableAs, fusion Accepts, bool Supervised>
concept claims_fit = (FusableAs != fusion::activation ||
                      requires(const S& state) {
                        state.function(1.0);
                        state.function.slope(1.0);
                        state.function.slope_at(1.0);
                      }) &&
                     (Accepts != fusion::activation ||
                      (has_forward<S, Backend, identity_function> && has_backward<S, Backend, identity_function>)) &&
                     (!Supervised || has_local_learning<S, Backend>);

}  // namespace detail

/// The run-time part of a layer on a backend.
template <class L, class Backend>
concept layer_on = detail::is_described<L> && detail::has_layer_state<L, Backend> &&
    detail::is_made_for<detail::state_of<L, Backend>, Backend> &&
    detail::has_parameters<detail::state_of<L, Backend>, Backend> &&
    detail::has_validate<detail::state_of<L, Backend>> && detail::has_saved<detail::state_of<L, Backend>> &&
    detail::has_scratch_bytes<detail::state_of<L, Backend>, Backend> &&
    detail::has_forward<detail::state_of<L, Backend>, Backend> &&
    detail::has_backward<detail::state_of<L, Backend>, Backend> &&
    detail::layer_options_fit<detail::state_of<L, Backend>, Backend> &&
    detail::learner_options_fit<detail::state_of<L, Backend>, Backend>;

namespace detail {

/// Explains at compile time, in one message, what keeps L from being a layer on any backend. The value is always true:
/// the message is the compile error.
template <class L>
constexpr bool check_description() {
  if constexpr (requires { &without_member<L>::describe; }) {
    static_assert(has_describe<L>,
                  "localis::network: a layer must say what it does; one of yours has no describe. Expected: static "
                  "constexpr operation describe(const shape& in)");
  } else if constexpr (!has_describe<L>) {
    static_assert(has_describe<L>,
                  "localis::network: a layer's describe has another signature than expected. Expected: static "
                  "constexpr operation describe(const shape& in)");
  } else {
    static_assert(
        is_described<L>,
        "localis::network: a layer's describe must be constexpr, and throw for no shape: what does not fit is "
        "told by operation::problem. Expected: static constexpr operation describe(const shape& in)");
  }
  return true;
}

}  // namespace detail

/// Explains at compile time, in one message, what keeps L from being a layer on the backend. The value is always true:
/// the message is the compile error.
template <class L, class Backend>
constexpr bool check_layer() {
  if constexpr (!detail::is_described<L>) {
    detail::check_description<L>();
  } else if constexpr (!detail::has_layer_state<L, Backend>) {
    static_assert(detail::has_layer_state<L, Backend>,
                  "localis::model: a layer names what runs it; one of yours has no state. Expected: template <class "
                  "Backend> using state = my_layer_state<Backend>;");
  } else {
    using state = detail::state_of<L, Backend>;
    if constexpr (!detail::is_made_for<state, Backend>) {
      static_assert(detail::is_made_for<state, Backend>,
                    "localis::model: a layer's state cannot be made. Expected a constructor: state(Backend& backend, "
                    "const operation& op, random_stream random)");
    } else if constexpr (!detail::has_parameters<state, Backend>) {
      static_assert(detail::has_parameters<state, Backend>,
                    "localis::model: a layer's state must list its arrays; one of yours has no such parameters(). "
                    "Expected: std::array<parameter<typename Backend::scalar>, N> parameters() const, with N = 0 for "
                    "none");
    } else if constexpr (!detail::has_validate<state>) {
      static_assert(detail::has_validate<state>,
                    "localis::model: a layer's state must check its run-time values; one of yours has no such "
                    "validate(). Expected: void validate() const, which throws config_error or does nothing");
    } else if constexpr (!detail::has_saved<state>) {
      static_assert(detail::has_saved<state>,
                    "localis::model: a layer's state must say how many values it saves in forward for backward; "
                    "one of yours has no such saved(op). Expected: static constexpr std::size_t saved(const operation& "
                    "op), or the base class stateless");
    } else if constexpr (!detail::has_scratch_bytes<state, Backend>) {
      static_assert(
          detail::has_scratch_bytes<state, Backend>,
          "localis::model: a layer's state must say what scratch it needs; one of yours has no such "
          "scratch_bytes. Expected: static std::size_t scratch_bytes(const Backend& backend, const operation& "
          "op, std::size_t samples, phase run_phase), or the base class stateless");
    } else if constexpr (!detail::has_forward<state, Backend>) {
      static_assert(
          detail::has_forward<state, Backend>,
          "localis::model: a layer's state must run forward; one of yours has no such member. Expected: void "
          "forward(Backend& backend, const operation& op, const operands<scalar>& arrays, mode run_mode, const "
          "step_values<scalar>& step), with scalar = typename Backend::scalar");
    } else if constexpr (!detail::has_backward<state, Backend>) {
      static_assert(
          detail::has_backward<state, Backend>,
          "localis::model: a layer's state must run backward; one of yours has no such member. Expected: void "
          "backward(Backend& backend, const operation& op, const operands<scalar>& arrays), with scalar = "
          "typename Backend::scalar");
    } else {
      static_assert(detail::layer_options_fit<state, Backend>,
                    "localis::model: an optional member of a layer's state has another signature than expected, and "
                    "would be skipped. Expected: std::vector<parameter<scalar>> states() const; "
                    "std::vector<std::size_t*> counts()");
      static_assert(
          detail::learner_options_fit<state, Backend>,
          "localis::model: an optional member of a layer's state that learns locally has another signature "
          "than expected, or lacks its other half, and would be skipped. Expected, as linear_layer has: "
          "const double* update_statistics() const together with local_update_statistics read_update_statistics(const "
          "Backend& backend) const; "
          "static constexpr bool fails_on_clips(); static constexpr bool pools");
    }
  }
  return true;
}

namespace detail {

/// Explains at compile time which members L lacks that its operation claims. The value is always true: the message is
/// the compile error.
template <class L, class Backend, fusion FusableAs, fusion Accepts, bool Supervised>
constexpr bool check_claims() {
  if constexpr (layer_on<L, Backend>) {
    static_assert(
        claims_fit<state_of<L, Backend>, Backend, FusableAs, fusion::none, false>,
        "localis::model: an operation that is fusable as an activation is one; its layer's state has no such member. "
        "Expected: a member `function` with constexpr operator()(x), slope(y) and slope_at(x), as activation<Function> "
        "may have");
    static_assert(
        claims_fit<state_of<L, Backend>, Backend, fusion::none, Accepts, false>,
        "localis::model: an operation that accepts an activation computes the activation after it; forward or "
        "backward of its layer's state cannot. Expected in both a last argument: template <class Function = "
        "identity_function> ..., const Function& epilogue = {}");
    static_assert(
        claims_fit<state_of<L, Backend>, Backend, fusion::none, fusion::none, Supervised>,
        "localis::model: an operation that is supervised learns from its stage's local loss; its layer's state "
        "cannot. Expected, as linear_layer has: compute_local_gradient, observe, learn, local_loss_scratch_bytes and "
        "learn_scratch_bytes");
  }
  return true;
}

}  // namespace detail

}  // namespace localis
