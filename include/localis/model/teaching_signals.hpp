#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <localis/core/communicator.hpp>
#include <localis/core/error.hpp>
#include <localis/core/memory.hpp>
#include <localis/core/operation.hpp>
#include <localis/core/unlabelled.hpp>
#include <localis/kernel/elementwise.hpp>
#include <localis/kernel/update.hpp>
#include <localis/learn/local_loss.hpp>
#include <localis/model/check_batch.hpp>
#include <localis/model/step_options.hpp>

namespace localis::detail {

/// The inputs of the supervised rules of a network: the labels of the batch and, for rules that need it, the output
/// error of each sample from when it was last seen, which is stored for the whole data set. It is empty for networks
/// without such rules.
template <class Network, class Backend>
class teaching_signals {
 public:
  using scalar = typename Backend::scalar;
  static constexpr std::size_t outputs = Network::output.size();

  /// Whether a rule of the network is supervised.
  static constexpr bool any = [] {
    for (const operation& op : Network::program.operations) {
      if (op.has_local_loss) return true;
    }
    return false;
  }();
  static constexpr bool remembers = [] {
    for (const operation& op : Network::program.operations) {
      if (op.has_local_loss && op.learning == local_learning::supervised_by_errors) return true;
    }
    return false;
  }();

  void prepare(Backend& backend, const memory_request& request) {
    if (any && request.training && request.local_learning && labels_.size() != request.batch) {
      if (remembers) {
        indices_ = backend.template allocate<std::uint32_t>(memory_kind::rule_state, request.batch);
        batch_errors_ = backend.template allocate<scalar>(memory_kind::rule_state, request.batch * outputs);
      }
      labels_ = backend.template allocate<std::uint32_t>(memory_kind::rule_state,
                                                         request.batch);  // allocated last: if it exists, all exist
    }
    if (remembers && request.training && request.local_learning) remember_samples(backend, request.samples);
  }
  void remember_samples(Backend& backend, std::size_t samples) {
    if (errors_.size() == samples * outputs) return;
    errors_ = {};
    errors_ = backend.template allocate<scalar>(memory_kind::rule_state, samples * outputs);
  }
  /// The number of stored rows of errors, one for each sample of the data set.
  [[nodiscard]] std::size_t rows() const { return errors_.size() / outputs; }
  [[nodiscard]] std::span<scalar> errors() const { return {errors_.data(), errors_.size()}; }

  /// Prepares the teaching signal of a batch. Errors: config_error if the pass lacks something that a rule needs;
  /// data_error for a label that is not a class.
  /// @param labelled  number of samples of all ranks that are labelled
  void open(Backend& backend, const memory_request& request, const step_options& options, std::size_t samples,
            std::size_t labelled) {
    current_ = {};
    if (options.local_rate == 0) return;
    check_request(request, options, samples);
    backend.upload(options.labels, labels_.data());
    current_.labels = options.labels.empty() ? nullptr : labels_.data();
    current_.samples = samples;
    current_.labelled = labelled;
    if (!remembers) return;
    backend.upload(options.indices, indices_.data());
    backend.for_rows(samples, outputs,
                     kernel::gather_rows<scalar>{errors_.data(), indices_.data(), current_.labels, batch_errors_.data(),
                                                 outputs, outputs});
    current_.errors = batch_errors_.data();
  }
  [[nodiscard]] const teaching_signal<scalar>& current() const { return current_; }

  /// Stores the output error of each sample. Call it after the loss; `gradient` is the gradient of the mean loss,
  /// over `labelled` samples. Every rank stores the errors of all.
  void remember(Backend& backend, const scalar* gradient, std::size_t labelled, const whole_batch* whole) {
    if (!remembers || current_.errors == nullptr) return;
    backend.for_rows(1, current_.samples * outputs,
                     kernel::scaled<scalar>{gradient, batch_errors_.data(), static_cast<scalar>(labelled)});
    backend.for_rows(
        current_.samples, outputs,
        kernel::scatter_rows<scalar>{batch_errors_.data(), indices_.data(), errors_.data(), outputs, outputs});
    if constexpr (remembers) {
      if (whole != nullptr) remember_ranks(backend, *whole);
    }
  }

 private:
  /// Stores the errors of the other ranks' samples: a row for each sample of the batch, its number and its errors,
  /// which is 0 but on one rank.
  [[gnu::cold]] void remember_ranks(Backend& backend, const whole_batch& whole) {
    const std::size_t values = whole.samples * (1 + outputs);
    if (numbered_errors_.size() < values) {
      numbered_errors_ = {};
      numbered_errors_ = backend.template allocate<double>(memory_kind::rule_state, values);
    }
    double* rows = numbered_errors_.data();
    backend.for_rows(1, values, kernel::fill<double>{rows, 0});
    backend.for_rows(current_.samples, outputs,
                     kernel::number_rows<scalar>{batch_errors_.data(), indices_.data(),
                                                 rows + whole.first * (1 + outputs), outputs});
    sum_over_ranks(&whole, rows, values);
    backend.for_rows(whole.samples, outputs, kernel::place_rows<scalar>{rows, errors_.data(), outputs});
  }
  static void check_request(const memory_request& request, const step_options& options, std::size_t samples) {
    for (const operation& op : Network::program.operations) {
      if (!op.has_local_loss) continue;
      const bool by_errors = op.learning == local_learning::supervised_by_errors;
      const std::size_t found = by_errors ? options.indices.size() : options.labels.size();
      if (found == samples) continue;
      throw config_error(text("model::forward: rule ", op.rule, " of stage ", op.stage,
                              ": expected step_options::", by_errors ? "indices" : "labels",
                              " with one entry for each of the ", samples, " samples, found ", found));
    }
    const std::size_t classes = class_count(options.classes, outputs);
    for (const std::uint32_t label : options.labels) {
      if (is_label(label, classes)) continue;
      throw data_error(text("model::forward: label: expected a class below ", classes, ", found ", label));
    }
    if (!remembers) return;
    for (const std::uint32_t index : options.indices) {
      if (index < request.samples) continue;
      throw config_error(text("model::forward: step_options::indices: expected samples below ", request.samples,
                              " (memory_request::samples), found ", index));
    }
  }

  typename Backend::template array<std::uint32_t> labels_;    ///< by sample of the batch
  typename Backend::template array<std::uint32_t> indices_;   ///< by sample of the batch
  typename Backend::template array<scalar> errors_;           ///< data set x outputs: errors when last seen
  typename Backend::template array<scalar> batch_errors_;     ///< batch x outputs
  typename Backend::template array<double> numbered_errors_;  ///< of all ranks: batch x (1 + outputs)
  teaching_signal<scalar> current_;
};

}  // namespace localis::detail
