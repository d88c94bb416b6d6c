#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include <localis/backend/concept.hpp>
#include <localis/core/error.hpp>
#include <localis/core/memory.hpp>
#include <localis/core/operation.hpp>
#include <localis/core/random.hpp>
#include <localis/core/workspace.hpp>
#include <localis/layer/options.hpp>
#include <localis/learn/error_feedback.hpp>
#include <localis/learn/local_error.hpp>
#include <localis/learn/local_loss.hpp>
#include <localis/learn/local_update.hpp>
#include <localis/learn/predsim.hpp>
#include <localis/learn/sampled_gradient.hpp>
#include <localis/learn/similarity.hpp>
#include <localis/rule/policy.hpp>

namespace localis {

namespace detail {

/// The operation of a trainable layer as its options determine it; the layer sets the extents.
template <class Options>
constexpr operation trainable_operation(const char* name) {
  static_assert(!Options::rounds_up, "localis: ceil_mode is an option of max_pool2d alone");
  operation op;
  op.name = name;
  op.kind = operation_kind::linear;
  op.has_bias = Options::has_bias;
  op.rule = Options::rule::name;
  op.learning = Options::learning;
  op.accepts = fusion::epilogue;
  op.accumulates = true;
  op.saves = saved_values::input;
  return op;
}

}  // namespace detail

/// The run-time part of dense and convolutional layers: weights, bias, and a local rule if there is one. Each call
/// passes the extents, so that the arithmetic is compiled once per scalar, rule, backend and kind of map.
/// Errors: shape_error if the map of the operation is not of its kind.
template <class Backend, class Rule, map_kind Kind = map_kind::any>
class linear_layer {
 public:
  using scalar = typename Backend::scalar;
  using learner = local_update<Backend, Rule>;
  static constexpr bool learns_locally = !std::is_same_v<typename rule::detail::rule_of<Rule>::type, rule::gradient>;
  /// Whether the weight gradient is taken from some rows.
  static constexpr bool samples_gradient = !learns_locally && !std::is_same_v<Rule, rule::gradient>;
  static constexpr bool supervised = rule::supervised<typename rule::detail::rule_of<Rule>::type>;

  /// Whether the rule has an eligibility trace.
  static constexpr bool has_trace = [] {
    if constexpr (learns_locally) return Rule::trace_type::is_kept;
    return false;
  }();

  /// Draws the initial weights, normal with mean 0 and deviation sqrt(2 / I) (He et al. 2015), and sets biases to 0.
  [[gnu::cold]] linear_layer(Backend& backend, const operation& op, random_stream random)
      : rows_(op.map().outputs()),
        columns_(op.map().inputs()),
        weight_(backend.template allocate<scalar>(memory_kind::parameters, rows_ * columns_)),
        bias_(backend.template allocate<scalar>(memory_kind::parameters, op.has_bias ? rows_ : 0)),
        learner_(backend, op),
        local_loss_(backend, op, random.substream(1)) {
    if (!op.map().is(Kind))
      throw shape_error(text("localis::linear_layer: the map of ", op.name, " is of another kind"));
    std::vector<scalar> initial(weight_.size());
    const double deviation = std::sqrt(2 / static_cast<double>(columns_));
    for (std::size_t i = 0; i < initial.size(); ++i) initial[i] = static_cast<scalar>(deviation * random.normal(i));
    backend.upload(std::span<const scalar>(initial), weight_.data());
  }

  /// The rule, whose parameters can be set, for example `model.template layer<0>().rule().decay = 0.1`.
  [[nodiscard]] auto& rule() requires learns_locally { return learner_.values.rule; }
  /// The rule with its policies: step, optimizer, constraint. Of a layer without a rule, the policy of its gradient.
  [[nodiscard]] Rule& local() requires(learns_locally || samples_gradient) { return learner_.values; }

  /// Sets the states of the rule to their initial values, unless the rule has made an update.
  void begin_learning(Backend& backend) requires learns_locally { learner_.begin(backend); }

  [[nodiscard]] std::array<parameter<scalar>, 2> parameters() { return arrays(); }
  [[nodiscard]] std::array<parameter<const scalar>, 2> parameters() const { return detail::read_only(arrays()); }
  /// The weights, O x I in row-major order, in the backend's memory: on a CPU they can be read and changed in place,
  /// and model::host_copy() copies them to the host from any backend. The rows are units; the columns of a convolution
  /// are kernel height x kernel width x channels.
  [[nodiscard]] std::span<scalar> weight() { return {weight_.data(), weight_.size()}; }
  [[nodiscard]] std::span<const scalar> weight() const { return {weight_.data(), weight_.size()}; }
  /// The biases, O values in the backend's memory; empty if the layer has none.
  [[nodiscard]] std::span<scalar> bias() { return {bias_.data(), bias_.size()}; }
  [[nodiscard]] std::span<const scalar> bias() const { return {bias_.data(), bias_.size()}; }
  /// The states of the rule, states x O in the backend's memory; empty if the rule has none.
  [[nodiscard]] std::span<scalar> state() requires learns_locally { return learner_.states_of_units(); }
  [[nodiscard]] std::span<const scalar> state() const requires learns_locally { return learner_.states_of_units(); }

  /// The arrays of the rule and its optimizer, for stored training runs.
  [[nodiscard]] std::vector<parameter<scalar>> states() { return all_states(); }
  [[nodiscard]] std::vector<parameter<const scalar>> states() const {
    const std::vector<parameter<scalar>> all = all_states();
    return {all.begin(), all.end()};
  }

  /// The counters of the rule and its optimizer, for stored training runs.
  [[nodiscard]] std::vector<std::size_t*> counts() {
    std::vector<std::size_t*> result;
    if constexpr (learns_locally) result.push_back(learner_.weights().updates());
    if constexpr (detail::local_loss_counts<local_loss_type>) {
      for (std::size_t* count : local_loss_.counts()) result.push_back(count);
    }
    return result;
  }

  // For update_diagnostics (train/update_diagnostics.hpp): from keep_direction() on, each local update leaves the
  // direction of its step.
  void keep_direction(Backend& backend) requires learns_locally { learner_.weights().keep_direction(backend); }
  [[nodiscard]] std::span<const scalar> direction() const requires learns_locally {
    return learner_.weights().direction();
  }

  static constexpr std::size_t saved(const operation&) { return 0; }

  /// The statistics of the local updates, read after a step: the sum of squares of the last update, and the number of
  /// weight rows so far whose scale was negative.
  struct local_update_statistics {
    double change = 0;
    double clips = 0;
    bool failed = false;  ///< whether the guard of the rule treats clips as an error
  };
  [[nodiscard]] local_update_statistics read_update_statistics(const Backend& backend) const {
    local_update_statistics result;
    if constexpr (learns_locally) {
      const auto [change, clips] = learner_.weights().read_statistics(backend);
      result = {change, clips, fails_on_clips() && clips > 0};
    }
    return result;
  }
  /// The statistics of the local updates in the backend's memory; null without a local rule.
  [[nodiscard]] const double* update_statistics() const {
    if constexpr (learns_locally) return learner_.weights().statistics();
    return nullptr;
  }
  static constexpr bool fails_on_clips() {
    if constexpr (learns_locally) return Rule::guard_type::reaction == rule::on_negative_scale::fail;
    return false;
  }

  void validate() const {
    if constexpr (learns_locally || samples_gradient) learner_.values.validate();
  }

  /// The number of values that the rule of this layer adds up over the ranks in a step, besides gradients of descent.
  /// @param learns  whether the stage lies before the boundary
  static std::size_t summed_values([[maybe_unused]] const operation& op, [[maybe_unused]] bool learns) {
    std::size_t count = 0;
    if constexpr (supervised) {
      if (learns) count += op.parameters;  // a bias too, whose gradient lies beside that of the weights
      if constexpr (requires { local_loss_type::summed_values(op, learns); }) {
        if (op.has_local_loss) count += local_loss_type::summed_values(op, learns);
      }
    } else if constexpr (learns_locally) {
      if (learns) count += learner::summed_values(op.map());
    }
    return count;
  }

  /// Whether the epilogue of the layer may pool the response, so that the full response is never stored.
  static constexpr bool pools = learner::pools;

  [[gnu::cold]] static std::size_t scratch_bytes(const Backend& backend, const operation& op, std::size_t samples,
                                                 phase run_phase, const epilogue_options& epilogue = {}) {
    const linear_map_of<Kind> map{op.map()};
    workspace measure;
    switch (run_phase) {
      case phase::evaluate:
      case phase::train:
        backend.respond_scratch(map, samples, measure, epilogue);
        break;
      case phase::learn:
        if constexpr (learns_locally && !supervised) return learner::scratch_bytes(backend, op, map, samples, epilogue);
        backend.respond_scratch(map, samples, measure, epilogue);
        break;
      case phase::backward: {
        workspace other;
        backend.input_gradient_scratch(map, samples, measure);
        if constexpr (samples_gradient) {
          learner::take_scratch(backend, map, samples, other);
        } else {
          backend.weight_gradient_scratch(map, samples, other);
        }
        return measure.used() > other.used() ? measure.used() : other.used();
      }
    }
    return measure.used();
  }

  /// @param epilogue  the operations that run in the same pass (kernel::epilogue)
  template <class Epilogue = kernel::no_epilogue>
  void forward(Backend& backend, const operation& op, const operands<scalar>& arrays, mode run_mode,
               const step_values<scalar>& step, const Epilogue& epilogue = {}) {
    const linear_map_of<Kind> map{op.map()};
    workspace scratch(arrays.scratch);
    if constexpr (samples_gradient) learner_.begin_step(step);
    if constexpr (learns_locally && !supervised && !Epilogue::trains) {
      const double rate = step.local_rate * learner_.values.step.scale;
      if (run_mode == mode::learn && rate > 0) {
        learner_.respond_and_learn(backend, op, map, arrays, weight_.data(), bias_.data(), rate, step, epilogue);
        return;
      }
    }
    backend.respond(
        map,
        {.samples = arrays.samples, .x = arrays.input, .w = weight_.data(), .bias = bias_.data(), .u = arrays.output},
        scratch, epilogue);
  }

  void backward(Backend& backend, const operation& op, const operands<scalar>& arrays) {
    const linear_map_of<Kind> map{op.map()};
    workspace gradients(arrays.parameter_gradients);
    auto* weight_gradient = gradients.take<scalar>(weight_.size());
    scalar* bias_gradient = bias_.empty() ? nullptr : gradients.take<scalar>(bias_.size());
    if constexpr (samples_gradient) {
      learner_.weight_gradient(backend, map, arrays, weight_.data(), weight_gradient, bias_gradient);
    } else {
      backend.weight_gradient(map,
                              {.samples = arrays.samples,
                               .x = arrays.input,
                               .d = arrays.output_gradient,
                               .dw = weight_gradient,
                               .db = bias_gradient},
                              workspace(arrays.scratch));
    }
    if (arrays.input_gradient != nullptr) {
      backend.input_gradient(map,
                             {.samples = arrays.wanted_samples(),
                              .d = arrays.output_gradient,
                              .w = weight_.data(),
                              .dx = arrays.input_gradient,
                              .mode = arrays.adds_input_gradient ? kernel::store::add : kernel::store::replace},
                             workspace(arrays.scratch));
    }
  }

  /// Of a rule that learns in the forward pass: what its step needs on several ranks, where learn() takes it.
  [[gnu::cold]] static auto measure_kept(const Backend& backend,
                                         const operation& op) requires(learns_locally && !supervised) {
    return learner::measure_kept(backend, op);
  }

  // Members for a supervised rule: the part of its local loss in a step, and the update after backward() has left the
  // gradients.

  static std::size_t local_loss_scratch_bytes(const Backend& backend, const operation& op,
                                              std::size_t samples) requires supervised {
    return op.has_local_loss ? local_loss_type::scratch_bytes(backend, op, samples) : 0;
  }
  [[gnu::cold]] static std::size_t learn_scratch_bytes(const Backend& backend, const operation& op,
                                                       std::size_t samples) requires supervised {
    return learner::scratch_bytes(backend, op, linear_map_of<Kind>{op.map()}, samples);
  }
  void compute_local_gradient(Backend& backend, const operation& op,
                              const teaching_signal<scalar>& signal) requires supervised {
    local_loss_.compute_local_gradient(backend, op, learner_.values.rule, signal);
  }
  void observe(Backend& backend, const operation& op, const teaching_signal<scalar>& signal) requires supervised {
    if constexpr (detail::observes<local_loss_type, Backend, bare_rule>) {
      local_loss_.observe(backend, op, learner_.values.rule, signal);
    }
  }
  /// Takes the step of a supervised rule or, on several ranks, of any rule, from sums that are those of all ranks by
  /// now.
  void learn(Backend& backend, const operation& op, const operands<scalar>& arrays,
             const step_values<scalar>& step) requires learns_locally {
    const double rate = step.local_rate * learner_.values.step.scale;
    if (rate == 0) return;
    if constexpr (supervised) {
      workspace gradients(arrays.parameter_gradients);
      auto* gradient = gradients.take<scalar>(weight_.size());
      learner_.learn_from(backend, op, gradient, weight_.data(), rate, step, arrays.scratch);
    } else {
      learner_.learn(backend, op, linear_map_of<Kind>{op.map()}, arrays, weight_.data(), bias_.data(), rate, step);
    }
  }

 private:
  using bare_rule = typename rule::detail::rule_of<Rule>::type;
  using local_loss_type = typename decltype(detail::checked_local_loss<Backend, bare_rule>())::type;

  [[nodiscard]] std::array<parameter<scalar>, 2> arrays() const {
    return {{{"weight", rows_, columns_, weight_.data(), parameter_role::trainable},
             {"bias", bias_.empty() ? std::size_t{0} : std::size_t{1}, bias_.size(), bias_.data(),
              parameter_role::trainable}}};
  }
  [[nodiscard]] std::vector<parameter<scalar>> all_states() const {
    std::vector<parameter<scalar>> result;
    if constexpr (learns_locally) result = learner_.states();
    if constexpr (supervised) {
      for (const parameter<scalar>& state : local_loss_.states()) {
        if (state.size() > 0) result.push_back(state);
      }
    }
    return result;
  }

  std::size_t rows_;
  std::size_t columns_;
  typename Backend::template array<scalar> weight_;
  typename Backend::template array<scalar> bias_;
  [[no_unique_address]] learner learner_;
  [[no_unique_address]] local_loss_type local_loss_;
};

}  // namespace localis
