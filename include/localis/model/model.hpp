#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <localis/core/communicator.hpp>
#include <localis/core/error.hpp>
#include <localis/core/memory.hpp>
#include <localis/core/operation.hpp>
#include <localis/core/unlabelled.hpp>
#include <localis/core/workspace.hpp>
#include <localis/data/batch.hpp>
#include <localis/fwd.hpp>
#include <localis/kernel/loss.hpp>
#include <localis/kernel/update.hpp>
#include <localis/model/all_finite.hpp>
#include <localis/model/batch_loss.hpp>
#include <localis/model/boundary_plans.hpp>
#include <localis/model/check_batch.hpp>
#include <localis/model/distributed_pass.hpp>
#include <localis/model/executor.hpp>
#include <localis/model/feature_cache.hpp>
#include <localis/model/fusion.hpp>
#include <localis/model/layer_pack.hpp>
#include <localis/model/metrics.hpp>
#include <localis/model/pass_memory.hpp>
#include <localis/model/passes.hpp>
#include <localis/model/rate_factors.hpp>
#include <localis/model/snapshot.hpp>
#include <localis/model/staging.hpp>
#include <localis/model/statistics.hpp>
#include <localis/model/step_options.hpp>
#include <localis/model/summary.hpp>
#include <localis/model/supervised_stages.hpp>
#include <localis/model/teaching_signals.hpp>
#include <localis/network/program.hpp>

namespace localis {

/// The options of a model.
struct model_options {
  std::uint64_t seed = 1;  ///< seed of the initial weights and of dropout
};

// This class is longer than others: its public interface, and the order in which a pass calls the headers beside it.

/// A network with its weights, its memory and the passes over it.
///
///   model<net> m{{.seed = 1}};
///   m.prepare({.batch = 64});
///   m.forward(features, 64, {.boundary = 1, .local_rate = 1e-5});     // stage 0 learns here
///   const double loss = m.loss(loss::softmax_cross_entropy{}, labels);
///   m.backward();
///   descent.step(0.05);                                               // train/gradient_descent.hpp
///
/// Activations, gradients and scratch lie in one arena, allocated by prepare(). A pass allocates nothing more, except
/// for the first modulator.
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

  [[gnu::cold]] explicit model(const model_options& options = {}, Backend backend = Backend())
      : options_(options),
        backend_(std::move(backend)),
        layers_(detail::make_layers<Network>(backend_, options.seed)),
        factors_(backend_),
        loss_sums_(backend_.template allocate<double>(memory_kind::parameters, 2)) {}

  model(const model&) = delete;  // it would copy memory plan, arena and weights; snapshot() copies what a model knows
  model& operator=(const model&) = delete;
  model(model&&) noexcept = default;
  model& operator=(model&&) noexcept = default;
  ~model() = default;

  [[nodiscard]] Backend& backend() { return backend_; }
  [[nodiscard]] const Backend& backend() const { return backend_; }
  [[nodiscard]] static constexpr std::span<const operation> operations() { return Network::program.operations; }
  /// Returns the request of the last prepare(), with its highest boundary limited to that of the network.
  [[nodiscard]] const memory_request& memory() const { return plans_.request; }
  [[nodiscard]] const model_options& options() const { return options_; }

  // Layers and their arrays.

  /// Returns the layer of an operation, which gives access to its rule and its run-time values. Operations have the
  /// numbers that summary() prints; the layers within a block are counted one by one.
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
  /// Calls f(operation, layer) for each operation, in order.
  template <class F>
  void for_each_layer(F&& f) {
    detail::for_each_index<size>([&]<std::size_t Index>() { f(operations()[Index], detail::get<Index>(layers_)); });
  }
  template <class F>
  void for_each_layer(F&& f) const {
    detail::for_each_index<size>([&]<std::size_t Index>() { f(operations()[Index], detail::get<Index>(layers_)); });
  }
  /// Checks the run-time values of every layer. Errors: config_error.
  void validate() const {
    for_each_layer([](const operation&, const auto& layer) { layer.validate(); });
  }
  /// Calls f(operation, parameter) for each array that belongs to a stored model, in order. A const model gives
  /// parameter<const scalar>.
  template <class F>
  void for_each_parameter(F&& f) {
    visit_parameters<parameter<scalar>>(*this, f);
  }
  template <class F>
  void for_each_parameter(F&& f) const {
    visit_parameters<parameter<const scalar>>(*this, f);
  }
  /// Copies an array from the backend's memory to the host, such as `model.host_copy(model.layer<0>().weight())`.
  [[nodiscard]] std::vector<scalar> host_copy(std::span<const scalar> array) const {
    std::vector<scalar> result(array.size());
    backend_.download(array.data(), std::span<scalar>(result));
    return result;
  }
  /// Calls f(operation, parameter, gradient) for each trainable array of the stages from the boundary of the last
  /// backward pass on, or of all stages if a part of the batch was differentiated before it.
  template <class F>
  void for_each_gradient(F&& f) const {
    visit_gradients<parameter<const scalar>>(
        *this, [&](const operation& op, const parameter<const scalar>& p, const scalar* g) { f(op, p, g); });
  }
  /// The same with gradients that f may change before a step uses them.
  template <class F>
  void for_each_gradient(F&& f) {
    visit_gradients<parameter<scalar>>(*this, f);
  }
  /// Returns whether all values of an array in the backend's memory are finite.
  [[nodiscard]] bool all_finite(std::span<const scalar> array) const { return detail::all_finite(backend_, array); }

  // State that a stored training run contains besides the parameters.

  /// Calls f(operation, array) for the states of rules and of their optimizers.
  template <class F>
  void for_each_state(F&& f) {
    visit_states<parameter<scalar>>(*this, f);
  }
  template <class F>
  void for_each_state(F&& f) const {
    visit_states<parameter<const scalar>>(*this, f);
  }
  /// Returns pointers to the numbers of updates that rules and their optimizers have made.
  [[nodiscard]] std::vector<std::size_t*> counts();
  /// Whether a rule of the network has an eligibility trace, which step_options::reward is for.
  static constexpr bool has_traces = detail::has_traces<Network, Backend>();
  /// Whether a rule of the network remembers each sample's error from when it was last seen.
  static constexpr bool remembers_errors = detail::teaching_signals<Network, Backend>::remembers;
  /// Returns the errors that rules remember, samples of the data set x outputs, in the backend's memory.
  [[nodiscard]] std::span<scalar> remembered_errors() { return signals_.errors(); }
  [[nodiscard]] std::span<const scalar> remembered_errors() const { return signals_.errors(); }
  /// Allocates memory for the errors of a data set of `samples`, as prepare() does.
  void remember_samples(std::size_t samples) {
    if (remembers_errors) signals_.remember_samples(backend_, samples);
  }

  /// Copies the weights, statistics and states of the model to the host, after waiting for all steps.
  [[nodiscard]] model_snapshot<scalar> snapshot() { return detail::take_snapshot(*this); }
  /// Puts the model back into the state of a snapshot of this network. Errors: shape_error for the snapshot of another
  /// network; then nothing changes.
  void restore(const model_snapshot<scalar>& stored) {
    detail::restore_snapshot(*this, stored);
    forget_features();
  }

  /// Forgets the kept features (memory_request::cache_bytes) that depend on the stages from `changed` on. Steps of
  /// gradient_descent and restore() do it themselves; whoever changes weights or statistics otherwise must call it.
  void forget_features(std::size_t changed = 0) { features_.forget(changed); }

  // Training on several ranks.

  /// From now on, each rank passes its part of a batch to forward(), and all together take the steps of one rank with
  /// the whole batch, to rounding. A part may be empty, and parts may differ in size. On every rank the model must have
  /// the same weights, and all functions of a step and of an evaluation must be called on every rank, in one order.
  /// Gradients, the sums of local rules, the moments of batch normalization and the loss are those of all ranks;
  /// step_options::modulator and rule::batch_normalized_signal see the rank's own samples, and batch normalization does
  /// with batch_statistics::own.
  ///
  /// Ranks add gradients and the sums of local rules up while operations run. Stages before the boundary therefore take
  /// their steps in backward() or, if it is not called, at the beginning of the next pass. Memory: the sums of those
  /// stages, which are as large as their weights, and at most one block of gradients, of at least
  /// rank_options::bucket_bytes.
  ///
  /// The communicator is held by reference and must outlive the model. Errors: config_error for options out of their
  /// range or a trainer's and, in a step, for rules that compare samples in pairs.
  template <communicator Ranks>
  void distribute(const Ranks& ranks, const rank_options& options = {}) {
    options.validate();
    expect(options.prefix_every == 1, "model::distribute: prefix_every", "1 without a trainer", options.prefix_every);
    expect(options.suffix_every == 1, "model::distribute: suffix_every", "1 without a trainer", options.suffix_every);
    if (distributed_ == nullptr && ranks.size() == 1) return;
    if (distributed_ != nullptr) leave_ranks();
    distributed_.reset();
    if (ranks.size() > 1) {
      distributed_ =
          std::make_unique<detail::overlapped_sums<Network, Backend>>(detail::make_exchange(ranks, backend_), options);
    }
    if (prepared_) prepare(memory());  // the plan of several ranks is another
  }
  /// The ranks of distribute(); null if there is one rank.
  [[nodiscard]] const detail::exchange* ranks() const {
    return distributed_ == nullptr ? nullptr : &distributed_->ranks();
  }

  // Training steps.

  /// Plans and allocates the arena. Moving the boundary between `lowest_boundary` and `highest_boundary` allocates
  /// nothing. Errors: config_error, which leaves the model unchanged; error (device_error on a device) if memory runs
  /// out, which states the bytes needed by kind: weights stay unchanged, and another prepare() must precede the next
  /// pass.
  void prepare(memory_request request);

  /// Runs one batch through the network. Stages before the boundary learn by their rules during this pass (if
  /// local_rate > 0); stages from the boundary on save the arrays that backward() reads. Returns the network's output,
  /// samples x outputs, in the backend's memory, valid until the next pass; nothing for step_options::prefix_only.
  std::span<const scalar> forward(std::span<const scalar> features, std::size_t samples, const step_options& options) {
    return forward(data::batch_view<scalar>{.size = samples, .features = features}, options);
  }
  /// Runs the features of a batch, or its bytes if memory_request::pixels was set. On a device, the next batch arrives
  /// while this one is computed.
  std::span<const scalar> forward(const data::batch_view<scalar>& batch, const step_options& options);

  /// Returns the mean loss of the labelled samples of the last forward pass, NaN if there are none (data::unlabelled),
  /// and prepares backward(). `targets` has one row of outputs per sample, or is empty; if it is empty, outputs beyond
  /// the classes of the data (step_options::classes) are ignored, and their gradient is 0.
  template <class Loss>
  double loss(const Loss& function, std::span<const std::uint32_t> labels, std::span<const scalar> targets = {});
  /// Computes the loss as loss() does, without waiting for it: the results go to loss_sums().
  template <class Loss>
  void compute_loss_async(const Loss& function, std::span<const std::uint32_t> labels,
                          std::span<const scalar> targets = {});
  /// Returns two numbers in the backend's memory: the sum of the losses of the last batch, and the number of samples
  /// whose largest output is their label.
  [[nodiscard]] const double* loss_sums() const { return loss_sums_.data(); }
  /// Returns the factors on the local rate by stage, in the backend's memory.
  [[nodiscard]] scalar* gains() { return factors_.gains(); }

  /// Computes the gradient of the last loss() for every parameter of the stages from the boundary on, and for no
  /// earlier stage.
  void backward();

  /// Returns the output of a stage in the last forward pass, samples x height x width x channels, in the backend's
  /// memory. The boundary of that pass must not lie beyond the stage. Errors: config_error.
  [[nodiscard]] std::span<const scalar> stage_output(std::size_t stage) const;
  /// Counts the samples of the last forward pass whose largest output, among those of step_options::classes, is their
  /// label.
  [[nodiscard]] std::size_t correct(std::span<const std::uint32_t> labels) const;

  // Evaluation uses running statistics, without dropout and without learning.

  /// Returns the network's output, samples x outputs, on the host. It works in batches of the prepared size, or of up
  /// to 256 samples if nothing was prepared.
  std::vector<scalar> predict(std::span<const scalar> features, std::size_t samples) {
    return predict(data::batch_view<scalar>{.size = samples, .features = features});
  }
  /// The same for the features of a batch, or for its bytes if memory_request::pixels was set or nothing was prepared.
  std::vector<scalar> predict(const data::batch_view<scalar>& batch);

  using evaluation = batch_evaluation;
  /// Returns the mean loss and the number of correct predictions of one batch. `classes` is as in
  /// step_options::classes. The means of `metrics` over the samples are computed, too.
  template <class Loss>
  evaluation evaluate(const Loss& function, std::span<const scalar> features, std::span<const std::uint32_t> labels,
                      std::span<const scalar> targets = {}, std::size_t classes = 0) {
    const std::size_t samples = features.size() / Network::input.size();
    return evaluate(
        function, data::batch_view<scalar>{.size = samples, .features = features, .labels = labels, .targets = targets},
        classes);
  }
  template <class Loss>
  evaluation evaluate(const Loss& function, const data::batch_view<scalar>& batch, std::size_t classes = 0,
                      std::span<const named_metric<scalar>> metrics = {});

  // Statistics and description.

  using local_update_statistics = stage_update_statistics<stages>;
  /// Returns the statistics of the last local updates, after waiting for these updates.
  [[nodiscard]] local_update_statistics read_update_statistics() const {
    return detail::read_update_statistics<Network>(backend_, layers_);
  }
  /// Returns, for each stage, whether clipped rows are an error.
  [[nodiscard]] static constexpr std::array<bool, stages> fails_on_clips() {
    return detail::fails_on_clips<Network, Backend>();
  }
  /// Returns the fraction of each stage in the multiply-adds of the network's responses; the fractions sum to 1.
  [[nodiscard]] static constexpr std::array<double, stages> work_fractions() {
    return detail::work_fractions<Network>();
  }

  /// Describes the operations of the model and, once it is prepared, the memory of a step.
  [[nodiscard]] localis::summary summary() const {
    return prepared_ ? summarize(plans_) : detail::describe_model<Network>(backend_, signals_.rows());
  }
  /// Describes the model with the memory that prepare(request) would plan, without allocating it. Errors: those of
  /// prepare().
  [[nodiscard]] localis::summary summary(memory_request request) const {
    return summarize(detail::plan_boundaries<Network>(backend_, layers_, request, distributed_.get()));
  }

 private:
  using facts = detail::fusion_facts<Network, Backend>;
  using staging_buffers = detail::staging_buffers<Network, Backend>;
  using teaching_signals = detail::teaching_signals<Network, Backend>;
  enum class progress { idle, forward, loss, backward };

  [[nodiscard]] localis::summary summarize(const detail::boundary_plans& plans) const {
    localis::summary s = detail::describe_model<Network>(backend_, signals_.rows());
    detail::add_memory(s, operations(), plans.request, plans.plans, staging_buffers::bytes(plans.request));
    return s;
  }
  /// Runs the forward pass over the network. The boundary `stages` means an evaluation.
  void run_forward(const step_values<scalar>& values, const detail::pass_stages& chosen) {
    const detail::executor<Network, Backend> execute{backend_, layers_, pass_};
    detail::forward_pass<Network, Backend>({execute, signals_, values, gains()}, chosen);
  }
  void run_backward(std::size_t begin, std::size_t end) {
    const detail::executor<Network, Backend> execute{backend_, layers_, pass_};
    detail::backward_pass<Network, Backend>({execute, signals_, step_, gains()}, begin, end);
  }
  // The passes of a step that differentiates a part of the batch before the boundary (step_options::part_samples).
  [[gnu::cold]] void expect_part(const step_options& options, std::size_t samples) const {
    expect(options.part_samples <= samples, "model::forward: part_samples",
           text("at most the ", samples, " samples").c_str(), options.part_samples);
    expect(distributed_ == nullptr, "model::forward: part_samples", "0 on several ranks", options.part_samples);
  }
  [[gnu::cold]] void run_forward_by_part();
  /// Runs the forward pass of a step whose prefix is frozen, on the features that are kept of it.
  void run_forward_from_features();
  [[gnu::cold]] void run_backward_of_part();
  /// The first stage that has gradients.
  [[nodiscard]] std::size_t first_gradient_stage() const { return pass_.part_samples > 0 ? 0 : step_options_.boundary; }
  // For const models and others: Self is one of the two, and Parameter what f gets.
  template <class Parameter, class Self, class F>
  static void visit_parameters(Self& self, const F& f);
  template <class Parameter, class Self, class F>
  static void visit_gradients(Self& self, const F& f);
  template <class Parameter, class Self, class F>
  static void visit_states(Self& self, const F& f);
  /// Learns from the other ranks which part of the batch this rank has.
  [[gnu::cold]] void join_ranks() {
    pass_.observer = distributed_.get();
    pass_.first_joint = step_options_.prefix_alone ? step_options_.boundary : 0;
    pass_.end_of_joint = step_options_.suffix_alone ? step_options_.boundary : stages;
    pass_.whole =
        step_options_.whole != nullptr
            ? *step_options_.whole
            : detail::join_parts(*ranks(), pass_.samples, data::labelled_samples(step_options_.labels, pass_.samples));
    pass_.whole.statistics = distributed_->options().statistics;
    if (pass_.whole.samples == 0)
      throw shape_error("model::forward: expected at least one sample on some rank, found none");
  }
  /// Completes what the ranks do together in the last pass.
  [[gnu::cold]] void finish_pass() {
    const detail::executor<Network, Backend> execute{backend_, layers_, pass_};
    distributed_->finish(execute, step_, gains(), step_options_.boundary);
  }
  /// Until the next training pass, this rank acts alone.
  [[gnu::cold]] void leave_ranks() {
    finish_pass();
    pass_.whole = {};
    pass_.observer = nullptr;
  }
  /// The number of labelled samples of the last forward pass, of all ranks.
  [[nodiscard]] std::size_t labelled_samples(std::span<const std::uint32_t> labels) const {
    const std::size_t own = data::labelled_samples(labels, pass_.samples);
    if (pass_.whole.ranks == nullptr) return own;
    return step_options_.whole != nullptr ? pass_.whole.labelled : count_on_ranks(own);
  }
  [[nodiscard, gnu::cold]] std::size_t count_on_ranks(std::size_t own) const {
    auto count = static_cast<double>(own);
    ranks()->sum(std::span<double>(&count, 1));
    return static_cast<std::size_t>(count);
  }
  void expect_forward(const char* caller) const {
    if (state_ != progress::idle) return;
    throw config_error(text(caller, ": expected a forward pass before, found none"));
  }

  model_options options_;
  Backend backend_;
  detail::layer_pack<Network, Backend> layers_;
  detail::rate_factors<Backend, stages> factors_;
  typename Backend::template array<double> loss_sums_;
  typename Backend::template array<std::byte> arena_;
  detail::boundary_plans plans_;
  staging_buffers staging_;  ///< at the end of the arena
  bool prepared_ = false;
  teaching_signals signals_;
  detail::feature_cache<Network, Backend> features_;

  std::unique_ptr<detail::distributed_pass<Network, Backend>> distributed_;  ///< null if there is one rank

  // These members belong to the last pass.
  detail::pass_memory<Network, scalar> pass_;
  step_values<scalar> step_;
  progress state_ = progress::idle;
  step_options step_options_;
};

// ---- layers ---------------------------------------------------------------------------------------------------------

template <class Network, class Backend>
template <class Parameter, class Self, class F>
void model<Network, Backend>::visit_parameters(Self& self, const F& f) {
  self.for_each_layer([&](const operation& op, auto& layer) {
    for (const Parameter p : layer.parameters()) {
      if (p.size() > 0) f(op, p);
    }
  });
}

template <class Network, class Backend>
template <class Parameter, class Self, class F>
void model<Network, Backend>::visit_gradients(Self& self, const F& f) {
  if (self.state_ != progress::backward) throw config_error("model: expected a backward pass before, found none");
  std::size_t i = 0;
  self.for_each_layer([&](const operation& op, auto& layer) {
    std::byte* first = self.pass_.parameter_gradients(i++);
    if (first == nullptr || op.stage < self.first_gradient_stage())
      return;  // supervised stages before it have some too
    workspace gradients(first);
    for (const Parameter p : layer.parameters()) {
      if (p.trainable() && p.size() > 0) f(op, p, gradients.take<scalar>(p.size()));
    }
  });
}

template <class Network, class Backend>
template <class Parameter, class Self, class F>
void model<Network, Backend>::visit_states(Self& self, const F& f) {
  self.for_each_layer([&](const operation& op, auto& layer) {
    if constexpr (requires { layer.states(); }) {
      for (const Parameter p : layer.states()) f(op, p);
    }
  });
}

template <class Network, class Backend>
std::vector<std::size_t*> model<Network, Backend>::counts() {
  std::vector<std::size_t*> result;
  for_each_layer([&](const operation&, auto& layer) {
    if constexpr (requires { layer.counts(); }) {
      for (std::size_t* count : layer.counts()) result.push_back(count);
    }
  });
  return result;
}

// ---- training steps -------------------------------------------------------------------------------------------------

template <class Network, class Backend>
void model<Network, Backend>::prepare(memory_request request) {
  detail::boundary_plans plans = detail::plan_boundaries<Network>(backend_, layers_, request, distributed_.get());
  if (distributed_ != nullptr) leave_ranks();
  const std::size_t planned = plans.largest().bytes;
  const std::size_t bytes = planned + staging_buffers::bytes(request);
  prepared_ = false;  // until every allocation has succeeded
  state_ = progress::idle;
  try {
    if (bytes != arena_.size()) {
      arena_ = {};  // freed before the new one is allocated: the peak is the larger of the two, not their sum
      arena_ = backend_.template allocate<std::byte>(memory_kind::arena, bytes);
    }
    signals_.prepare(backend_, plans.request);
    features_.prepare(backend_, plans.request);
  } catch (const device_error& failure) {
    throw device_error(text(failure.what(), plans.needs()));
  } catch (const error& failure) {
    throw error(text(failure.what(), plans.needs()));
  }
  staging_.place(arena_.data() + planned, request);
  for_each_layer([this](const operation&, auto& layer) {
    if constexpr (requires { layer.begin_learning(backend_); }) layer.begin_learning(backend_);
  });
  plans_ = std::move(plans);
  prepared_ = true;
}

template <class Network, class Backend>
auto model<Network, Backend>::forward(const data::batch_view<scalar>& batch, const step_options& options)
    -> std::span<const scalar> {
  const std::size_t samples = batch.size;
  if (!prepared_) throw config_error("model::forward: expected a call of prepare() before, found none");
  detail::check_features("model::forward", Network::input, batch, distributed_ != nullptr);
  detail::check_pixels("model::forward", batch, memory());
  if (samples > memory().batch) {
    throw shape_error(
        text("model::forward: expected at most ", memory().batch, " samples, as prepared, found ", samples));
  }
  detail::check_step(options, memory());
  if (options.part_samples > 0) expect_part(options, samples);
  expect(has_traces || options.reward == 1, "model::forward: reward",
         "1, since no rule of the network has an eligibility_trace", options.reward);
  detail::check_classes("model::forward", options.classes, outputs);
  if (distributed_ != nullptr) leave_ranks();
  if (!options.gains_are_set) factors_.upload_gains(backend_, options);
  step_options_ = options;
  pass_.input = staging_.features_async(backend_, batch);
  pass_.samples = samples;
  pass_.first = 0;
  pass_.is_part = false;
  pass_.part_samples = options.boundary > 0 ? options.part_samples : 0;
  if (distributed_ != nullptr) join_ranks();
  step_ = {.local_rate = options.local_rate,
           .gain = gains(),
           .modulator = factors_.upload_modulator(backend_, options, samples, memory().batch),
           .reward = options.reward,
           .normalization = options.normalization,
           .seed = options_.seed,
           .step = options.step,
           .apply_updates = options.apply_updates};
  if constexpr (teaching_signals::any)
    signals_.open(backend_, memory(), options, samples, labelled_samples(options.labels));
  pass_.arena_plan = &plans_.training(options.boundary);
  pass_.arena = arena_.data();
  if (options.apply_updates) forget_features(options.boundary);
  if (options.prefix_only) {
    run_forward(step_, {.boundary = options.boundary, .resting = options.resting, .end = options.boundary});
    if (distributed_ != nullptr) finish_pass();
    state_ = progress::idle;
    return {};
  }
  if (pass_.part_samples > 0) {
    run_forward_by_part();
  } else if (memory().cache_bytes > 0 && options.boundary > 0 && options.apply_updates) {
    run_forward_from_features();
  } else {
    run_forward(step_, {.boundary = options.boundary, .resting = options.resting});
  }
  state_ = progress::forward;
  return {pass_.output(), samples * outputs};
}

template <class Network, class Backend>
template <class Loss>
double model<Network, Backend>::loss(const Loss& function, std::span<const std::uint32_t> labels,
                                     std::span<const scalar> targets) {
  compute_loss_async(function, labels, targets);
  double sum = 0;
  backend_.download(loss_sums(), std::span<double>(&sum, 1));
  return kernel::mean_loss(sum, labelled_samples(labels));
}

template <class Network, class Backend>
template <class Loss>
void model<Network, Backend>::compute_loss_async(const Loss& function, std::span<const std::uint32_t> labels,
                                                 std::span<const scalar> targets) {
  expect_forward("model::loss");
  detail::check_targets("model::loss", function, labels, targets, pass_.samples, outputs, step_options_.classes,
                        step_options_.check_targets);
  const std::size_t labelled = pass_.labelled_of(stages - 1, labelled_samples(labels));
  detail::compute_losses(backend_, function,
                         {.samples = pass_.samples,
                          .labelled = labelled,
                          .outputs = outputs,
                          .classes = step_options_.classes,
                          .output = pass_.output(),
                          .labels = staging_.labels(backend_, labels),
                          .targets = staging_.targets(backend_, targets),
                          .gradient = pass_.output_gradient(),
                          .scratch = pass_.scratch(pass_.arena_plan->loss),
                          .sums = loss_sums_.data()});
  detail::sum_over_ranks(pass_.all_ranks(), loss_sums_.data(), 2);
  if (step_options_.apply_updates) {
    signals_.remember(backend_, pass_.output_gradient(), labelled, pass_.all_ranks());
  }
  state_ = progress::loss;
}

template <class Network, class Backend>
void model<Network, Backend>::backward() {
  if (state_ != progress::loss) throw config_error("model::backward: expected a call of loss() before, found none");
  run_backward(step_options_.boundary, stages);
  if (pass_.part_samples > 0) run_backward_of_part();
  state_ = progress::backward;
  if (distributed_ != nullptr) finish_pass();
}

template <class Network, class Backend>
void model<Network, Backend>::run_forward_by_part() {
  const std::size_t boundary = step_options_.boundary;
  const std::size_t samples = pass_.samples;
  const std::size_t part = pass_.part_samples;
  step_values<scalar> values = step_;
  values.normalization = prefix_normalization::frozen;
  pass_.is_part = true;
  // The part comes last, since what it saves for backward must stay.
  for (std::size_t first = (samples - 1) / part * part;; first -= part) {
    pass_.first = first;
    pass_.samples = (std::min)(part, samples - first);
    if (first == 0) values.normalization = step_.normalization;
    run_forward(values, {.boundary = 0, .end = boundary});
    if (first == 0) break;
  }
  pass_.is_part = false;
  pass_.samples = samples;
  run_forward(step_, {.boundary = 0, .begin = boundary});
}

template <class Network, class Backend>
void model<Network, Backend>::run_forward_from_features() {
  const std::span<const std::uint32_t> indices = step_options_.indices;
  const std::size_t boundary = step_options_.boundary;
  const std::size_t kept = features_.stage_at(boundary);
  const std::size_t found = features_.find(indices, pass_.samples);
  const auto place = [this](std::size_t stage) { return pass_.place(facts::last_of_stage(stage - 1).output); };
  if (found > 0) features_.load(backend_, found, indices, place(found));
  run_forward(step_, {.boundary = boundary, .begin = found, .end = kept});
  if (found < kept) features_.store(backend_, kept, indices, place(kept));
  run_forward(step_, {.boundary = boundary, .begin = kept});
}

template <class Network, class Backend>
void model<Network, Backend>::run_backward_of_part() {
  const std::size_t boundary = step_options_.boundary;
  const operation& last = facts::last_of_stage(boundary - 1);
  scalar* gradient = pass_.gradient(last.output);
  const std::size_t samples = std::exchange(pass_.samples, pass_.part_samples);
  const double scale = static_cast<double>(samples) / static_cast<double>(pass_.samples);
  backend_.for_rows(pass_.samples, last.out.size(),
                    kernel::scaled<scalar>{gradient, gradient, static_cast<scalar>(scale), last.out.size()});
  pass_.is_part = true;
  run_backward(0, boundary);
  pass_.is_part = false;
  pass_.samples = samples;
}

template <class Network, class Backend>
auto model<Network, Backend>::stage_output(std::size_t stage) const -> std::span<const scalar> {
  expect_forward("model::stage_output");
  expect(stage < stages && stage >= step_options_.boundary, "model::stage_output: stage",
         text("from the boundary ", step_options_.boundary, " to ", stages - 1).c_str(), stage);
  const operation& last = facts::last_of_stage(stage);
  return {pass_.value(last.output), pass_.samples * last.out.size()};
}

template <class Network, class Backend>
std::size_t model<Network, Backend>::correct(std::span<const std::uint32_t> labels) const {
  expect_forward("model::correct");
  std::vector<scalar> output(pass_.samples * outputs);
  backend_.download(pass_.output(), std::span<scalar>(output));
  return detail::count_correct<scalar>(output, outputs, detail::class_count(step_options_.classes, outputs), labels);
}

// ---- evaluation -----------------------------------------------------------------------------------------------------

template <class Network, class Backend>
auto model<Network, Backend>::predict(const data::batch_view<scalar>& batch) -> std::vector<scalar> {
  if (!prepared_) {
    prepare({.batch = std::clamp<std::size_t>(batch.size, 1, 256), .training = false, .pixels = !batch.pixels.empty()});
  }
  detail::check_features("model::predict", Network::input, batch);
  detail::check_pixels("model::predict", batch, memory());
  std::vector<scalar> result(batch.size * outputs);
  if (distributed_ != nullptr) leave_ranks();
  state_ = progress::idle;
  pass_.part_samples = 0;
  pass_.arena_plan = &plans_.prediction();
  pass_.arena = arena_.data();
  for (std::size_t first = 0; first < batch.size; first += memory().batch) {
    const std::size_t count = (std::min)(memory().batch, batch.size - first);
    const auto part = [&](const auto& values) {
      return values.empty() ? values : values.subspan(first * Network::input.size(), count * Network::input.size());
    };
    pass_.input = staging_.features_async(backend_, {.size = count,
                                                     .features = part(batch.features),
                                                     .pixels = part(batch.pixels),
                                                     .pixel_values = batch.pixel_values});
    pass_.samples = count;
    run_forward({}, {stages});
    backend_.download(pass_.output(), std::span<scalar>(result.data() + first * outputs, count * outputs));
  }
  return result;
}

template <class Network, class Backend>
template <class Loss>
auto model<Network, Backend>::evaluate(const Loss& function, const data::batch_view<scalar>& batch, std::size_t classes,
                                       std::span<const named_metric<scalar>> metrics) -> evaluation {
  detail::check_classes("model::evaluate", classes, outputs);
  detail::check_targets("model::evaluate", function, batch.labels, batch.targets, batch.size, outputs, classes);
  const std::vector<scalar> output = predict(batch);
  return detail::evaluate_outputs<scalar>(function, output, outputs, batch.labels, batch.targets, classes, metrics);
}

}  // namespace localis
