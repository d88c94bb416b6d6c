#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include <localis/core/memory.hpp>
#include <localis/core/operation.hpp>
#include <localis/core/random.hpp>
#include <localis/core/workspace.hpp>
#include <localis/kernel/elementwise.hpp>
#include <localis/learn/local_loss.hpp>
#include <localis/learn/pooled_head.hpp>
#include <localis/learn/similarity.hpp>
#include <localis/rule/predsim.hpp>

namespace localis {

/// The local loss of rule::predsim: a mean of that of a head and that of similarity_error.
template <class Backend, std::size_t Side>
class local_loss<Backend, rule::predsim<Side>> {
 public:
  using scalar = typename Backend::scalar;

  local_loss(Backend& backend, const operation& op, random_stream random)
      : head_(backend, op, random), similarity_(backend, op, random) {}

  [[nodiscard]] std::vector<parameter<scalar>> states() const { return head_.states(); }

  static std::size_t scratch_bytes(const Backend& backend, const operation& op, std::size_t samples) {
    workspace own;
    (void)own.take<scalar>(samples * op.stage_output.size());
    return own.used() +
           (std::max)(head::scratch_bytes(backend, op, samples), similarity::scratch_bytes(backend, op, samples));
  }

  void compute_local_gradient(Backend& backend, const operation& op, const rule::predsim<Side>& rule,
                              const teaching_signal<scalar>& signal) {
    if (signal.gradient == nullptr) {
      head_.compute_local_gradient(backend, op, rule.head_rate, signal);
      return;
    }
    const std::size_t size = op.stage_output.size();
    workspace own(signal.scratch);
    auto* predicted = own.take<scalar>(signal.samples * size);
    teaching_signal<scalar> part = signal;
    part.scratch += own.used();
    similarity_.compute_local_gradient(backend, op, rule.similarity, part);
    part.gradient = predicted;
    head_.compute_local_gradient(backend, op, rule.head_rate, part);
    const double share = rule.similarity_share;
    backend.for_rows(signal.samples, size,
                     kernel::weighted_sum<scalar>{signal.gradient, predicted, signal.gradient, size,
                                                  static_cast<scalar>(share), static_cast<scalar>(1 - share)});
  }

 private:
  using head = pooled_head<Backend, Side>;
  using similarity = local_loss<Backend, rule::similarity_error>;

  head head_;
  similarity similarity_;
};

}  // namespace localis
