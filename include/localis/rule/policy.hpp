#pragma once

#include <cmath>
#include <cstddef>
#include <type_traits>

#include <localis/core/constexpr_call.hpp>
#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/math/team.hpp>
#include <localis/optimizer/plain.hpp>
#include <localis/optimizer/sgd.hpp>
#include <localis/rule/check_rule.hpp>
#include <localis/rule/rule.hpp>

/// Policies that modify the local step of any rule. `local<Rule, Policies...>` combines them in any order:
///
///   conv2d<32, 3, rule::local<rule::oja, rule::relative_step, rule::momentum>>
///
/// The order in which they are written does not matter. A step runs as follows:
///
///   1. signal      z = U, or U normalized by running moments from before the step or by the moments of this batch. A
///                  rule with response_weight() sees X H^T in place of U
///   2. rows        computes gates, forget terms and statistics of z in the rows that the rule learns from; a modulator
///                  multiplies the gates of a sample
///   3. direction   D = (1/P) G^T X - diag(c) W; c includes the decay of the rule
///   4. trace       with an eligibility_trace, E <- decay E + D, and D = E from here on
///   5. step        eta = rate scale gain, times |W| / |D| (relative_step) or divided by max |D| (max_abs_step). The
///                  norms are those of D at this point; later points do not change them
///   6. unit        eta_o = eta unit_rate(|w_o|), if the rule has unit_rate()
///   7. guard       finds rows with eta_o c_o > 1, as if there were no optimizer. clip_scale reduces c for 9 and 10.
///                  A trace has no guard
///   8. reward      with a trace, D = reward E from here on
///   9. optimizer   steps by eta_o along D. Its state contains D without eta. It subtracts its own weight decay from D
///                  here, which 5 and 7 do not see
///  10. bias        hebbian_bias updates the bias with eta_o and c_o, without the optimizer
///  11. constraint  is applied to W. Reports state the change of W by 9, without the constraint
///  12. states      thresholds and running moments are updated from the rows that the rule learned from
///
/// where `rate` is the local rate of the trainer, `gain` is that of the supervision, and `reward` that of
/// trainer::reward() (1 without one). So a modulator acts on the samples inside the sum, and a reward on what the trace
/// has gathered up to this step. A rate of 0 skips the whole step, and leaves the trace unchanged. A supervised rule
/// begins at 3 with D = -dl/dW, and skips 6, 7, 10 and 12.
namespace localis::rule {

/// The size by which a step policy divides the local step.
enum class step_norm {
  none,
  relative,  ///< |D| / |W|
  max_abs    ///< the largest |D(o, i)|
};

/// Step policy: the local rate of the trainer is the step size eta itself.
struct absolute_step {
  static constexpr step_norm divided_by = step_norm::none;
  double scale = 1;  ///< factor on the trainer's local rate; dimensionless
};

/// Step policy: the local rate of the trainer is the fraction of the norm of the weights by which one update changes
/// them (before the rates that some rules give single units): eta = rate gain |W| / |D|, both Frobenius norms over the
/// layer; there is no step if D is 0. It costs one more pass over O x I.
struct relative_step {
  static constexpr step_norm divided_by = step_norm::relative;
  double scale = 1;
};

/// Step policy: the local rate of the trainer is the largest change of any weight (before the rates that some rules
/// give single units): eta = rate gain / max |D|; there is no step if D is 0. It costs one more pass over O x I.
struct max_abs_step {
  static constexpr step_norm divided_by = step_norm::max_abs;
  double scale = 1;
};

/// No constraint: the weights stay as the local step left them.
struct no_constraint {
  template <class T>
  constexpr void apply(T*, std::size_t) const {}
};

/// Constraint: scales every weight row to norm 1 after each local step; a zero row stays zero.
struct unit_rows {
  template <class T, class Team = math::team_of_one>
  constexpr void apply(T* row, std::size_t size, const Team& team = {}) const {
    double sum = 0;
    for (std::size_t i = team.lane(); i < size; i += team.lanes())
      sum += static_cast<double>(row[i]) * static_cast<double>(row[i]);
    sum = team.sum(sum);
    if (!(sum > 0)) return;
    const T scale = static_cast<T>(1 / std::sqrt(sum));
    for (std::size_t i = team.lane(); i < size; i += team.lanes()) row[i] *= scale;
  }
};

/// Constraint: scales every weight row to p-norm 1 after each local step, sum_i |w_i|^p = 1; a zero row stays zero.
/// `power` >= 1; 2 is unit_rows, whose arithmetic is cheaper.
struct p_norm_rows {
  double power = 1;
  template <class T, class Team = math::team_of_one>
  constexpr void apply(T* row, std::size_t size, const Team& team = {}) const {
    double sum = 0;
    for (std::size_t i = team.lane(); i < size; i += team.lanes())
      sum += std::pow((std::abs)(static_cast<double>(row[i])), power);
    sum = team.sum(sum);
    if (!(sum > 0)) return;
    const T scale = static_cast<T>(std::pow(sum, -1 / power));
    for (std::size_t i = team.lane(); i < size; i += team.lanes()) row[i] *= scale;
  }
  void validate() const { expect(is_finite(power) && power >= 1, "p_norm_rows: power", "a finite number >= 1", power); }
};

/// Constraint: clips every weight to [-limit, limit] after each local step.
struct clip_weights {
  double limit = 1;
  template <class T, class Team = math::team_of_one>
  constexpr void apply(T* row, std::size_t size, const Team& team = {}) const {
    const T bound = static_cast<T>(limit);
    for (std::size_t i = team.lane(); i < size; i += team.lanes())
      row[i] = row[i] > bound ? bound : row[i] < -bound ? -bound : row[i];
  }
  void validate() const { expect(is_finite(limit) && limit > 0, "clip_weights: limit", "a finite number > 0", limit); }
};

/// A constraint that any team of threads may share (math/team.hpp). A constraint of one's own is any value with
/// apply(row, size); without a team, one thread of a GPU takes each row.
template <class Constraint>
concept has_team_apply = requires(const Constraint& constraint, float* f, double* d, const math::any_team& team) {
  constraint.apply(f, std::size_t{}, team);
  constraint.apply(d, std::size_t{}, team);
};

/// What happens if the scale 1 - eta c of a weight row is negative, so that the step would flip the sign of the row.
enum class on_negative_scale {
  ignore,  ///< apply the formula
  clip,    ///< reduce c to 1 / eta, and count the row
  fail     ///< throw divergence_error
};

struct unguarded {
  static constexpr on_negative_scale reaction = on_negative_scale::ignore;
};
struct clip_scale {
  static constexpr on_negative_scale reaction = on_negative_scale::clip;
};
struct fail_on_negative_scale {
  static constexpr on_negative_scale reaction = on_negative_scale::fail;
};

/// Momentum on the local step; its state takes as much memory as the weights. Any other optimizer is a policy, too. An
/// optimizer that divides by the size of the gradient, as Adam does, cancels the effect that a step policy, a rule or a
/// modulator has on that size.
using momentum = optimizer::sgd;

/// The signal of a unit that `gate` and `forget` of a rule see.
enum class signal_source { response, running, batch };

/// Signal policy: gates see the response U itself.
struct response_signal {
  static constexpr signal_source source = signal_source::response;
};

/// Signal policy: gates see (U - m) / sqrt(v + epsilon), with the running mean m and variance v of each unit from
/// before this step: m <- m + momentum (mean_p U - m), v likewise; they start at 0 and 1. It needs one pass, and 2 O
/// values of state.
struct running_normalized_signal {
  static constexpr signal_source source = signal_source::running;
  double momentum = 0.1;  ///< weight of this batch, per step
  double epsilon = 1e-5;  ///< in squares of U
  void validate() const {
    expect(is_finite(momentum) && momentum > 0 && momentum <= 1, "running_normalized_signal: momentum",
           "a number in (0, 1]", momentum);
    expect(is_finite(epsilon) && epsilon > 0, "running_normalized_signal: epsilon", "a finite number > 0", epsilon);
  }
};

/// Signal policy: gates see (U - m) / sqrt(v + epsilon) with mean and variance of this batch. It needs a second pass
/// over the input of the layer, which is unfolded once more.
struct batch_normalized_signal {
  static constexpr signal_source source = signal_source::batch;
  double epsilon = 1e-5;  ///< in squares of U
  void validate() const {
    expect(is_finite(epsilon) && epsilon > 0, "batch_normalized_signal: epsilon", "a finite number > 0", epsilon);
  }
};

/// Rows policy: the rule learns from every row of X.
struct all_rows {};

/// Rows policy: the rule learns from every n-th row of X (in a convolution, output position). n is `every` or, if the
/// width of the map has a common divisor with that, the next number that has none. The first row is drawn at random in
/// each step. The products of the update shrink in proportion, and all means are over the rows learned from.
///
/// In a layer without a rule, local<gradient, sampled_rows>, the gradients of weights and bias are n times the sums
/// over these rows; their mean over the first rows is the gradient of all rows. 1 takes all rows.
struct sampled_rows {
  std::size_t every = 2;
  void validate() const { expect(every > 0, "sampled_rows: every", "at least 1", every); }
};

/// Bias policy: the bias does not change before the boundary.
struct frozen_bias {
  static constexpr bool learns = false;
};

/// Bias policy: the bias learns as the weight of one more input that is always 1.
///
///   b <- b + eta ( (1/P) sum_p G(p,o) - c_o b )
///
/// The step size is that of the weights; optimizer and constraint do not apply to it.
struct hebbian_bias {
  static constexpr bool learns = true;
};

/// Trace policy: each step is taken at once.
struct no_trace {
  static constexpr bool is_kept = false;
};

/// Trace policy: the rule gathers its directions in an eligibility trace, and a step is the trace times a reward, which
/// may come later than the activity that earned it (three-factor learning).
///
///   E <- decay E + D,    W <- W + eta reward E
///
///   D, E  O x I  direction of the rule (point 3 above), and the trace, which starts at 0
///
/// Units:  decay is per step, in [0, 1]: 1 - 1/n remembers about n steps; 0 is the rule itself, times the reward. The
///         reward (trainer::reward(), step_options::reward) is dimensionless and may be negative; 0 only moves the
///         trace.
/// Cost:   two more passes over O x I. State: O x I.
/// Errors: config_error for a decay outside [0, 1].
/// Source: after E. M. Izhikevich, Cerebral Cortex 17 (2007) 2443, in discrete steps.
struct eligibility_trace {
  static constexpr bool is_kept = true;
  double decay = 0.9;
  void validate() const {
    expect(is_finite(decay) && decay >= 0 && decay <= 1, "eligibility_trace: decay", "a number in [0, 1]", decay);
  }
};

namespace detail {

template <class P>
concept step_policy = requires {
  { P::divided_by } -> std::convertible_to<step_norm>;
};
template <class P>
concept constraint_policy = requires(const P& policy, float* row) {
  policy.apply(row, std::size_t{});
};
LOCALIS_CONSTEXPR_CALL(check_apply, "localis: constraint: apply",
                       Policy{}.apply(localis::detail::pair_of<T>{}.target, std::size_t{2}));
LOCALIS_CONSTEXPR_CALL(check_team_apply, "localis: constraint: apply with a team",
                       Policy{}.apply(localis::detail::pair_of<T>{}.target, std::size_t{2}, math::team_of_one{}));
template <class P>
concept apply_takes_team = requires(const P& constraint, double* row) {
  constraint.apply(row, std::size_t{}, math::team_of_one{});
};
template <class P, class T>
constexpr bool check_constraint() {
  static_assert(check_apply<P, T>());
  static_assert(has_team_apply<P> || !apply_takes_team<P>,
                "localis: this constraint's apply takes a team, but not every one, and would be given none. Expected: "
                "template <class T, class Team = math::team_of_one> constexpr void apply(T* row, std::size_t size, "
                "const Team& team = {}) const");
  if constexpr (has_team_apply<P>) static_assert(check_team_apply<P, T>());
  return true;
}
template <class P>
concept guard_policy = requires {
  { P::reaction } -> std::convertible_to<on_negative_scale>;
};
template <class P>
concept optimizer_policy = optimizer::optimizer<P>;
template <class P>
concept signal_policy = requires {
  { P::source } -> std::convertible_to<signal_source>;
};
template <class P>
concept rows_policy = std::is_same_v<P, all_rows> || std::is_same_v<P, sampled_rows>;
template <class P>
concept bias_policy = requires {
  { P::learns } -> std::convertible_to<bool>;
};

template <class P>
concept trace_policy = std::is_same_v<P, no_trace> || std::is_same_v<P, eligibility_trace>;

// A validate() that cannot be called would be skipped silently.
template <class P>
concept validate_fits = has_validate<P> || !requires {
  &P::validate;
};

template <class P>
concept policy = step_policy<P> || constraint_policy<P> || guard_policy<P> || optimizer_policy<P> || signal_policy<P> ||
    rows_policy<P> || bias_policy<P> || trace_policy<P>;

/// Holds the first type in the pack that satisfies the test, or the default.
template <template <class> class Test, class Default, class... Pack>
struct first_of {
  using type = Default;
};
template <template <class> class Test, class Default, class Head, class... Tail>
struct first_of<Test, Default, Head, Tail...> {
  using type =
      typename std::conditional_t<Test<Head>::value, std::type_identity<Head>, first_of<Test, Default, Tail...>>::type;
};

template <class P>
struct is_step : std::bool_constant<step_policy<P>> {};
template <class P>
struct is_constraint : std::bool_constant<constraint_policy<P>> {};
template <class P>
struct is_guard : std::bool_constant<guard_policy<P>> {};
template <class P>
struct is_optimizer : std::bool_constant<optimizer_policy<P>> {};
template <class P>
struct is_signal : std::bool_constant<signal_policy<P>> {};
template <class P>
struct is_rows : std::bool_constant<rows_policy<P>> {};
template <class P>
struct is_bias : std::bool_constant<bias_policy<P>> {};
template <class P>
struct is_trace : std::bool_constant<trace_policy<P>> {};

template <template <class> class Test, class... Pack>
inline constexpr bool at_most_one = ((Test<Pack>::value ? 1 : 0) + ... + 0) <= 1;

}  // namespace detail

/// A rule with its policies; a bare rule as a layer option means `local<Rule>`.
template <class Rule, class... Policies>
struct local {
  static_assert(check_rule<Rule>());
  static_assert(!local_rule<Rule> || (check_calls<Rule, float>() && check_calls<Rule, double>()));
  static_assert((detail::policy<Policies> && ...),
                "localis: rule::local<Rule, Policies...> takes step policies (absolute_step, relative_step, "
                "max_abs_step), optimizers (momentum), constraints (unit_rows, p_norm_rows, clip_weights), scale "
                "guards (clip_scale, unguarded, fail_on_negative_scale), signals (response_signal, "
                "running_normalized_signal, batch_normalized_signal), rows (all_rows, sampled_rows), biases "
                "(frozen_bias, hebbian_bias) and traces (no_trace, eligibility_trace)");
  static_assert(
      (policy_value<Policies> && ...),
      "localis: a policy in rule::local<Rule, Policies...> must be a plain value: trivially copyable and "
      "default constructible; one of yours has a member such as std::vector or std::string, or cannot be made "
      "without arguments");
  static_assert(detail::at_most_one<detail::is_step, Policies...> &&
                    detail::at_most_one<detail::is_constraint, Policies...> &&
                    detail::at_most_one<detail::is_guard, Policies...> &&
                    detail::at_most_one<detail::is_optimizer, Policies...> &&
                    detail::at_most_one<detail::is_signal, Policies...> &&
                    detail::at_most_one<detail::is_rows, Policies...> &&
                    detail::at_most_one<detail::is_bias, Policies...> &&
                    detail::at_most_one<detail::is_trace, Policies...>,
                "localis: rule::local<Rule, Policies...> takes at most one policy of each kind");

  static_assert(
      !supervised<Rule> || !((detail::is_signal<Policies>::value || detail::is_rows<Policies>::value ||
                              detail::is_bias<Policies>::value) ||
                             ... || false),
      "localis: a supervised rule learns from an error, not from gates: it takes step policies, optimizers and "
      "constraints, no signals, rows or biases");
  static_assert(
      !(std::is_same_v<Policies, hebbian_bias> || ... || false) ||
          (!centred<Rule>() && forgets_by<Rule>() == matrix_forget::none && !has_weight_gate<Rule>),
      "localis: hebbian_bias: this rule takes means off its input, forgets by what other units explain, or has a gate "
      "for each weight, of which a bias knows nothing. Use frozen_bias");

  static_assert(!(std::is_same_v<Policies, eligibility_trace> || ... || false) ||
                    !((std::is_same_v<Policies, hebbian_bias> || std::is_same_v<Policies, fail_on_negative_scale>) ||
                      ... || false),
                "localis: eligibility_trace: a trace holds directions of weights from several steps. It has no scale "
                "for fail_on_negative_scale to guard, and none for hebbian_bias to learn with. Use frozen_bias, and no "
                "guard");

  static_assert((detail::validate_fits<Policies> && ...),
                "localis: validate() of a policy in rule::local<Rule, Policies...> would never be called. Expected: "
                "void validate() const");

  static constexpr const char* name = rule::name<Rule>();
  using rule_type = Rule;
  using step_type = typename detail::first_of<detail::is_step, absolute_step, Policies...>::type;
  using optimizer_type = typename detail::first_of<detail::is_optimizer, optimizer::plain, Policies...>::type;
  using constraint_type = typename detail::first_of<detail::is_constraint, no_constraint, Policies...>::type;
  using guard_type = typename detail::first_of<detail::is_guard, clip_scale, Policies...>::type;
  using signal_type = typename detail::first_of<detail::is_signal, response_signal, Policies...>::type;
  using rows_type = typename detail::first_of<detail::is_rows, all_rows, Policies...>::type;
  using bias_type = typename detail::first_of<detail::is_bias, frozen_bias, Policies...>::type;
  using trace_type = typename detail::first_of<detail::is_trace, no_trace, Policies...>::type;

  Rule rule{};
  step_type step{};
  optimizer_type optimizer{};
  constraint_type constraint{};
  signal_type signal{};
  rows_type rows{};
  trace_type trace{};

  void validate() const {
    if constexpr (has_validate<Rule>) rule.validate();
    expect(is_finite(step.scale) && step.scale >= 0, "local step: scale", "a finite number >= 0", step.scale);
    optimizer.validate();
    if constexpr (has_validate<constraint_type>) constraint.validate();
    if constexpr (has_validate<signal_type>) signal.validate();
    if constexpr (has_validate<rows_type>) rows.validate();
    if constexpr (has_validate<trace_type>) trace.validate();
  }
};

/// A layer without a local rule, whose gradient is taken from some rows of X: conv2d<32, 3, rule::local<rule::gradient,
/// rule::sampled_rows>>. It never lies before the boundary.
///
///   dW = n sum_p D(p)^T X(p),   p = first, first + n, ...
///
/// Cost:   of the three products of a step, that of the weight gradient is divided by n. On the CPU, a convolution by
///         3x3 windows then takes its products as a direct convolution does, so that it gains little against minimal
///         filtering, which needs a quarter of the multiplications.
/// Source: as the sampled products of M. Adelman, K. Y. Levy, I. Hakimi, M. Silberstein, NeurIPS 2021 (arXiv
///         1805.08079), with rows at equal distances in place of a random choice.
template <>
struct local<gradient, sampled_rows> {
  static constexpr const char* name = gradient::name;
  using rule_type = gradient;
  using rows_type = sampled_rows;

  sampled_rows rows{};

  void validate() const { rows.validate(); }
};

namespace detail {

template <class T>
struct as_local {
  using type = local<T>;
};
template <class Rule, class... Policies>
struct as_local<local<Rule, Policies...>> {
  using type = local<Rule, Policies...>;
};
template <>
struct as_local<gradient> {
  using type = gradient;
};

/// The rule without its policies.
template <class T>
struct rule_of {
  using type = T;
};
template <class Rule, class... Policies>
struct rule_of<local<Rule, Policies...>> {
  using type = Rule;
};

}  // namespace detail

/// `local<Rule>` for a bare rule; `gradient` and a `local<...>` stay as they are.
template <class Rule>
using as_local = typename detail::as_local<Rule>::type;

}  // namespace localis::rule
