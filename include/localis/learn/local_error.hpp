#pragma once

#include <cstddef>
#include <vector>

#include <localis/core/memory.hpp>
#include <localis/core/operation.hpp>
#include <localis/core/random.hpp>
#include <localis/learn/local_loss.hpp>
#include <localis/learn/pooled_head.hpp>
#include <localis/rule/local_error.hpp>

namespace localis {

/// The local loss of rule::local_error: a linear head on the pooled output of the stage, and its cross entropy.
template <class Backend>
class local_loss<Backend, rule::local_error> {
 public:
  using scalar = typename Backend::scalar;

  local_loss(Backend& backend, const operation& op, random_stream random) : head_(backend, op, random) {}

  [[nodiscard]] std::vector<parameter<scalar>> states() const { return head_.states(); }
  static std::size_t scratch_bytes(const Backend& backend, const operation& op, std::size_t samples) {
    return pooled_head<Backend, 1>::scratch_bytes(backend, op, samples);
  }
  static std::size_t summed_values(const operation& op, bool) { return pooled_head<Backend, 1>::summed_values(op); }
  void compute_local_gradient(Backend& backend, const operation& op, const rule::local_error& rule,
                              const teaching_signal<scalar>& signal) {
    head_.compute_local_gradient(backend, op, rule.head_rate, signal);
  }

 private:
  pooled_head<Backend, 1> head_;
};

}  // namespace localis
