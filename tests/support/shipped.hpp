#pragma once

#include <type_traits>

#include "seeing_rules.hpp"

#include <localis/loss/binary_cross_entropy.hpp>
#include <localis/loss/huber.hpp>
#include <localis/loss/mean_squared_error.hpp>
#include <localis/loss/softmax_cross_entropy.hpp>
#include <localis/math/activation.hpp>
#include <localis/optimizer/adam.hpp>
#include <localis/optimizer/adamw.hpp>
#include <localis/optimizer/averaged.hpp>
#include <localis/optimizer/lamb.hpp>
#include <localis/optimizer/lars.hpp>
#include <localis/optimizer/lion.hpp>
#include <localis/optimizer/plain.hpp>
#include <localis/optimizer/rmsprop.hpp>
#include <localis/optimizer/sgd.hpp>
#include <localis/rule/policy.hpp>
#include <localis/rule/shipped.hpp>
#include <localis/supervision/loss_gain.hpp>
#include <localis/supervision/loss_sign.hpp>
#include <localis/supervision/none.hpp>
#include <localis/supervision/per_stage.hpp>
#include <localis/supervision/plateau.hpp>

/// Every policy that the library ships, by kind, with values at which all of it is at work: what is compiled for a GPU,
/// and what backends are held against each other with. tests/house/shipped.sh finds what is missing here.
namespace localis_test {

template <class...>
struct types {};

/// f(type_identity) for each type of a list.
template <class... Ts, class F>
void for_each_type(types<Ts...>, const F& f) {
  (f(std::type_identity<Ts>{}), ...);
}

struct decaying_hebb : localis::rule::hebb {
  constexpr decaying_hebb() { decay = 0.2; }
};
struct bcm_ratio : localis::rule::bcm {
  constexpr bcm_ratio() { form = localis::rule::bcm_form::ratio; }
};
struct two_winners : localis::rule::k_winners {
  constexpr two_winners() { winners = 2; }
};
struct cubic_krotov : localis::rule::krotov_hopfield {
  constexpr cubic_krotov() { power = 3; }
};
struct rated_soft_hebb : localis::rule::soft_hebb {
  constexpr rated_soft_hebb() { rate_power = 0.5; }
};
template <class... Ts, class... Us>
constexpr types<Ts..., Us...> operator+(types<Ts...>, types<Us...>) {
  return {};
}

namespace detail {

template <class Done, class Current, class... Rest>
struct cut;
template <class... Done, class... Current>
struct cut<types<Done...>, types<Current...>> {
  using type = types<Done..., types<Current...>>;
};
template <class... Done, class... Current, class Next, class... Rest>
struct cut<types<Done...>, types<Current...>, Next, Rest...>
    : std::conditional_t<sizeof...(Current) == 5, cut<types<Done..., types<Current...>>, types<Next>, Rest...>,
                         cut<types<Done...>, types<Current..., Next>, Rest...>> {};

template <bool Supervised, class... Rules>
constexpr auto select(localis::rule::rule_list<Rules...>) {
  return (types<>{} + ... +
          std::conditional_t<localis::rule::supervised<Rules> == Supervised, types<Rules>, types<>>{});
}
template <class... Rules>
constexpr auto in_fives(types<Rules...>) {
  return typename cut<types<>, types<>, Rules...>::type{};
}

}  // namespace detail

/// Those that learn from gates, five at a time: the stages of one network.
using rules = decltype(detail::in_fives(detail::select<false>(localis::rule::shipped{}) +
                                        types<decaying_hebb, bcm_ratio, two_winners, cubic_krotov, rated_soft_hebb,
                                              presynaptic_hebb, normed, two_thresholds, bounded>{}));
using supervised_rules = decltype(detail::select<true>(localis::rule::shipped{}));

using step_policies = types<localis::rule::absolute_step, localis::rule::relative_step, localis::rule::max_abs_step>;
using signals = types<localis::rule::response_signal, localis::rule::running_normalized_signal,
                      localis::rule::batch_normalized_signal>;
using biases = types<localis::rule::frozen_bias, localis::rule::hebbian_bias>;
using row_choices = types<localis::rule::all_rows, localis::rule::sampled_rows>;
using traces = types<localis::rule::no_trace, localis::rule::eligibility_trace>;
using guards = types<localis::rule::unguarded, localis::rule::clip_scale, localis::rule::fail_on_negative_scale>;

struct cubic_rows : localis::rule::p_norm_rows {
  constexpr cubic_rows() { power = 3; }
};
struct clip_early : localis::rule::clip_weights {
  constexpr clip_early() { limit = 0.4; }
};
using constraints = types<localis::rule::no_constraint, localis::rule::unit_rows, cubic_rows, clip_early>;

struct nesterov : localis::optimizer::sgd {
  constexpr nesterov() : sgd{.momentum = 0.8, .nesterov = true, .weight_decay = 0.01} {}
};
struct decaying_adam : localis::optimizer::adam {
  constexpr decaying_adam() { weight_decay = 0.01; }
};
struct decaying_rmsprop : localis::optimizer::rmsprop {
  constexpr decaying_rmsprop() : rmsprop{.momentum = 0.5, .epsilon = 0.1, .weight_decay = 0.01} {}
};
struct decaying_lion : localis::optimizer::lion {
  constexpr decaying_lion() { weight_decay = 0.01; }
};
struct quick_average : localis::optimizer::averaged<localis::optimizer::sgd> {
  constexpr quick_average() { average_decay = 0.5; }
};
using optimizers = types<quick_average, localis::optimizer::plain, localis::optimizer::sgd, nesterov, decaying_adam,
                         localis::optimizer::adamw, localis::optimizer::lamb, localis::optimizer::lars, decaying_lion,
                         decaying_rmsprop>;

using activation_functions =
    types<localis::identity_function, localis::relu_function, localis::relu6_function, localis::leaky_relu_function,
          localis::tanh_function, localis::sigmoid_function, localis::softplus_function, localis::elu_function,
          localis::silu_function, localis::gelu_function, localis::hard_swish_function>;
struct smooth_cross_entropy : localis::loss::softmax_cross_entropy {
  constexpr smooth_cross_entropy() { smoothing = 0.1; }
};
struct narrow_huber : localis::loss::huber {
  constexpr narrow_huber() { delta = 0.3; }
};
using losses = types<localis::loss::softmax_cross_entropy, smooth_cross_entropy, localis::loss::mean_squared_error,
                     narrow_huber, localis::loss::binary_cross_entropy>;

struct quick_plateau : localis::supervision::plateau {
  constexpr quick_plateau() { patience = 1, threshold = 0.5; }
};
using supervisions =
    types<localis::supervision::none, localis::supervision::loss_gain, localis::supervision::loss_sign, quick_plateau>;
/// Not in a kernel.
using supervisions_on_host = types<localis::supervision::per_stage<>>;

}  // namespace localis_test
