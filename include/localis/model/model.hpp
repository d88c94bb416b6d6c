#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/core/memory.hpp>
#include <localis/core/operation.hpp>
#include <localis/core/random.hpp>
#include <localis/core/workspace.hpp>
#include <localis/fwd.hpp>
#include <localis/kernel/divide.hpp>
#include <localis/kernel/elementwise.hpp>
#include <localis/kernel/loss.hpp>
#include <localis/kernel/update.hpp>
#include <localis/learn/local_loss.hpp>
#include <localis/loss/loss.hpp>
#include <localis/model/layer_pack.hpp>
#include <localis/model/memory_plan.hpp>
#include <localis/model/staging.hpp>
#include <localis/model/step_options.hpp>
#include <localis/model/summary.hpp>
#include <localis/model/teaching_signals.hpp>
#include <localis/network/program.hpp>

namespace localis {

struct model_options {
  std::uint64_t seed = 1;  ///< of the initial weights and of dropout
};

/// A network with its weights, its memory and the passes over it.
///
///   model<net> m{{.seed = 1}};
///   m.prepare({.batch = 64});
///   m.forward(features, 64, {.boundary = 1, .local_rate = 1e-5});     // stage 0 learns here
///   const double loss = m.loss(loss::softmax_cross_entropy{}, labels);
///   m.backward();
///   descent.step(0.05);                                               // train/gradient_descent.hpp
///
/// All arrays of a step lie in one arena, allocated by prepare(); no pass allocates in the backend.
/// Errors: shape_error and config_error, in every build type.
template <class Network, class Backend = cpu::backend<float>>
class model {
 public:
  using network_type = Network;
  using backend_type = Backend;
  using scalar = typename Backend::scalar;
  static constexpr std::size_t size = Network::size;
  static constexpr std::size_t stages = Network::stages;
  static constexpr std::size_t outputs = Network::output.size();

  explicit model(const model_options& options = {}, Backend backend = Backend())
      : options_(options),
        backend_(std::move(backend)),
        layers_(make_layers(std::make_index_sequence<size>{})),
        gains_(backend_.template allocate<scalar>(memory_kind::parameters, stages)),
        loss_sums_(backend_.template allocate<double>(memory_kind::parameters, 2)) {}

  [[nodiscard]] Backend& backend() { return backend_; }
  [[nodiscard]] const Backend& backend() const { return backend_; }
  [[nodiscard]] static constexpr std::span<const operation> operations() { return Network::program.operations; }
  [[nodiscard]] const memory_request& memory() const { return request_; }
  [[nodiscard]] const model_options& options() const { return options_; }

  /// Operation I, as summary() numbers them (blocks are opened up): its rule, its run-time values.
  template <std::size_t Index>
  [[nodiscard]] auto& layer() {
    static_assert(Index < size, "localis::model: layer<Index>: the network has fewer operations; see summary()");
    return detail::get<Index>(layers_);
  }
  template <std::size_t Index>
  [[nodiscard]] const auto& layer() const {
    static_assert(Index < size, "localis::model: layer<Index>: the network has fewer operations; see summary()");
    return detail::get<Index>(layers_);
  }

  /// f(operation, its run-time part) for each operation, in order.
  template <class F>
  void for_each_layer(F&& f) {
    for_each_index([&]<std::size_t Index>() { f(Network::program.operations[Index], detail::get<Index>(layers_)); });
  }
  template <class F>
  void for_each_layer(F&& f) const {
    for_each_index([&]<std::size_t Index>() { f(Network::program.operations[Index], detail::get<Index>(layers_)); });
  }
  /// f(operation, parameter) for each array that belongs to a stored model, in order.
  template <class F>
  void for_each_parameter(F&& f) const {
    for_each_layer([&](const operation& op, const auto& layer) {
      for (const parameter<scalar>& p : layer.parameters()) {
        if (p.size() > 0) f(op, p);
      }
    });
  }
  /// Whether all values of an array in the backend's memory are finite.
  [[nodiscard]] bool all_finite(std::span<const scalar> array) const {
    if constexpr (Backend::memory::host_accessible) {
      return loss::all_finite(array.data(), array.size());
    } else {
      constexpr std::size_t most = std::size_t{1} << 20;
      std::vector<scalar> host((std::min)(most, array.size()));
      for (std::size_t first = 0; first < array.size(); first += most) {
        const std::size_t count = (std::min)(most, array.size() - first);
        backend_.download(array.data() + first, std::span<scalar>(host.data(), count));
        if (!loss::all_finite(host.data(), count)) return false;
      }
      return true;
    }
  }
  /// f(operation, array) for what a stored training run must hold besides: states of rules and of their optimizers.
  template <class F>
  void for_each_state(F&& f) const {
    for_each_layer([&](const operation& op, const auto& layer) {
      if constexpr (requires { layer.states(); }) {
        for (const parameter<scalar>& p : layer.states()) f(op, p);
      }
    });
  }
  /// And what rules and their optimizers count.
  [[nodiscard]] std::vector<std::size_t*> counts() {
    std::vector<std::size_t*> result;
    for_each_layer([&](const operation&, auto& layer) {
      if constexpr (requires { layer.counts(); }) {
        for (std::size_t* count : layer.counts()) result.push_back(count);
      }
    });
    return result;
  }
  /// Whether a rule remembers errors.
  static constexpr bool remembers_errors = detail::teaching_signals<Network, Backend>::remembers;
  /// The errors that rules remember, samples of the data set x outputs, in the backend's memory; room for them, as
  /// prepare() makes it, for a stored run.
  [[nodiscard]] std::span<scalar> remembered_errors() const { return teaching_signals_.errors(); }
  void remember_samples(std::size_t samples) {
    if (remembers_errors) teaching_signals_.remember_samples(backend_, samples);
  }
  /// f(operation, parameter, gradient) for each trainable array at or behind the boundary of the last backward pass.
  template <class F>
  void for_each_gradient(F&& f) const {
    require_backward();
    std::size_t i = 0;
    for_each_layer([&](const operation& op, const auto& layer) {
      const std::size_t offset = current().operations[i++].parameter_gradients;
      if (offset == plan::none || op.stage < step_options_.boundary)
        return;  // supervised stages before it have gradients too
      workspace gradients(arena_.data() + offset);
      for (const parameter<scalar>& p : layer.parameters()) {
        if (p.trainable && p.size() > 0) f(op, p, static_cast<const scalar*>(gradients.take<scalar>(p.size())));
      }
    });
  }

  /// Checks every layer's run-time values: config_error.
  void validate() const {
    for_each_layer([](const operation&, const auto& layer) { layer.validate(); });
  }

  /// Plans and allocates the arena. Moving the boundary between `lowest_boundary` and `highest_boundary` allocates
  /// nothing. Errors: config_error, which leaves the model as it was; error (device_error on a device) where memory
  /// runs out, with what is needed by kind: weights stay as they were, and the next pass wants another prepare().
  void prepare(memory_request request) {
    std::vector<plan> plans = make_plans(request);
    const auto largest =
        std::max_element(plans.begin(), plans.end(), [](const plan& a, const plan& b) { return a.bytes < b.bytes; });
    const std::size_t staging = staging_buffers::bytes(request.batch);
    const std::size_t bytes = largest->bytes + staging;
    prepared_ = false;  // until all of it is there
    state_ = progress::idle;
    try {
      if (bytes != arena_.size()) {
        arena_ = {};  // before the new one is there: the peak is the larger of the two, not their sum
        arena_ = backend_.template allocate<std::byte>(memory_kind::arena, bytes);
      }
      teaching_signals_.prepare(backend_, request);
    } catch (const device_error& failure) {
      throw device_error(text(failure.what(), needs(request, *largest)));
    } catch (const error& failure) {
      throw error(text(failure.what(), needs(request, *largest)));
    }
    staging_bytes_ = staging;
    plans_ = std::move(plans);
    request_ = request;
    prepared_ = true;
  }

  /// Runs one batch. Stages before the boundary learn by their rules while they pass it on (if local_rate > 0), stages
  /// behind keep what backward() reads. Returns the network's output, samples x outputs, in the backend's memory, valid
  /// until the next pass.
  std::span<const scalar> forward(std::span<const scalar> features, std::size_t samples, const step_options& options) {
    require_batch("model::forward", features, samples);
    if (!request_.training) {
      throw config_error("model::forward: expected memory prepared for training, found prepared for predictions only");
    }
    if (options.boundary < request_.lowest_boundary || options.boundary > request_.highest_boundary) {
      throw config_error(text("model::forward: boundary: expected ", request_.lowest_boundary, " to ",
                              request_.highest_boundary, ", as prepared, found ", options.boundary));
    }
    expect(is_finite(options.local_rate) && options.local_rate >= 0, "model::forward: local_rate",
           "a finite number >= 0", options.local_rate);
    expect(options.local_rate == 0 || request_.local_learning, "model::forward: local_rate",
           "0, since the memory was prepared without local learning", options.local_rate);
    if (options.normalization == prefix_normalization::batch && request_.normalization != prefix_normalization::batch) {
      throw config_error(
          "model::forward: normalization: expected running or frozen, as prepared (memory_request::normalization), "
          "found batch");
    }
    check_classes("model::forward", options.classes);
    if (!options.gains_are_set) upload_gains(options);
    step_options_ = options;
    input_ = stage_features(features);
    samples_ = samples;
    step_values<scalar> values;
    values.local_rate = options.local_rate;
    values.gain = gains_.data();
    values.modulator = upload_modulator(options, samples);
    values.normalization = options.normalization;
    values.seed = options_.seed;
    values.step = options.step;
    values.apply_updates = options.apply_updates;
    if constexpr (teaching_signals::any) teaching_signals_.open(backend_, request_, options, samples);
    step_ = values;
    run_forward(options.boundary, false, values);
    state_ = progress::forward;
    return {value(operations()[size - 1].output), samples * outputs};
  }

  /// Mean loss of the last forward pass; prepares backward(). `targets`: rows of outputs, or empty; without them,
  /// outputs that are no class of the data (pass::classes) take no part, and their gradient is 0.
  template <class Loss>
  double loss(const Loss& function, std::span<const std::uint32_t> labels, std::span<const scalar> targets = {}) {
    compute_loss_async(function, labels, targets);
    double sum = 0;
    backend_.download(loss_sums(), std::span<double>(&sum, 1));
    return sum / static_cast<double>(samples_);
  }
  /// The same without waiting for the loss: its sum over samples, and the hits, go to outcome().
  template <class Loss>
  void compute_loss_async(const Loss& function, std::span<const std::uint32_t> labels,
                          std::span<const scalar> targets = {}) {
    if (state_ == progress::idle) throw config_error("model::loss: expected a forward pass before, found none");
    check_targets("model::loss", function, labels, targets, samples_, step_options_.classes);
    const scalar* output = value(operations()[size - 1].output);
    auto* gradient = at<scalar>(current().gradient(operations()[size - 1].output));
    workspace scratch(arena_.data() + current().loss);
    run_loss(function, output, labels, targets, gradient, scratch);
    if (step_options_.apply_updates) teaching_signals_.remember(backend_, gradient);
    state_ = progress::loss;
  }
  /// In the backend's memory: sum of the last losses, and the samples whose largest output is their label.
  [[nodiscard]] const double* loss_sums() const { return loss_sums_.data(); }
  /// In the backend's memory: factors on the local rate, by stage.
  [[nodiscard]] scalar* gains() const { return gains_.data(); }

  /// Gradients of the last loss() for every parameter from the boundary on; nothing below the boundary is computed.
  void backward() {
    if (state_ != progress::loss) throw config_error("model::backward: expected a call of loss() before, found none");
    for_each_index_reversed([&]<std::size_t Index>() {
      const operation& op = Network::program.operations[Index];
      if (op.stage < step_options_.boundary || current().gradient(op.output) == plan::none) return;
      if (teaching_signals::any && op.supervised && ends_stage(Index)) observe_stage(op.stage);
      run_backward<Index>();
    });
    state_ = progress::backward;
  }

  /// Output in evaluation: running statistics, no dropout, no learning. samples x outputs, on the host. Works in
  /// batches of what was prepared, or of up to 256.
  std::vector<scalar> predict(std::span<const scalar> features, std::size_t samples) {
    std::vector<scalar> result(samples * outputs);
    run_predictions("model::predict", features, samples,
                    [&](const scalar* output, std::size_t first, std::size_t count) {
                      backend_.download(output, std::span<scalar>(result.data() + first * outputs, count * outputs));
                    });
    return result;
  }

  struct evaluation {
    double loss = 0;          ///< mean; NaN where an output is not finite
    std::size_t correct = 0;  ///< samples whose largest output is their label, and whose outputs are finite
  };
  /// Mean loss and hits of one batch in evaluation. `classes`: as pass::classes.
  template <class Loss>
  evaluation evaluate(const Loss& function, std::span<const scalar> features, std::span<const std::uint32_t> labels,
                      std::span<const scalar> targets = {}, std::size_t classes = 0) {
    const std::size_t samples = features.size() / Network::input.size();
    check_classes("model::evaluate", classes);
    check_targets("model::evaluate", function, labels, targets, samples, classes);
    const std::size_t active_outputs = targets.empty() ? count_of(classes) : outputs;
    evaluation result;
    const std::vector<scalar> output = predict(features, samples);
    std::vector<scalar> gradient(outputs);
    for (std::size_t n = 0; n < samples; ++n) {
      const scalar* row = output.data() + n * outputs;
      const loss::target<scalar> wanted = target_of(labels, targets, n);
      const auto found = static_cast<double>(function.sample(row, active_outputs, wanted, gradient.data(), scalar(1)));
      result.loss += loss::all_finite(row, active_outputs) ? found : std::numeric_limits<double>::quiet_NaN();
      if (!labels.empty() && correct(row, count_of(classes), labels[n])) ++result.correct;
    }
    result.loss /= static_cast<double>(samples);
    return result;
  }
  /// What a stage gave in the last forward pass, samples x height x width x channels, in the backend's memory: right
  /// after a pass whose boundary was not beyond the stage.
  [[nodiscard]] std::span<const scalar> stage_output(std::size_t stage) const {
    if (state_ == progress::idle) throw config_error("model::stage_output: expected a forward pass before, found none");
    expect(stage < stages && stage >= step_options_.boundary, "model::stage_output: stage",
           text("from the boundary ", step_options_.boundary, " to ", stages - 1).c_str(), stage);
    const operation& last = last_of_stage(stage);
    return {value(last.output), samples_ * last.out.size()};
  }
  /// Samples of the last forward pass whose largest output, among those of pass::classes, is their label.
  [[nodiscard]] std::size_t correct(std::span<const std::uint32_t> labels) const {
    if (state_ == progress::idle) throw config_error("model::correct: expected a forward pass before, found none");
    std::vector<scalar> output(samples_ * outputs);
    backend_.download(value(operations()[size - 1].output), std::span<scalar>(output));
    std::size_t count = 0;
    for (std::size_t n = 0; n < (std::min)(samples_, labels.size()); ++n) {
      const scalar* row = output.data() + n * outputs;
      if (correct(row, count_of(step_options_.classes), labels[n])) ++count;
    }
    return count;
  }

  /// Sum of squares of the last local update of each stage's weights, and clipped rows so far, by stage.
  struct local_update_statistics {
    std::array<double, stages> change{};
    std::array<double, stages> clips{};
    std::array<bool, stages> failed{};  ///< a row met a guard that asks for an error
  };
  [[nodiscard]] local_update_statistics read_update_statistics() const {
    local_update_statistics result;
    for_each_layer([&](const operation& op, const auto& layer) {
      if constexpr (requires { layer.read_update_statistics(backend_); }) {
        const auto one = layer.read_update_statistics(backend_);
        result.change[op.stage] += one.change;
        result.clips[op.stage] += one.clips;
        result.failed[op.stage] = result.failed[op.stage] || one.failed;
      }
    });
    return result;
  }

  /// By stage: whether clipped rows are an error.
  [[nodiscard]] static constexpr std::array<bool, stages> fails_on_clips() {
    std::array<bool, stages> result{};
    for_each_index([&]<std::size_t Index>() {
      using layer = std::remove_reference_t<decltype(detail::get<Index>(std::declval<states&>()))>;
      if constexpr (requires { layer::fails_on_clips(); }) {
        const std::size_t stage = Network::program.operations[Index].stage;
        result[stage] = result[stage] || layer::fails_on_clips();
      }
    });
    return result;
  }

  /// Share of each stage in the network's products (response work), summing to 1.
  [[nodiscard]] static constexpr std::array<double, stages> work_shares() {
    std::array<double, stages> shares{};
    double total = 0;
    for (const operation& op : operations()) {
      if (!op.trainable()) continue;
      const double work = static_cast<double>(op.map().rows(1)) * static_cast<double>(op.map().weights());
      shares[op.stage] += work;
      total += work;
    }
    for (double& share : shares) share /= total;
    return shares;
  }

  [[nodiscard]] localis::summary summary() const {
    localis::summary s = describe();
    if (prepared_) add_plans(s, request_, plans_);
    return s;
  }
  /// The same with the memory that prepare(request) would plan for; allocates none of it. Errors: those of prepare().
  [[nodiscard]] localis::summary summary(memory_request request) const {
    const std::vector<plan> plans = make_plans(request);
    localis::summary s = describe();
    add_plans(s, request, plans);
    return s;
  }

 private:
  [[nodiscard]] localis::summary describe() const {
    localis::summary s;
    s.backend = Backend::name;
    s.instructions = Backend::instructions();
    s.threads = backend_.threads();
    s.scalar_bytes = sizeof(scalar);
    s.input = Network::input;
    s.stages = stages;
    s.highest_boundary = Network::highest_boundary;
    const memory_counters in_use = backend_.counters().snapshot();
    s.parameter_bytes = in_use.of(memory_kind::parameters);
    s.rule_state_bytes = in_use.of(memory_kind::rule_state);
    s.error_rows = teaching_signals_.rows();
    s.error_row_bytes = outputs * sizeof(scalar);
    for (const operation& op : operations()) {
      s.rows.push_back({op.name, op.rule, op.stage, op.out, op.parameters,
                        op.trainable() ? op.map().rows(1) * op.map().weights() : 0});
    }
    return s;
  }
  /// One plan for each boundary, and one for predictions.
  static void add_plans(localis::summary& s, const memory_request& request, const std::vector<plan>& plans) {
    s.batch = request.batch;
    for (std::size_t k = 0; k + 1 < plans.size(); ++k) {
      const plan& p = plans[k];
      const std::size_t boundary = request.lowest_boundary + k;
      std::size_t parameters = 0;
      for (const operation& op : operations()) parameters += op.stage >= boundary ? op.parameters : 0;
      s.memory.push_back({boundary, p.activation_bytes, p.gradient_bytes, p.scratch_bytes,
                          p.bytes + staging_buffers::bytes(request.batch), parameters * sizeof(scalar)});
    }
  }

  using states = typename detail::layer_states<Backend, Network>::type;
  using teaching_signals = detail::teaching_signals<Network, Backend>;
  enum class progress { idle, forward, loss, backward };

  template <class F>
  static constexpr void for_each_index(F&& f) {
    [&]<std::size_t... Is>(std::index_sequence<Is...>) { (f.template operator()<Is>(), ...); }
    (std::make_index_sequence<size>{});
  }
  template <class F>
  static void for_each_index_reversed(F&& f) {
    [&]<std::size_t... Is>(std::index_sequence<Is...>) { (f.template operator()<size - 1 - Is>(), ...); }
    (std::make_index_sequence<size>{});
  }

  template <std::size_t... Is>
  states make_layers(std::index_sequence<Is...>) {
    const random_stream random(options_.seed, 0x6D6F64656C);  // "model"
    return states{{typename std::remove_reference_t<decltype(detail::get<Is>(std::declval<states&>()))>(
        backend_, Network::program.operations[Is], random.substream(Is))}...};
  }

  /// For the boundaries of a request, whose highest becomes at most the network's, and for predictions.
  [[nodiscard]] std::vector<plan> make_plans(memory_request& request) const {
    request.highest_boundary = (std::min)(request.highest_boundary, Network::highest_boundary);
    expect(request.batch > 0, "model::prepare: batch", "at least 1", request.batch);
    if (request.lowest_boundary > request.highest_boundary) {
      throw config_error(text("model::prepare: lowest_boundary: expected at most ", request.highest_boundary,
                              " (the last stage, and every stage without a rule, learn by gradient), found ",
                              request.lowest_boundary));
    }
    for (const operation& op : operations()) {
      const std::size_t positions = (std::max)(op.in.positions(), op.out.positions());
      if (positions <= kernel::most_rows / request.batch) continue;
      throw config_error(text("model::prepare: batch: expected at most ", kernel::most_rows / positions,
                              ", since kernels count rows in 32 bits (", op.name, ": ", positions,
                              " per sample), found ", request.batch));
    }
    std::vector<plan> plans;
    const std::size_t first = request.training ? request.lowest_boundary : stages;
    for (std::size_t boundary = first; boundary <= request.highest_boundary; ++boundary) {
      plans.push_back(make_plan_for(request, boundary));
    }
    plans.push_back(make_plan_for(request, stages));  // predictions
    return plans;
  }
  [[nodiscard]] plan make_plan_for(const memory_request& request, std::size_t boundary) const {
    std::vector<operation_bytes> bytes(size);
    for_each_index([&]<std::size_t Index>() {
      const operation& op = Network::program.operations[Index];
      const auto& layer = detail::get<Index>(layers_);
      constexpr std::size_t last = last_in_epilogue(Index);
      const phase forward = boundary == stages        ? phase::evaluate
                            : op.stage >= boundary    ? phase::train
                            : !request.local_learning ? phase::evaluate
                            : op.supervised           ? phase::train
                                                      : phase::learn;
      operation_bytes& b = bytes[Index];
      b.input = request.batch * op.in.size() * sizeof(scalar);
      b.output = request.batch * op.out.size() * sizeof(scalar);
      b.saved = layer.saved(op) * sizeof(scalar);
      workspace gradients;
      for (const parameter<scalar>& p : layer.parameters()) {
        if (p.trainable && p.size() > 0) (void)gradients.take<scalar>(p.size());
      }
      b.gradients = gradients.used();
      if constexpr (last > Index) {
        const bool present = boundary == stages || (forward != phase::train && op.stage < boundary &&
                                                    request.normalization != prefix_normalization::batch);
        for (std::size_t i = Index + 1; present && i <= last; ++i) bytes[i].fused_by = Index;
        b.forward_scratch = layer.scratch_bytes(backend_, op, request.batch, forward, {present, pool_behind(Index)});
      } else {
        b.forward_scratch = layer.scratch_bytes(backend_, op, request.batch, forward);
      }
      b.backward_scratch = layer.scratch_bytes(backend_, op, request.batch, phase::backward);
      if constexpr (requires { layer.local_loss_scratch_bytes(backend_, op, request.batch); }) {
        if (boundary < stages && request.local_learning) {
          b.local_loss_scratch = layer.local_loss_scratch_bytes(backend_, op, request.batch);
          b.learn_scratch = layer.learn_scratch_bytes(backend_, op, request.batch);
        }
      }
    });
    workspace loss_scratch;
    (void)take_loss_arrays(request.batch, loss_scratch);
    return make_plan(operations(), bytes, stages, boundary, loss_scratch.used());
  }

  [[gnu::cold]] static std::string needs(const memory_request& request, const plan& largest) {
    return text("; model::prepare: a batch of ", request.batch, " needs an arena of ", largest.bytes,
                " bytes, which activations (", largest.activation_bytes, "), gradients (", largest.gradient_bytes,
                ") and scratch (", largest.scratch_bytes, ") share");
  }

  [[nodiscard]] const plan& plan_of(std::size_t boundary) const {
    return boundary == stages ? plans_.back() : plans_[boundary - request_.lowest_boundary];
  }
  [[nodiscard]] const plan& current() const { return *plan_; }

  template <class T>
  [[nodiscard]] T* at(std::size_t offset) const {
    return offset == plan::none ? nullptr : reinterpret_cast<T*>(arena_.data() + offset);
  }
  [[nodiscard]] const scalar* value(std::size_t number) const {
    return current().value(number) == plan::none ? input_ : at<scalar>(current().value(number));
  }

  [[nodiscard]] operands<scalar> operands_of(std::size_t i) const {
    const operation& op = Network::program.operations[i];
    operands<scalar> where;
    where.samples = samples_;
    where.input = value(op.input);
    if (op.kind == operation_kind::add) where.skip = value(op.skip);
    where.output = at<scalar>(current().value(op.output));
    where.saved = at<scalar>(current().operations[i].saved);
    return where;
  }

  void upload_gains(const step_options& options) {
    expect(options.stage_gains.empty() || options.stage_gains.size() == stages, "model::forward: stage_gains",
           text("none, or ", stages, ", one for each stage").c_str(), options.stage_gains.size());
    std::array<scalar, stages> gains{};
    for (std::size_t s = 0; s < stages; ++s) {
      gains[s] = static_cast<scalar>(options.gain * (options.stage_gains.empty() ? 1 : options.stage_gains[s]));
    }
    backend_.upload(std::span<const scalar>(gains), gains_.data());
  }
  const scalar* upload_modulator(const step_options& options, std::size_t samples) {
    if (options.modulator.empty()) return nullptr;
    expect(options.modulator.size() == samples, "model::forward: modulator",
           text("none, or ", samples, ", one for each sample").c_str(), options.modulator.size());
    if (modulator_.size() < samples) {
      modulator_ = backend_.template allocate<scalar>(memory_kind::rule_state, request_.batch);
    }
    const std::vector<scalar> converted(options.modulator.begin(), options.modulator.end());
    backend_.upload(std::span<const scalar>(converted), modulator_.data());
    return modulator_.data();
  }

  static constexpr bool ends_stage(std::size_t i) {
    return i + 1 == size || operations()[i + 1].stage != operations()[i].stage;
  }
  /// The last of the operations that operation i does: itself, or the activation behind it.
  static constexpr std::size_t last_fused_by(std::size_t i) {
    return i + 1 < size && operations()[i + 1].fused_into_previous ? i + 1 : i;
  }

  /// Whether a layer may leave nothing but what is pooled from its response.
  template <std::size_t Index>
  static constexpr bool layer_pools() {
    using layer = std::remove_reference_t<decltype(detail::get<Index>(std::declval<states&>()))>;
    if constexpr (requires { layer::pools; }) {
      return layer::pools;
    } else {
      return false;
    }
  }
  /// The same by operation.
  static constexpr auto all_pools = []<std::size_t... Is>(std::index_sequence<Is...>) {
    return std::array<bool, size>{layer_pools<Is>()...};
  }
  (std::make_index_sequence<size>{});
  /// The last of the operations that the pass of operation i may do, where nothing is kept.
  static constexpr std::size_t last_in_epilogue(std::size_t i) {
    const auto pools = [i] { return Backend::pools(operations()[i].map()) && all_pools[i]; };
    std::size_t last = i;
    while (operations()[i].trainable() && last + 1 < size && operations()[last + 1].is_epilogue &&
           (operations()[last + 1].kind != operation_kind::pooling || pools())) {
      ++last;
    }
    return last;
  }
  /// Side of the squares that are pooled there, or 1.
  static constexpr std::size_t pool_behind(std::size_t i) {
    const operation& last = operations()[last_in_epilogue(i)];
    return last.kind == operation_kind::pooling ? last.field.stride : 1;
  }

  /// Operation I with all that follows it in its pass.
  template <std::size_t Index>
  void run_with_epilogue(operands<scalar> where, mode run_mode, const step_values<scalar>& values) {
    constexpr std::size_t last = last_in_epilogue(Index);
    const operation& op = Network::program.operations[Index];
    const operation& norm = Network::program.operations[Index + 1];
    auto& normalization = detail::get<Index + 1>(layers_);
    auto* scratch = at<std::byte>(current().operations[Index + 1].forward_scratch);
    where.output = at<scalar>(current().value(operations()[last].output));
    const auto run = [&](const auto& function) {
      const auto epilogue =
          normalization.make_epilogue(backend_, norm, scratch, run_mode, values, function, pool_behind(Index));
      detail::get<Index>(layers_).forward(backend_, op, where, run_mode, values, epilogue);
      normalization.finish_epilogue(backend_, norm, samples_, scratch, values, epilogue);
    };
    if constexpr (last_fused_by(Index + 1) > Index + 1) {
      run(detail::get<Index + 2>(layers_).function);
    } else {
      run(identity_function{});
    }
  }

  void run_forward(std::size_t boundary, bool evaluate, step_values<scalar> values) {
    plan_ = &plan_of(boundary);
    const bool taught = teaching_signals::any && !evaluate && values.local_rate > 0;
    for_each_index([&]<std::size_t Index>() {
      constexpr std::size_t last = last_fused_by(Index);
      const operation& op = Network::program.operations[Index];
      if constexpr (Network::program.operations[Index].fused_into_previous) return;
      if (op.is_epilogue && current().operations[Index].fused_by != operation_bytes::itself) return;
      operands<scalar> where = operands_of(Index);
      where.output = at<scalar>(current().value(operations()[last].output));
      where.scratch = at<std::byte>(current().operations[Index].forward_scratch);
      const mode run_mode = evaluate                  ? mode::evaluate
                            : op.stage >= boundary    ? mode::train
                            : taught && op.supervised ? mode::train
                                                      : mode::learn;
      values.gain = gains_.data() + op.stage;
      if constexpr (last_in_epilogue(Index) > Index) {
        if (current().operations[Index + 1].fused_by == Index) {
          run_with_epilogue<Index>(where, run_mode, values);
          return;
        }
      }
      if constexpr (last > Index) {
        detail::get<Index>(layers_).forward(backend_, op, where, run_mode, values, detail::get<last>(layers_).function);
      } else {
        detail::get<Index>(layers_).forward(backend_, op, where, run_mode, values);
      }
      if (taught && op.supervised && ends_stage(last)) finish_stage(op.stage, op.stage < boundary);
    });
  }

  template <std::size_t Index>
  void run_backward() {
    constexpr std::size_t last = last_fused_by(Index);
    const operation& op = Network::program.operations[Index];
    if constexpr (Network::program.operations[Index].fused_into_previous) return;
    operands<scalar> where = operands_of(Index);
    where.output = at<scalar>(current().value(operations()[last].output));
    where.output_gradient = at<scalar>(current().gradient(operations()[last].output));
    where.input_gradient = at<scalar>(current().operations[Index].input_gradient);
    if (op.kind == operation_kind::add || op.kind == operation_kind::save_skip) {
      where.skip_gradient = at<scalar>(current().gradient(op.skip));
    }
    where.parameter_gradients = at<std::byte>(current().operations[Index].parameter_gradients);
    where.scratch = at<std::byte>(current().operations[Index].backward_scratch);
    if constexpr (last > Index) {
      detail::get<Index>(layers_).backward(backend_, op, where, detail::get<last>(layers_).function);
    } else {
      detail::get<Index>(layers_).backward(backend_, op, where);
    }
  }

  // Stages whose rule is supervised.

  /// f(index, operation, layer) for the trainable layers of a stage that have a local loss to do with.
  template <class F>
  void for_supervised(std::size_t stage, F&& f) {
    for_each_index([&]<std::size_t Index>() {
      const operation& op = Network::program.operations[Index];
      auto& layer = detail::get<Index>(layers_);
      if constexpr (requires { layer.compute_local_gradient(backend_, op, teaching_signals_.now()); }) {
        if (op.stage == stage) f(Index, op, layer);
      }
    });
  }
  [[nodiscard]] const operation& last_of_stage(std::size_t stage) const {
    std::size_t i = size - 1;
    while (operations()[i].stage != stage) --i;
    return operations()[i];
  }

  /// Behind a stage's forward pass: its local loss; before the boundary, also its own backward pass and its step.
  void finish_stage(std::size_t stage, bool learns) {
    const operation& last = last_of_stage(stage);
    for_supervised(stage, [&](std::size_t i, const operation& op, auto& layer) {
      if (!op.has_local_loss) return;
      teaching_signal<scalar> where = teaching_signals_.now();
      where.output = value(last.output);
      where.apply_updates = step_.apply_updates;
      where.gradient = learns ? at<scalar>(current().gradient(last.output)) : nullptr;
      where.scratch = at<std::byte>(current().operations[i].local_loss_scratch);
      layer.compute_local_gradient(backend_, op, where);
    });
    if (!learns) return;
    if (step_.modulator != nullptr) {
      backend_.for_rows(
          samples_, last.out.size(),
          kernel::scale_rows<scalar>{step_.modulator, at<scalar>(current().gradient(last.output)), last.out.size()});
    }
    for_each_index_reversed([&]<std::size_t Index>() {
      const operation& op = Network::program.operations[Index];
      if (op.stage == stage && current().gradient(op.output) != plan::none) run_backward<Index>();
    });
    for_supervised(stage, [&](std::size_t i, const operation& op, auto& layer) {
      operands<scalar> where = operands_of(i);
      where.parameter_gradients = at<std::byte>(current().operations[i].parameter_gradients);
      where.scratch = at<std::byte>(current().operations[i].learn_scratch);
      step_values<scalar> values = step_;
      values.gain = gains_.data() + stage;
      layer.learn(backend_, op, where, values);
    });
  }
  /// Behind the boundary: shows the true gradient of the stage's output to its local loss.
  void observe_stage(std::size_t stage) {
    if (step_.local_rate == 0 || !step_.apply_updates) return;
    for_supervised(stage, [&](std::size_t i, const operation& op, auto& layer) {
      if (!op.has_local_loss) return;
      teaching_signal<scalar> where = teaching_signals_.now();
      where.gradient = at<scalar>(current().gradient(last_of_stage(stage).output));
      where.scratch = at<std::byte>(current().operations[i].observe_scratch);
      layer.observe(backend_, op, where);
    });
  }

  template <class Take>
  void run_predictions(const char* who, std::span<const scalar> features, std::size_t samples, const Take& take) {
    if (!prepared_) prepare({.batch = std::clamp<std::size_t>(samples, 1, 256), .training = false});
    check_features(who, features, samples);
    state_ = progress::idle;
    for (std::size_t first = 0; first < samples; first += request_.batch) {
      const std::size_t count = (std::min)(request_.batch, samples - first);
      input_ = stage_features(features.subspan(first * Network::input.size(), count * Network::input.size()));
      samples_ = count;
      run_forward(stages, true, step_values<scalar>{});
      take(value(operations()[size - 1].output), first, count);
    }
  }

  struct loss_arrays {
    scalar* losses;
    scalar* correct;
  };
  static loss_arrays take_loss_arrays(std::size_t batch, workspace& scratch) {
    return {scratch.take<scalar>(batch), scratch.take<scalar>(batch)};
  }
  template <class Loss>
  void run_loss(const Loss& function, const scalar* output, std::span<const std::uint32_t> labels,
                std::span<const scalar> targets, scalar* gradient, workspace& scratch) {
    const loss_arrays at = take_loss_arrays(samples_, scratch);
    backend_.for_rows(samples_, outputs,
                      kernel::sample_losses<scalar, Loss>{
                          function, output, outputs, targets.empty() ? count_of(step_options_.classes) : outputs,
                          to_device(labels, staging().labels), to_device(targets, staging().targets), gradient,
                          static_cast<scalar>(1 / static_cast<double>(samples_)), count_of(step_options_.classes),
                          at.losses, at.correct});
    backend_.for_rows(1, 1, kernel::sum_losses<scalar>{at.losses, at.correct, samples_, loss_sums_.data()});
  }

  // What comes from the host, where kernels cannot reach it: behind the plan, in the same arena.

  using staging_buffers = detail::staging_buffers<Network, Backend>;
  [[nodiscard]] staging_buffers staging() const {
    workspace pieces(arena_.data() + (arena_.size() - staging_bytes_));
    return staging_buffers(request_.batch, pieces);
  }
  /// Where kernels find a batch.
  const scalar* stage_features(std::span<const scalar> host) {
    if constexpr (Backend::memory::host_accessible) {
      return host.data();
    } else {
      scalar* copy = staging().features[batches_++ % 2];
      backend_.upload_async(host, copy);
      return copy;
    }
  }
  /// Where kernels find `host`: there, or in `copy`; null where it is empty.
  template <class T>
  const T* to_device(std::span<const T> host, T* copy) const {
    if (host.empty()) return nullptr;
    if constexpr (Backend::memory::host_accessible) {
      return host.data();
    } else {
      backend_.upload(host, copy);
      return copy;
    }
  }

  [[nodiscard]] static bool correct(const scalar* row, std::size_t classes, std::uint32_t label) {
    return loss::all_finite(row, classes) && std::max_element(row, row + classes) == row + label;
  }
  [[nodiscard]] static loss::target<scalar> target_of(std::span<const std::uint32_t> labels,
                                                      std::span<const scalar> targets, std::size_t n) {
    return {labels.empty() ? 0U : labels[n], targets.empty() ? nullptr : targets.data() + n * outputs};
  }

  static void check_features(const char* who, std::span<const scalar> features, std::size_t samples) {
    if (samples == 0 || features.size() != samples * Network::input.size()) {
      throw shape_error(text(who, ": expected ", samples, " samples of ", Network::input, " = ",
                             samples * Network::input.size(), " values (at least one sample), found ",
                             features.size()));
    }
  }
  void require_batch(const char* who, std::span<const scalar> features, std::size_t samples) const {
    if (!prepared_) throw config_error(text(who, ": expected a call of prepare() before, found none"));
    check_features(who, features, samples);
    if (samples > request_.batch) {
      throw shape_error(text(who, ": expected at most ", request_.batch, " samples, as prepared, found ", samples));
    }
  }
  void require_backward() const {
    if (state_ != progress::backward) throw config_error("model: expected a backward pass before, found none");
  }
  [[nodiscard]] static std::size_t count_of(std::size_t classes) { return detail::count_of(classes, outputs); }
  static void check_classes(const char* who, std::size_t classes) {
    if (classes <= outputs) return;
    throw config_error(text(who, ": classes: expected at most the network's ", outputs, " outputs, found ", classes));
  }
  template <class Loss>
  static void check_targets(const char* who, const Loss& function, std::span<const std::uint32_t> labels,
                            std::span<const scalar> targets, std::size_t samples, std::size_t classes) {
    static_assert(loss::optional_members_fit<Loss>,
                  "localis: an optional member of your loss has another signature than expected, or its other half is "
                  "missing. Expected both: static constexpr const char* takes; "
                  "template <class T> constexpr bool takes_row(const T* values, std::size_t size) const");
    if (labels.size() != samples && targets.empty()) {
      throw shape_error(text(who, ": expected ", samples, " labels, found ", labels.size()));
    }
    if (!targets.empty() && targets.size() != samples * outputs) {
      throw shape_error(
          text(who, ": expected ", samples, " rows of ", outputs, " targets, found ", targets.size(), " values"));
    }
    if constexpr (loss::has_takes<Loss>) {
      for (std::size_t n = 0; n < targets.size() / outputs; ++n) {
        if (function.takes_row(targets.data() + n * outputs, outputs)) continue;
        throw data_error(text(who, ": target row ", n, " of the batch: expected ", Loss::takes, ", found ",
                              row_text(targets.subspan(n * outputs, outputs)), "; another loss takes other targets"));
      }
    }
    for (const std::uint32_t label : labels) {
      if (label >= count_of(classes)) {
        throw data_error(text(who, ": label: expected a class below ", count_of(classes), ", found ", label));
      }
    }
  }

  [[nodiscard, gnu::cold]] static std::string row_text(std::span<const scalar> row) {
    constexpr std::size_t most = 8;
    std::string result;
    for (std::size_t k = 0; k < (std::min)(most, row.size()); ++k) result += text(k == 0 ? "" : " ", row[k]);
    return row.size() > most ? result + " ..." : result;
  }

  model_options options_;
  Backend backend_;
  states layers_;
  typename Backend::template array<scalar> gains_;  ///< by stage
  typename Backend::template array<double> loss_sums_;
  typename Backend::template array<scalar> modulator_;  ///< by sample; empty until one comes
  typename Backend::template array<std::byte> arena_;
  std::size_t staging_bytes_ = 0;  ///< at the end of the arena
  std::size_t batches_ = 0;        ///< that have come, where they are staged
  memory_request request_;
  std::vector<plan> plans_;
  const plan* plan_ = nullptr;
  bool prepared_ = false;

  teaching_signals teaching_signals_;

  // Of the last pass.
  step_values<scalar> step_;
  progress state_ = progress::idle;
  step_options step_options_;
  const scalar* input_ = nullptr;
  std::size_t samples_ = 0;
};

}  // namespace localis
