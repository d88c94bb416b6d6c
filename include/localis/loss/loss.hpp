#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <localis/core/constexpr_call.hpp>
#include <localis/core/finite.hpp>
#include <localis/math/team.hpp>

namespace localis::loss {

/// The target of one sample: a class, or a row of values if `values` is not null.
template <class T>
struct target {
  std::uint32_t label = 0;
  const T* values = nullptr;
};

/// A loss is a plain value with the loss of one sample and its gradient with respect to the network's output:
///
///   template <class T>
///   constexpr T sample(const T* output, std::size_t size, const target<T>& wanted, T* gradient, T scale) const;
///
/// `gradient` (size elements) gets scale * d loss / d output; with scale = 1 / N that is the gradient of the mean loss.
/// On a GPU one thread computes a sample, unless the function lets a team of threads share it (math/team.hpp):
///
///   template <class T, class Team = math::team_of_one>
///   constexpr T sample(const T* output, std::size_t size, const target<T>& wanted, T* gradient, T scale,
///                      const Team& team = {}) const;
///
/// Kernels call it, so it must be constexpr (core/constexpr_call.hpp). If an output is not finite, the loss is NaN,
/// whatever the function returns.
///
/// A loss that is defined only for some rows of targets has both of these optional members; the model throws data_error
/// for any other row:
///
///   static constexpr const char* takes = "rows that ...";                             // for the message
///   template <class T> constexpr bool takes_row(const T* values, std::size_t size) const;   // called on the host
///
/// A loss with parameters may have `void validate() const`, which throws config_error for one out of range. The trainer
/// and the passes of a model call it.
template <class Loss>
concept loss = std::is_trivially_copyable_v<Loss> && requires(const Loss& l, const double* in, double* out) {
  { l.sample(in, std::size_t{}, target<double>{}, out, 1.0) } -> std::convertible_to<double>;
};

/// A loss that any team of threads may share.
template <class Loss>
concept has_team_sample = requires(const Loss& l, const float* f, float* f_out, const double* d, double* d_out,
                                   const math::any_team& team) {
  l.sample(f, std::size_t{}, target<float>{}, f_out, 1.0F, team);
  l.sample(d, std::size_t{}, target<double>{}, d_out, 1.0, team);
};

namespace detail {

template <class Loss>
concept sample_takes_team = requires(const Loss& l, const double* in, double* out) {
  l.sample(in, std::size_t{}, target<double>{}, out, 1.0, math::team_of_one{});
};

LOCALIS_CONSTEXPR_CALL(check_sample, "localis: loss: sample",
                       Policy{}.sample(localis::detail::pair_of<T>{}.source, std::size_t{2},
                                       target<T>{0, localis::detail::values_of_row<T>},
                                       localis::detail::pair_of<T>{}.target, T(0.5)));

LOCALIS_CONSTEXPR_CALL(check_team_sample, "localis: loss: sample with a team",
                       Policy{}.sample(localis::detail::pair_of<T>{}.source, std::size_t{2},
                                       target<T>{0, localis::detail::values_of_row<T>},
                                       localis::detail::pair_of<T>{}.target, T(0.5), math::team_of_one{}));

}  // namespace detail

/// Asserts that the functions of a loss that kernels call are constexpr, and take any team or none.
template <class Loss, class T>
constexpr bool check_calls() {
  static_assert(detail::check_sample<Loss, T>());
  static_assert(has_team_sample<Loss> || !detail::sample_takes_team<Loss>,
                "localis: this loss's sample takes a team, but not every one, and would be given none. Expected: "
                "template <class T, class Team = math::team_of_one> constexpr T sample(const T* output, std::size_t "
                "size, const target<T>& wanted, T* gradient, T scale, const Team& team = {}) const");
  if constexpr (has_team_sample<Loss>) static_assert(detail::check_team_sample<Loss, T>());
  return true;
}

template <class Loss>
concept has_takes = requires(const Loss& l, const double* row) {
  { Loss::takes } -> std::convertible_to<const char*>;
  { l.takes_row(row, std::size_t{}) } -> std::convertible_to<bool>;
};

template <class Loss>
concept has_validate = requires(const Loss& l) {
  l.validate();
};

// One half of takes alone, or another signature, would be skipped silently.
template <class Loss>
concept optional_members_fit = (has_takes<Loss> || !(
                                                       requires { Loss::takes; } || requires { &Loss::takes_row; } ||
                                                       requires { &Loss::template takes_row<double>; })) &&
                               (has_validate<Loss> || !requires { &Loss::validate; });

/// Checks the parameters of a loss. Errors: config_error.
template <class Loss>
void validate(const Loss& function) {
  if constexpr (has_validate<Loss>) function.validate();
}

template <class T, class Team = math::team_of_one>
constexpr bool all_finite(const T* row, std::size_t size, const Team& team = {}) {
  std::size_t k = team.lane();
  while (k < size && is_finite(row[k])) k += team.lanes();
  return team.smallest(k) >= size;
}

}  // namespace localis::loss
