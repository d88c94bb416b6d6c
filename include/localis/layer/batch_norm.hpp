#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include <localis/core/communicator.hpp>
#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/core/memory.hpp>
#include <localis/core/operation.hpp>
#include <localis/core/random.hpp>
#include <localis/core/workspace.hpp>
#include <localis/kernel/epilogue.hpp>
#include <localis/kernel/normalization.hpp>

namespace localis {

/// The run-time part of batch_norm.
template <class Backend>
class batch_norm_layer {
 public:
  using scalar = typename Backend::scalar;

  /// The loop that computes the output and nothing else.
  struct plain_loop {
    template <class Kernel>
    void operator()(Backend& backend, const Kernel& apply, std::size_t rows) const {
      backend.for_rows(rows, apply.channels, apply);
    }
  };

  double momentum = 0.1;  ///< weight of this batch in the running statistics, per step
  double epsilon = 1e-5;  ///< added to the variance

  batch_norm_layer(Backend& backend, const operation& op, random_stream)
      : channels_(op.in.channels),
        // gamma, beta, running mean, running variance
        values_(backend.template allocate<scalar>(memory_kind::parameters, 4 * channels_)) {
    const std::vector<scalar> ones(channels_, scalar(1));
    backend.upload(std::span<const scalar>(ones), gamma());
    backend.upload(std::span<const scalar>(ones), running_variance());
  }

  [[nodiscard]] std::array<parameter<scalar>, 4> parameters() { return arrays(); }
  [[nodiscard]] std::array<parameter<const scalar>, 4> parameters() const { return detail::read_only(arrays()); }

  void validate() const {
    expect(is_finite(momentum) && momentum > 0 && momentum <= 1, "batch_norm: momentum", "a number in (0, 1]",
           momentum);
    expect(is_finite(epsilon) && epsilon > 0, "batch_norm: epsilon", "a finite number > 0", epsilon);
  }

  /// The number of saved values, which are the mean, 1 / deviation, scale and shift of the batch.
  static constexpr std::size_t saved(const operation& op) { return 4 * op.in.channels; }

  static std::size_t scratch_bytes(const Backend& backend, const operation& op, std::size_t samples, phase) {
    workspace measure;
    take_arrays(op.in.channels, measure);
    backend.reduce_scratch(samples * op.in.positions(), op.in.channels, 2, measure);
    return measure.used();
  }

  /// Whether this layer can be part of the epilogue of the layer before it: its statistics are known before the pass
  /// begins.
  static constexpr bool present(mode run_mode, prefix_normalization normalization) {
    return run_mode == mode::evaluate || (run_mode == mode::learn && normalization != prefix_normalization::batch);
  }
  /// Returns the epilogue that runs in the pass of the layer before.
  /// @param epilogue  the activation after this layer
  /// @param pool      side of the squares that are pooled after it, or 1
  template <class Function>
  kernel::epilogue<scalar, Function, kernel::finish_moments<scalar>> make_epilogue(
      Backend& backend, const operation& op, const operands<scalar>& arrays, mode run_mode,
      const step_values<scalar>& step, const Function& epilogue, std::size_t pool) {
    workspace pieces(arrays.scratch);
    const scratch_arrays taken = take_arrays(op.in.channels, pieces);
    backend.for_rows(1, channels_,
                     kernel::running_scale<scalar>{gamma(), beta(), running_mean(), running_variance(),
                                                   static_cast<scalar>(epsilon), taken.scale, taken.shift});
    const bool frozen = run_mode == mode::evaluate || step.normalization == prefix_normalization::frozen;
    return {taken.scale,
            taken.shift,
            frozen ? nullptr : running_mean(),
            taken.sums,
            epilogue,
            pool,
            finish(taken, finished_rows(op, arrays), step.apply_updates)};
  }

  /// Returns the epilogue that takes the moments of the batch in the pass of the layer before, for mode::train.
  kernel::epilogue<scalar, kernel::no_function, kernel::finish_moments<scalar>> make_moments(
      const operation& op, const operands<scalar>& arrays, const step_values<scalar>& step) const {
    kernel::finish_moments<scalar> end = finish({}, finished_rows(op, arrays), step.apply_updates);
    save(end, arrays.saved);
    end.sums = end.scale;  // scale and shift replace the moments
    return {nullptr, nullptr, running_mean(), end.scale, {}, 1, end};
  }
  /// Finishes the moments of an epilogue of several ranks, whose own `at_end` has done nothing. Must be called after
  /// the pass of the layer before.
  void finish_ranks(Backend& backend, const operation& op, const operands<scalar>& arrays, scalar* moments,
                    const kernel::finish_moments<scalar>& end) const {
    if (arrays.whole != nullptr) sum_and_finish(backend, op, arrays, moments, end);
  }

  /// @param epilogue  the activation after this layer, computed in the same passes
  /// @param run       run(backend, kernel, rows) computes the output by kernel::scale_shift, and may compute more in
  ///                  the same loop; called if the statistics are those of the batch
  template <class Function = identity_function, class Run = plain_loop>
  void forward(Backend& backend, const operation& op, const operands<scalar>& arrays, mode run_mode,
               const step_values<scalar>& step, const Function& epilogue = {}, const Run& run = {}) {
    const std::size_t rows = arrays.samples * op.in.positions();
    workspace scratch(arrays.scratch);
    const scratch_arrays taken = take_arrays(channels_, scratch);
    kernel::scale_shift<scalar, Function> apply{arrays.input, arrays.output, taken.scale,
                                                taken.shift,  channels_,     epilogue};
    if (present(run_mode, step.normalization)) {
      const auto next = make_epilogue(backend, op, arrays, run_mode, step, epilogue, 1);
      if (next.center == nullptr) {
        backend.for_rows(rows, channels_, apply);
        return;
      }
      using moments = kernel::scale_shift_moments<scalar, Function>;
      backend.reduce_columns(
          rows, channels_, 2,
          kernel::followed_by<moments, kernel::finish_moments<scalar>>{{apply, running_mean()}, next.at_end},
          taken.sums, scratch);
      finish_ranks(backend, op, arrays, taken.sums, next.at_end);
      return;
    }
    kernel::finish_moments<scalar> end = finish(taken, finished_rows(op, arrays), step.apply_updates);
    if (run_mode == mode::train) {
      if (arrays.is_part) {
        save_running(backend, arrays.saved);
      } else {
        save(end, arrays.saved);
      }
      apply.scale = arrays.saved + 2 * channels_;
      apply.shift = arrays.saved + 3 * channels_;
    }
    const bool has_moments =
        run_mode == mode::train && op.is_epilogue && !arrays.is_part;  // the layer before took them
    const bool keeps_running = arrays.is_part && step.normalization == prefix_normalization::frozen;
    if (!has_moments && !keeps_running) {
      backend.reduce_columns(rows, channels_, 2,
                             kernel::followed_by<kernel::moments<scalar>, kernel::finish_moments<scalar>>{
                                 {arrays.input, running_mean(), channels_}, end},
                             taken.sums, scratch);
      finish_ranks(backend, op, arrays, taken.sums, end);
    }
    run(backend, apply, rows);
  }

  template <class Function = identity_function>
  void backward(Backend& backend, const operation& op, const operands<scalar>& arrays, const Function& epilogue = {}) {
    const std::size_t rows = arrays.samples * op.in.positions();
    workspace scratch(arrays.scratch);
    const scratch_arrays taken = take_arrays(channels_, scratch);
    workspace gradients(arrays.parameter_gradients);
    auto* gamma_gradient = gradients.take<scalar>(channels_);
    auto* beta_gradient = gradients.take<scalar>(channels_);
    const kernel::normalized<scalar, Function> norm{arrays.input,
                                                    arrays.output_gradient,
                                                    arrays.saved,
                                                    arrays.saved + channels_,
                                                    arrays.saved + 2 * channels_,
                                                    arrays.saved + 3 * channels_,
                                                    channels_,
                                                    epilogue};
    using sums = kernel::normalization_sums<scalar, Function>;
    backend.reduce_columns(rows, channels_, 2,
                           kernel::followed_by<sums, kernel::normalization_parameters<scalar>>{
                               {norm}, {taken.sums, gamma_gradient, beta_gradient, channels_}},
                           taken.sums, scratch);
    if (arrays.input_gradient != nullptr) {
      const whole_batch* together = uses_own_statistics(arrays) ? nullptr : arrays.whole;
      const std::size_t all_rows = together == nullptr ? rows : together->samples * op.in.positions();
      detail::sum_over_ranks(together, taken.sums, 2 * channels_);
      // Constant statistics have no gradient.
      const double inv_count = arrays.is_part ? 0 : 1 / static_cast<double>(all_rows);
      backend.for_rows(rows, channels_,
                       kernel::normalization_gradient<scalar, Function>{norm, arrays.input_gradient, taken.sums,
                                                                        static_cast<scalar>(inv_count)});
    }
  }

 private:
  [[nodiscard]] std::array<parameter<scalar>, 4> arrays() const {
    return {{{"gamma", 1, channels_, gamma(), parameter_role::trainable},
             {"beta", 1, channels_, beta(), parameter_role::trainable},
             {"running_mean", 1, channels_, running_mean(), parameter_role::state},
             {"running_variance", 1, channels_, running_variance(), parameter_role::state}}};
  }

  struct scratch_arrays {
    scalar* sums;
    scalar* mean;
    scalar* inverse;
    scalar* scale;
    scalar* shift;
  };
  [[gnu::cold]] void sum_and_finish(Backend& backend, const operation& op, const operands<scalar>& arrays,
                                    scalar* moments, kernel::finish_moments<scalar> end) const {
    if (uses_own_statistics(arrays)) return finish_own(backend, op, arrays, moments, end);
    detail::sum_over_ranks(arrays.whole, moments, 2 * channels_);
    end.rows = arrays.whole->samples * op.in.positions();
    backend.for_rows(1, channels_, end);
  }
  /// Finishes the moments of this rank, and moves the running statistics by those of all ranks.
  void finish_own(Backend& backend, const operation& op, const operands<scalar>& arrays, const scalar* moments,
                  kernel::finish_moments<scalar> end) const {
    workspace scratch(arrays.scratch);
    scalar* sums = take_arrays(channels_, scratch).sums;
    if (moments != sums) backend.copy(moments, 2 * channels_, sums);  // `end` may write over them
    const scalar part = end.momentum;
    end.rows = arrays.samples * op.in.positions();
    end.momentum = 0;
    backend.for_rows(1, channels_, end);
    detail::sum_over_ranks(arrays.whole, sums, 2 * channels_);
    backend.for_rows(1, channels_,
                     kernel::update_running_statistics<scalar>{sums, running_mean(), running_variance(), channels_,
                                                               arrays.whole->samples * op.in.positions(), part});
  }
  static bool uses_own_statistics(const operands<scalar>& arrays) {
    return arrays.whole != nullptr && arrays.whole->statistics == batch_statistics::own;
  }
  /// The rows whose moments are complete at the end of a pass: none if there are other ranks.
  static std::size_t finished_rows(const operation& op, const operands<scalar>& arrays) {
    return arrays.whole == nullptr ? arrays.samples * op.in.positions() : 0;
  }
  /// Updates the running statistics by the moments of the given number of rows, and computes scale and shift from these
  /// moments.
  kernel::finish_moments<scalar> finish(const scratch_arrays& taken, std::size_t rows, bool apply_updates) const {
    return {taken.sums,
            gamma(),
            beta(),
            running_mean(),
            running_variance(),
            taken.mean,
            taken.inverse,
            taken.scale,
            taken.shift,
            channels_,
            rows,
            static_cast<scalar>(apply_updates ? momentum : 0),
            static_cast<scalar>(epsilon)};
  }
  /// Saves the running statistics for backward.
  void save_running(Backend& backend, scalar* saved) const {
    backend.for_rows(
        1, channels_,
        kernel::save_running<scalar>{{gamma(), beta(), running_mean(), running_variance(), static_cast<scalar>(epsilon),
                                      saved + 2 * channels_, saved + 3 * channels_},
                                     saved,
                                     saved + channels_});
  }
  /// Sets where the results of `end` are saved for backward.
  void save(kernel::finish_moments<scalar>& end, scalar* saved) const {
    end.mean = saved;
    end.inverse_deviation = saved + channels_;
    end.scale = saved + 2 * channels_;
    end.shift = saved + 3 * channels_;
  }
  static scratch_arrays take_arrays(std::size_t channels, workspace& scratch) {
    scratch_arrays result{};
    result.sums = scratch.take<scalar>(2 * channels);
    result.mean = scratch.take<scalar>(channels);
    result.inverse = scratch.take<scalar>(channels);
    result.scale = scratch.take<scalar>(channels);
    result.shift = scratch.take<scalar>(channels);
    return result;
  }

  [[nodiscard]] scalar* gamma() const { return values_.data(); }
  [[nodiscard]] scalar* beta() const { return values_.data() + channels_; }
  [[nodiscard]] scalar* running_mean() const { return values_.data() + 2 * channels_; }
  [[nodiscard]] scalar* running_variance() const { return values_.data() + 3 * channels_; }

  std::size_t channels_;
  typename Backend::template array<scalar> values_;
};

/// Batch normalization over all positions and samples, per channel.
///
///   y = gamma (u - mean) / sqrt(variance + epsilon) + beta
///
///   u, y  P x C;  gamma, beta, mean, variance  C        P = N H W
///
/// Each batch enters the running statistics with weight `momentum` and with its unbiased variance. Before the boundary
/// gamma and beta do not change, and step_values::normalization selects the statistics. Where a part of the batch is
/// differentiated before the boundary (operands::is_part), mean and variance are the running ones from before the step
/// for all samples, and constants: du = gamma / sqrt(variance + epsilon) dy, and gamma and beta learn.
///
/// Units:  momentum per step; epsilon in squares of u's unit. Run-time values: model.layer<I>().momentum, .epsilon.
/// Cost: O(P C). It saves its input and 4 C values; with running statistics before the boundary it may be part of the
///         epilogue of the layer before it, which otherwise takes the moments of the batch that are saved for backward.
/// Limits: in batches of one row the variance is 0. On several ranks, rank_options says whose rows a batch has.
/// Errors: config_error unless momentum is in (0, 1] and epsilon finite and > 0.
/// Source: S. Ioffe, C. Szegedy, ICML 2015; as PyTorch's BatchNorm2d. Ours: running statistics before the boundary.
struct batch_norm {
  static constexpr operation describe(const shape& in) {
    operation op;
    op.name = "batch_norm";
    op.kind = operation_kind::normalization;
    op.in = in;
    op.out = in;
    op.elementwise = true;
    op.accepts = fusion::activation;
    op.fusable_as = fusion::epilogue;
    op.saves = saved_values::input;
    op.parameters = 2 * in.channels;
    return op;
  }
  template <class Backend>
  using state = batch_norm_layer<Backend>;
};

}  // namespace localis
