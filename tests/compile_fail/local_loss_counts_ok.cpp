#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <localis/backend/reference/backend.hpp>
#include <localis/kernel/elementwise.hpp>
#include <localis/layer/dense.hpp>
#include <localis/learn/local_loss.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>

namespace lo = localis;

struct my_rule {
  static constexpr const char* name = "my_rule";
  static constexpr bool supervised = true;
};

/// Pushes every output down.
template <class Backend>
class localis::local_loss<Backend, my_rule> {
 public:
  using scalar = typename Backend::scalar;

  local_loss(Backend&, const operation&, random_stream) {}
  [[nodiscard]] std::vector<parameter<scalar>> states() const { return {}; }
  static std::size_t scratch_bytes(const Backend&, const operation&, std::size_t) { return 1; }
  void compute_local_gradient(Backend& backend, const operation& op, const my_rule&,
                              const teaching_signal<scalar>& signal) {
    if (signal.gradient == nullptr) return;
    backend.for_rows(signal.samples, op.stage_output.size(),
                     kernel::add<scalar>{signal.output, signal.output, signal.gradient, op.stage_output.size()});
  }
  void observe(Backend&, const operation&, const my_rule&, const teaching_signal<scalar>&) { ++observed_; }
  [[nodiscard]] std::vector<std::size_t*> counts() { return {&observed_}; }

 private:
  std::size_t observed_ = 0;
};

using net = lo::network<lo::vector_input<4>, lo::dense<3, my_rule>, lo::dense<2>>;

int main() {
  const std::array<double, 4> features{};
  const std::array<std::uint32_t, 1> labels{};
  lo::model<net, lo::reference::backend<double>> model;
  model.prepare({.batch = 1});
  model.forward(features, 1, {.boundary = 1, .local_rate = 0.1, .labels = labels});
  return static_cast<int>(model.counts().size());
}
