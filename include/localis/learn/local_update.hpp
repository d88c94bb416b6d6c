#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <type_traits>
#include <vector>

#include <localis/backend/concept.hpp>
#include <localis/core/memory.hpp>
#include <localis/core/operation.hpp>
#include <localis/core/random.hpp>
#include <localis/core/workspace.hpp>
#include <localis/kernel/gate.hpp>
#include <localis/kernel/normalization.hpp>
#include <localis/kernel/update.hpp>
#include <localis/learn/weight_update.hpp>
#include <localis/rule/policy.hpp>

namespace localis {

namespace detail {

/// The rows of X that a layer takes in a step: every n-th of the batch of all ranks, from a random one on.
[[nodiscard]] inline row_sample draw_rows(const rule::sampled_rows& policy, const linear_map& map, std::size_t samples,
                                          std::uint64_t seed, std::uint64_t step) {
  std::size_t every = std::max<std::size_t>(policy.every, 1);
  while (std::gcd(every, map.out.width) != 1) ++every;
  const random_stream random(seed, 0x726F7773);  // "rows"
  return {random.integer(step, (std::min)(every, map.rows(samples))), every};
}
/// Of the rows of all ranks, those of one rank: the ones behind the rows of the ranks before.
[[nodiscard]] inline row_sample rows_of_rank(row_sample all, const linear_map& map, const whole_batch* whole) {
  if (whole == nullptr) return all;
  const std::size_t skipped = map.rows(whole->first) % all.every;
  return {(all.first + all.every - skipped) % all.every, all.every};
}

}  // namespace detail

/// A local rule in a layer: its parameters, its states, and the sums over a batch from which weight_update.hpp takes
/// the step. `Local` is a rule::local<...>.
template <class Backend, class Local>
class local_update {
 public:
  using scalar = typename Backend::scalar;
  using rule_type = typename Local::rule_type;

  Local values{};

  [[gnu::cold]] local_update(Backend& backend, const operation& op)
      : rows_(op.map().outputs()), columns_(op.map().inputs()), weights_(backend, rows_, columns_) {
    const auto take = [&](std::size_t size) {
      return backend.template allocate<scalar>(memory_kind::rule_state, size);
    };
    if constexpr (unit_states > 0) {
      state_ = take(unit_states * rows_);
      begin(backend);
    }
    if constexpr (tracks_signal) {
      signal_mean_ = take(rows_);
      signal_variance_ = take(rows_);
      fill(backend, scalar(1), signal_variance_.data());
    }
  }

  /// Sets the states of the units to their initial values, unless the rule has made an update.
  void begin(Backend& backend) {
    if constexpr (unit_states > 0) {
      if (*weights_.updates() > 0) return;
      for (std::size_t s = 0; s < unit_states; ++s) {
        fill(backend, static_cast<scalar>(rule::initial_state(values.rule, s)), state_.data() + s * rows_);
      }
    }
  }

  /// The arrays that a stored training run must contain besides the weights, by name: those of the optimizer, and
  /// states of units.
  [[nodiscard]] std::vector<parameter<scalar>> states() const {
    std::vector<parameter<scalar>> result = weights_.states();
    const auto by_unit = [&](const char* name, const array_of<scalar>& array) {
      if (!array.empty()) result.push_back({name, array.size() / rows_, rows_, array.data(), parameter_role::state});
    };
    by_unit("state", state_);
    by_unit("signal_mean", signal_mean_);
    by_unit("signal_variance", signal_variance_);
    return result;
  }

  /// The states of the units, states x units, in the backend's memory.
  [[nodiscard]] std::span<scalar> states_of_units() const { return {state_.data(), state_.size()}; }

  [[nodiscard]] auto& weights() { return weights_; }
  [[nodiscard]] const auto& weights() const { return weights_; }

  /// Whether an epilogue may pool the response. Then the full response is not available for a second pass, or for
  /// products that need all of it.
  static constexpr bool pools = !rule::supervised<rule_type> && !rule::has_response_weight<rule_type> &&
                                rule::forgets_by<rule_type>() != rule::matrix_forget::full &&
                                !rule::has_pre<rule_type> && !rule::has_weight_gate<rule_type> &&
                                Local::signal_type::source != rule::signal_source::batch;

  /// The number of values that an update adds up over the ranks (take_sums()).
  static constexpr std::size_t summed_values(const linear_map& map) {
    return map.weights() + sums::count * map.outputs() + (rule::centred<rule_type>() ? map.seen() : 0);
  }

  /// @param map  op.map(), of a kind that may be known
  template <class Map>
  [[gnu::cold]] static std::size_t scratch_bytes(const Backend& backend, const operation& op, const Map& map,
                                                 std::size_t samples, const epilogue_options& epilogue = {}) {
    workspace measure;
    (void)take_arrays(backend, op, samples, measure, measure);
    std::size_t largest = 0;
    if constexpr (!rule::supervised<rule_type>) {
      learn_options options;
      options.unit_sums = sums::count;
      options.sums_inputs = rule::centred<rule_type>();
      options.is_modulated = forgets_by != rule::matrix_forget::none;
      if constexpr (batch_signal) backend.reduce_scratch(map.rows(samples), map.outputs(), 2, measure);
      if constexpr (responds_first) {
        workspace pieces = measure;
        backend.respond_scratch(map, samples, pieces);
        largest = pieces.used();
      }
      // What is known only in a step: whether rows are left out, whether few gates are not 0, whether responses are
      // weighed, and which form of forgetting by all units is cheaper.
      for (const std::size_t every : {std::size_t{1}, std::size_t{samples_rows ? 2 : 1}}) {
        options.rows.every = every;
        for (const std::size_t active : {std::size_t{0}, std::size_t{rule::has_active_gates<rule_type> ? 1 : 0}}) {
          options.active_gates = active;
          for (const gate_signal signal : {own_signal, weighed_signal}) {
            options.signal = signal;
            for (const mutual_forgetting form : forms_of_forgetting()) {
              options.forgetting = form;
              workspace pieces = measure;
              backend.learn_scratch(map, samples, options, pieces, epilogue);
              largest = (std::max)(largest, pieces.used());
            }
          }
        }
      }
    }
    return (std::max)(largest, measure.used());
  }

  /// On several ranks: the bytes of what the step needs, and of the sums that it begins with.
  struct kept_bytes {
    std::size_t all;
    std::size_t sums;
  };
  [[gnu::cold]] static kept_bytes measure_kept(const Backend& backend, const operation& op) {
    workspace sums;
    workspace all;
    arrays a;
    take_sums(op, sums, a);
    take_kept_arrays(backend, op, all, a);
    return {all.used(), sums.used()};
  }

  /// Computes the response and updates the weights in one pass (two passes if the signal is normalized by its own
  /// batch). On several ranks it leaves the sums of this rank in operands::kept instead, for learn().
  ///
  /// @param map  op.map(), of a kind that may be known
  template <class Map, class Epilogue>
  void respond_and_learn(Backend& backend, const operation& op, const Map& map, const operands<scalar>& layer_arrays,
                         scalar* weight, scalar* bias, double rate, const step_values<scalar>& step,
                         const Epilogue& epilogue) {
    workspace scratch(layer_arrays.scratch);
    workspace kept(layer_arrays.kept);
    const arrays a =
        take_arrays(backend, op, layer_arrays.samples, layer_arrays.whole == nullptr ? scratch : kept, scratch);
    const learn_options options = make_options(map, layer_arrays, step);
    if constexpr (rule::has_response_weight<rule_type>) {
      if (options.signal == gate_signal::reweighted) {
        backend.for_rows(rows_, columns_,
                         kernel::response_weights<scalar, rule_type>{values.rule, weight, a.h, columns_});
      }
    }
    const std::size_t samples = layer_arrays.samples;
    const scalar* x = layer_arrays.input;
    if constexpr (responds_first) {
      backend.respond(map, {.samples = samples, .x = x, .w = weight, .u = layer_arrays.output}, scratch);
    }
    prepare_signal(backend, map, layer_arrays, a, scratch);
    if constexpr (rule::has_pre<rule_type>) {
      backend.for_rows(samples, map.in.size(),
                       kernel::presynaptic<scalar, rule_type>{values.rule, x, a.input, map.in.size()});
      x = a.input;
    }
    if constexpr (sees_units) {
      backend.for_rows(rows_, columns_, kernel::unit_norms<scalar>{weight, columns_, a.norm});
    }
    const gate_type gate{.rule = values.rule,
                         .units = rows_,
                         .positions = map.out.positions(),
                         .own = {state_.data(), a.norm, rows_},
                         .modulator = step.modulator,
                         .scale = a.signal_scale,
                         .shift = a.signal_shift};
    if constexpr (rule::has_weight_gate<rule_type>) {
      backend.for_rows(
          rows_, columns_,
          kernel::weight_gate_sums<scalar, gate_type>{gate, map, options.rows.first, options.rows.every,
                                                      map.rows(samples), x, layer_arrays.output, weight, a.weight_sum});
    }
    backend.respond_and_learn(
        map, {.samples = samples, .x = x, .w = weight, .bias = bias, .u = layer_arrays.output},
        learning_arguments<scalar, gate_type>{.gate = gate, .options = options, .h = a.h, .sums = a.sums}, scratch,
        epilogue);

    if constexpr (forgets_by != rule::matrix_forget::none) forget_units(backend, a, options, weight);
    if (layer_arrays.whole == nullptr) take_step(backend, map, layer_arrays, a, weight, bias, rate, step);
  }

  /// Takes the step of a pass whose sums are those of all ranks by now.
  template <class Map>
  void learn(Backend& backend, const operation& op, const Map& map, const operands<scalar>& layer_arrays,
             scalar* weight, scalar* bias, double rate, const step_values<scalar>& step) {
    workspace kept(layer_arrays.kept);
    arrays a;
    take_kept_arrays(backend, op, kept, a);
    take_step(backend, map, layer_arrays, a, weight, bias, rate, step);
  }

  /// Updates the weights by a supervised rule, from the gradient of its local loss.
  void learn_from(Backend& backend, const operation& op, const scalar* gradient, scalar* weight, double rate,
                  const step_values<scalar>& step, std::byte* scratch) {
    workspace pieces(scratch);
    arrays a;
    take_kept_arrays(backend, op, pieces, a);
    weights_.apply(backend, values, kernel::gradient_direction<scalar>{gradient, columns_}, nullptr, weight, a.step,
                   rate, step);
  }

 private:
  using gate_type = kernel::gate<scalar, Local>;
  using sums = kernel::unit_sums<Local>;
  static constexpr rule::matrix_forget forgets_by = rule::forgets_by<rule_type>();
  static constexpr bool tracks_signal = Local::signal_type::source == rule::signal_source::running;
  static constexpr bool batch_signal = Local::signal_type::source == rule::signal_source::batch;
  static constexpr bool normalizes = tracks_signal || batch_signal;
  static constexpr std::size_t unit_states = rule::states<rule_type>();
  /// Whether gates see the norms of their units' weights.
  static constexpr bool sees_units = rule::has_unit_gate<rule_type> || rule::has_weight_gate<rule_type>;
  /// Whether the response is computed in a pass of its own, before that of the sums.
  static constexpr bool responds_first = batch_signal || rule::has_pre<rule_type> || rule::has_weight_gate<rule_type>;
  static constexpr bool samples_rows = std::is_same_v<typename Local::rows_type, rule::sampled_rows>;

  template <class T>
  using array_of = typename Backend::template array<T>;

  struct arrays {
    accumulators<scalar> sums{};
    scalar* input = nullptr;         ///< pre(X) before unfolding, samples x map.in
    scalar* norm = nullptr;          ///< O
    scalar* weight_sum = nullptr;    ///< O x I: of a gate that sees single weights
    scalar* unit_rate = nullptr;     ///< O
    scalar* h = nullptr;             ///< O x I
    scalar* gate_means = nullptr;    ///< O
    scalar* signal_scale = nullptr;  ///< O
    scalar* signal_shift = nullptr;  ///< O
    scalar* moments = nullptr;       ///< 2 O
    typename weight_update<Backend, Local>::arrays step;
  };

  /// The sums from which the step is taken, one after the other, so that ranks can add them up at once.
  static void take_sums(const operation& op, workspace& kept, arrays& a) {
    if constexpr (!rule::supervised<rule_type>) {
      const std::size_t outputs = op.map().outputs();
      (rule::has_weight_gate<rule_type> ? a.weight_sum : a.sums.sum) = kept.take<scalar>(op.map().weights());
      a.sums.unit = kept.take<scalar>(sums::count * outputs);
      if (rule::centred<rule_type>()) a.sums.input = kept.take<scalar>(op.map().seen());
    }
  }
  /// All that the step needs.
  static void take_kept_arrays(const Backend& backend, const operation& op, workspace& kept, arrays& a) {
    const std::size_t outputs = op.map().outputs();
    take_sums(op, kept, a);
    a.step = weight_update<Backend, Local>::take_arrays(backend, outputs, op.map().inputs(), kept);
    if constexpr (!rule::supervised<rule_type>) {
      if (rule::centred<rule_type>()) a.gate_means = kept.take<scalar>(outputs);
      if (rule::has_unit_rate<rule_type>) a.unit_rate = kept.take<scalar>(outputs);
      if (normalizes) a.signal_scale = kept.take<scalar>(outputs);
    }
  }
  static arrays take_arrays(const Backend& backend, const operation& op, [[maybe_unused]] std::size_t samples,
                            workspace& kept, workspace& scratch) {
    arrays a;
    take_kept_arrays(backend, op, kept, a);
    if constexpr (!rule::supervised<rule_type>) {
      const std::size_t outputs = op.map().outputs();
      if (rule::has_weight_gate<rule_type>) a.sums.sum = scratch.take<scalar>(op.map().weights());
      if (forgets_by != rule::matrix_forget::none) a.sums.matrix = scratch.take<scalar>(outputs * outputs);
      if (rule::has_pre<rule_type>) a.input = scratch.take<scalar>(samples * op.in.size());
      if (sees_units) a.norm = scratch.take<scalar>(outputs);
      if (rule::has_response_weight<rule_type>) a.h = scratch.take<scalar>(op.map().weights());
      if (normalizes) a.signal_shift = scratch.take<scalar>(outputs);
      if (batch_signal) a.moments = scratch.take<scalar>(2 * outputs);
    }
    return a;
  }
  [[nodiscard]] scalar* unit(const arrays& a, std::size_t place) const { return a.sums.unit + place * rows_; }

  void fill(Backend& backend, scalar value, scalar* target) const {
    const std::vector<scalar> filled(rows_, value);
    backend.upload(std::span<const scalar>(filled), target);
  }

  /// If only a few gates of a row are not 0, adding their rows one by one is cheaper than a matrix product (measured:
  /// 1.3 to 1.8 times for the whole pass), from so many units per gate and so many inputs on.
  static constexpr std::size_t units_per_active_gate = 8;
  static constexpr std::size_t inputs_per_active_gate = 64;

  /// What gates see if the rule does not weigh the response otherwise.
  static constexpr gate_signal own_signal = normalizes ? gate_signal::transformed : gate_signal::response;
  static constexpr gate_signal weighed_signal =
      rule::has_response_weight<rule_type> ? gate_signal::reweighted : own_signal;
  [[nodiscard]] bool weighs_response() const {
    if constexpr (rule::has_response_weight<rule_type>) return values.rule.weighs_response();
    return false;
  }
  /// All forms in which units may forget by each other; make_options() picks one for each batch.
  static constexpr std::array<mutual_forgetting, 2> forms_of_forgetting() {
    using enum mutual_forgetting;
    if (forgets_by == rule::matrix_forget::none) return {none, none};
    return {matrix, forgets_by == rule::matrix_forget::full ? remainder : matrix};
  }

  /// The rows of a batch of all ranks that the rule learns from.
  row_sample sampled_rows_of(const linear_map& map, std::size_t samples, const step_values<scalar>& step) const {
    if constexpr (samples_rows) return detail::draw_rows(values.rows, map, samples, step.seed, step.step);
    return {};
  }

  learn_options make_options(const linear_map& map, const operands<scalar>& layer_arrays,
                             const step_values<scalar>& step) const {
    learn_options options;
    options.unit_sums = sums::count;
    options.sums_inputs = rule::centred<rule_type>();
    options.signal = weighs_response() ? gate_signal::reweighted : own_signal;
    options.response_is_given = responds_first;
    if constexpr (rule::has_active_gates<rule_type>) {
      const std::size_t active = values.rule.active_gates();
      if (active * units_per_active_gate <= rows_ && columns_ >= inputs_per_active_gate) options.active_gates = active;
    }
    if constexpr (samples_rows) {
      options.rows =
          detail::rows_of_rank(sampled_rows_of(map, layer_arrays.all_samples(), step), map, layer_arrays.whole);
    }
    if constexpr (forgets_by != rule::matrix_forget::none) {
      // (G^T G) W takes P O^2 + O^2 I multiply-adds, G W another P O I.
      const std::size_t learned = options.rows.count(map.rows(layer_arrays.samples));
      const bool remainder_is_cheaper = learned * rows_ + rows_ * columns_ >= learned * columns_;
      options.forgetting = forgets_by == rule::matrix_forget::full && remainder_is_cheaper
                               ? mutual_forgetting::remainder
                               : mutual_forgetting::matrix;
      options.is_modulated = step.modulator != nullptr;
    }
    return options;
  }

  void prepare_signal(Backend& backend, const linear_map& map, const operands<scalar>& layer_arrays, const arrays& a,
                      workspace scratch) {
    if constexpr (tracks_signal) {
      backend.for_rows(
          1, rows_,
          kernel::standard_scale<scalar>{signal_mean_.data(), signal_variance_.data(),
                                         static_cast<scalar>(values.signal.epsilon), a.signal_scale, a.signal_shift});
    } else if constexpr (batch_signal) {
      const std::size_t rows = map.rows(layer_arrays.samples);
      // Moments are taken about the first row: exact for any center, and this one is near the mean.
      backend.reduce_columns(
          rows, rows_, 2,
          kernel::followed_by<kernel::moments<scalar>, kernel::batch_scale<scalar>>{
              {layer_arrays.output, layer_arrays.output, rows_},
              {a.moments, layer_arrays.output, rows_, static_cast<scalar>(1 / static_cast<double>(rows)),
               static_cast<scalar>(values.signal.epsilon), a.signal_scale, a.signal_shift}},
          a.moments, scratch);
    }
  }

  /// Subtracts from the sum G^T X what the units forget by other units.
  void forget_units(Backend& backend, const arrays& a, const learn_options& options, const scalar* weight) {
    if (options.forgetting != mutual_forgetting::matrix) return;
    if (forgets_by == rule::matrix_forget::lower) {
      backend.for_rows(rows_, rows_, kernel::lower_triangle<scalar>{a.sums.matrix, rows_});
    }
    backend.subtract_product(
        {.rows = rows_, .inner = rows_, .columns = columns_, .a = a.sums.matrix, .b = weight, .c = a.sums.sum});
  }
  /// Subtracts from the sum G^T X the means of a centred rule.
  void subtract_means(Backend& backend, const linear_map& map, const arrays& a, scalar inv_count) {
    backend.for_rows(1, rows_, kernel::scaled<scalar>{unit(a, sums::gates), a.gate_means, inv_count});
    backend.for_rows(
        rows_, columns_,
        kernel::subtract_rank_one<scalar>{a.gate_means, a.sums.input, a.sums.sum, columns_, rows_ / map.groups});
  }
  /// Takes the step from the sums of the whole batch.
  void take_step(Backend& backend, const linear_map& map, const operands<scalar>& layer_arrays, const arrays& a,
                 scalar* weight, scalar* bias, double rate, const step_values<scalar>& step) {
    const std::size_t learned =
        sampled_rows_of(map, layer_arrays.all_samples(), step).count(map.rows(layer_arrays.all_samples()));
    const auto inv_count = static_cast<scalar>(1 / static_cast<double>(learned));
    if constexpr (rule::centred<rule_type>()) subtract_means(backend, map, a, inv_count);
    const scalar* unit_rate = nullptr;
    if constexpr (rule::has_unit_rate<rule_type>) {
      backend.for_rows(rows_, columns_,
                       kernel::unit_rates<scalar, rule_type>{values.rule, weight, columns_, a.unit_rate});
      unit_rate = a.unit_rate;
    }
    const scalar* sum = rule::has_weight_gate<rule_type> ? a.weight_sum : a.sums.sum;
    const kernel::local_direction<scalar> direction{sum, unit(a, sums::forget), inv_count,
                                                    static_cast<scalar>(rule::decay(values.rule)), columns_};
    const kernel::rate<scalar> eta = weights_.apply(backend, values, direction, unit_rate, weight, a.step, rate, step);
    if (!step.apply_updates) return;
    if constexpr (Local::bias_type::learns) {
      if (bias != nullptr) {
        const auto guarded = weights_.guard(direction, eta);
        backend.for_rows(1, rows_,
                         kernel::update_bias<scalar, std::remove_const_t<decltype(guarded)>>{bias, unit(a, sums::gates),
                                                                                             guarded, inv_count, eta});
      }
    }
    move_states(backend, a, inv_count);
  }

  void move_states(Backend& backend, const arrays& a, scalar inv_count) {
    if constexpr (unit_states > 0) {
      for (std::size_t s = 0; s < unit_states; ++s) {
        backend.for_rows(
            1, rows_,
            kernel::update_running_mean<scalar>{unit(a, sums::statistic + s), state_.data() + s * rows_, inv_count,
                                                static_cast<scalar>(rule::state_rate(values.rule, s))});
      }
    }
    if constexpr (tracks_signal) {
      backend.for_rows(1, rows_,
                       kernel::update_running_moments<scalar>{
                           unit(a, sums::signal), unit(a, sums::signal_squares), a.signal_scale, inv_count,
                           static_cast<scalar>(values.signal.momentum), signal_mean_.data(), signal_variance_.data()});
    }
  }

  std::size_t rows_;
  std::size_t columns_;
  weight_update<Backend, Local> weights_;
  array_of<scalar> state_;  ///< states x units
  array_of<scalar> signal_mean_;
  array_of<scalar> signal_variance_;
};

/// The local update of a layer without a local rule: empty.
template <class Backend>
class local_update<Backend, rule::gradient> {
 public:
  static constexpr bool pools = true;

  local_update(Backend&, const operation&) {}
};

}  // namespace localis
