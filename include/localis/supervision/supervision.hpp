#pragma once

#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <type_traits>

#include <localis/core/constexpr_call.hpp>
#include <localis/core/named.hpp>

/// A supervision turns the training loss into a gain on the local step size, so that a global signal reaches the stages
/// that no gradient reaches. It is a plain value with
///
///   struct state                                   trivially copyable; a summary of the losses so far. Without padding
///                                                  between its members: checkpoints hold all its bytes
///   void   observe(state&, double loss) const      after each step, with that step's mean loss
///   double gain(const state&) const                factor on the local step size, dimensionless
///
/// The gain of step t comes from the losses of steps up to t - 1; before any loss it is 1. Losses are finite: the
/// trainer throws divergence_error before a supervision sees any other. Optional members:
///
///   double stage_gain(const state&, std::size_t stage) const   a stage's own factor, used in place of gain();
///                                                              gain() is then what records show
///   void   validate() const                                    throws config_error for a parameter out of range
///
/// The supervisions of the library take O(1) operations and a few numbers of state per step, for any network.
///
/// A supervision that is trivially copyable runs where the backend computes, so that a training step never waits for
/// the loss of the one before. Its functions must be constexpr (core/constexpr_call.hpp). Any other supervision runs on
/// the host, which then waits for each loss.
namespace localis::supervision {

template <class S>
concept has_state = requires {
  typename S::state;
}
&&std::is_trivially_copyable_v<typename S::state>&& std::default_initializable<typename S::state>;

template <class S>
concept has_stage_gain = requires(const S& policy, const typename S::state& seen, std::size_t stage) {
  { policy.stage_gain(seen, stage) } -> std::convertible_to<double>;
};

template <class S>
concept has_observe = has_state<S> && requires(const S& policy, typename S::state& seen, double loss) {
  policy.observe(seen, loss);
};

template <class S>
concept has_gain = has_state<S> && requires(const S& policy, const typename S::state& seen) {
  { policy.gain(seen) } -> std::convertible_to<double>;
};

template <class S>
concept has_validate = requires(const S& policy) {
  policy.validate();
};

namespace detail {

struct member_names {
  int stage_gain, validate;
};
/// `&absent<S>::validate` compiles if S has no member of that name.
template <class S>
using absent = localis::detail::named_twice<S, member_names>;

}  // namespace detail

// An optional member that has the right name but cannot be called would be skipped silently.
template <class S>
concept optional_members_fit = (has_stage_gain<S> || requires { &detail::absent<S>::stage_gain; }) &&
                               (has_validate<S> || requires { &detail::absent<S>::validate; });

template <class S>
concept supervision = std::copy_constructible<S> && has_observe<S> && has_gain<S> && optional_members_fit<S>;

/// Explains at compile time, in one message, what keeps S from being a supervision. The value is always true: the
/// message is the compile error.
template <class S>
constexpr bool check_supervision() {
  if constexpr (!std::copy_constructible<S>) {
    static_assert(std::copy_constructible<S>, "localis: a supervision is a plain value; yours cannot be copied.");
  } else if constexpr (!requires { typename S::state; }) {
    static_assert(has_state<S>,
                  "localis: a supervision says in a nested type what it has seen so far; yours has none. Expected: "
                  "struct state { double mean = 0; };");
  } else if constexpr (!std::is_trivially_copyable_v<typename S::state>) {
    static_assert(std::is_trivially_copyable_v<typename S::state>,
                  "localis: the state of a supervision must be trivially copyable, since it lies in the backend's "
                  "memory and in checkpoints; yours has a member such as std::vector or std::string, or copies itself "
                  "in its own way. Expected numbers: struct state { double mean = 0; };");
  } else if constexpr (!has_state<S>) {
    static_assert(has_state<S>,
                  "localis: the state of a supervision must be default constructible: it is how a run begins. "
                  "Expected: struct state { double mean = 0; };");
  } else if constexpr (!has_observe<S>) {
    static_assert(has_observe<S>,
                  "localis: a supervision must have a const member observe that takes its state and a loss; yours has "
                  "none. Expected: constexpr void observe(state& seen, double loss) const");
  } else if constexpr (!has_gain<S>) {
    static_assert(has_gain<S>,
                  "localis: a supervision must have a const member gain that makes a number of its state; yours has "
                  "none. Expected: constexpr double gain(const state& seen) const");
  } else {
    static_assert(optional_members_fit<S>,
                  "localis: an optional member of your supervision has another signature than expected. Expected: "
                  "constexpr double stage_gain(const state& seen, std::size_t stage) const; void validate() const");
  }
  return true;
}

namespace detail {

/// Replaces a type that is not a supervision, so that only one error is printed.
struct stand_in {
  struct state {};
  constexpr stand_in() = default;
  template <class S>
  constexpr stand_in(const S&) {}
  constexpr void observe(state&, double) const {}
  constexpr double gain(const state&) const { return 1; }
};

template <class S>
constexpr auto checked() {
  static_assert(check_supervision<S>());
  return std::type_identity<std::conditional_t<supervision<S>, S, stand_in>>{};
}

}  // namespace detail

/// S if it is a supervision; otherwise a compile error explains why it is not.
template <class S>
using supervision_of = typename decltype(detail::checked<S>())::type;

template <class S>
void validate(const S& policy) {
  if constexpr (has_validate<S>) policy.validate();
}

template <class S>
[[nodiscard]] constexpr double stage_gain(const S& policy, const typename S::state& seen, std::size_t stage) {
  if constexpr (has_stage_gain<S>) {
    return policy.stage_gain(seen, stage);
  } else {
    return policy.gain(seen);
  }
}

namespace detail {

/// The gain of a fresh supervision after a few losses.
template <class S>
constexpr double try_out(const S& policy = S{}) {
  typename S::state seen{};
  double gains = 0;
  for (const double loss : {1.0, 0.5, 0.75, 0.75}) {
    policy.observe(seen, loss);
    gains += policy.gain(seen) + localis::supervision::stage_gain(policy, seen, 1);
  }
  return gains;
}

LOCALIS_CONSTEXPR_CALL(check_observe, "localis: supervision: observe",
                       Policy{}.observe(*localis::detail::one_of<typename Policy::state>{}.value, T(0.5)));
LOCALIS_CONSTEXPR_CALL(check_gain, "localis: supervision: gain", Policy{}.gain(typename Policy::state{}));
LOCALIS_CONSTEXPR_CALL(check_stage_gain, "localis: supervision: stage_gain",
                       Policy{}.stage_gain(typename Policy::state{}, std::size_t{1}));
LOCALIS_CONSTEXPR_CALL(check_all, "localis: supervision: what gain and observe call", try_out<Policy>());

}  // namespace detail

/// Asserts that the functions of a supervision that kernels call are constexpr. It tries a few losses.
template <class S>
constexpr bool check_calls() {
  if constexpr (std::is_trivially_copyable_v<S>) {
    static_assert(std::is_default_constructible_v<S>,
                  "localis: a supervision that is trivially copyable must be default constructible: its functions are "
                  "tried at compile time");
    static_assert(detail::check_observe<S, double>());
    static_assert(detail::check_gain<S, double>());
    if constexpr (has_stage_gain<S>) static_assert(detail::check_stage_gain<S, double>());
    if constexpr (detail::check_observe_passes<S, double> && detail::check_gain_passes<S, double>) {
      static_assert(detail::check_all<S, double>());
    }
  }
  return true;
}

}  // namespace localis::supervision
