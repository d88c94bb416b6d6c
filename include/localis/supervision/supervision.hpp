#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>

/// Supervision turns the training loss into a gain on the local step size, so that a global signal reaches the stages
/// that no gradient reaches. A policy is a plain value with
///
///   struct state                                   trivially copyable; what has been seen so far. Without padding
///                                                  between its members: checkpoints hold all its bytes
///   void   observe(state&, double loss) const      after each step, with that step's mean loss
///   double gain(const state&) const                factor on the local step size, dimensionless
///
/// The gain of step t comes from the losses of steps up to t - 1; before any loss it is 1. Losses are finite: the
/// trainer throws divergence_error before a policy sees one that is not. Optional:
///
///   double stage_gain(const state&, std::size_t stage) const   a stage's own factor, used in place of gain();
///                                                              gain() is then what records show
///   void   validate() const                                    throws config_error for a parameter out of range
///
/// Each of the shipped ones takes O(1) operations and a few numbers of state per step, whatever the network.
///
/// A policy that is trivially copyable runs in the backend's memory, where the losses are, so that no step waits for
/// the one before; on a GPU its functions must be constexpr. Any other is asked on the host.
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

// A stage_gain that cannot be called would be skipped without a word.
template <class S>
concept supervision = std::copy_constructible<S> && has_state<S> &&
    requires(const S& policy, typename S::state& seen, double loss) {
  policy.observe(seen, loss);
  { policy.gain(seen) } -> std::convertible_to<double>;
} &&(has_stage_gain<S> || !requires { &S::stage_gain; });

template <class S>
concept has_validate = requires(const S& policy) {
  policy.validate();
};

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

}  // namespace localis::supervision
