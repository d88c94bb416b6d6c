#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include <localis/core/error.hpp>
#include <localis/core/memory.hpp>
#include <localis/model/step_options.hpp>

namespace localis::detail {

/// The factors on the local rate, in the backend's memory: one per stage, and one per sample.
template <class Backend, std::size_t Stages>
class rate_factors {
 public:
  using scalar = typename Backend::scalar;

  explicit rate_factors(Backend& backend)
      : gains_(backend.template allocate<scalar>(memory_kind::parameters, Stages)) {}

  /// Returns the factors of the stages.
  [[nodiscard]] scalar* gains() const { return gains_.data(); }

  void upload_gains(Backend& backend, const step_options& options) {
    expect(options.stage_gains.empty() || options.stage_gains.size() == Stages, "model::forward: stage_gains",
           text("none, or ", Stages, ", one for each stage").c_str(), options.stage_gains.size());
    std::array<scalar, Stages> gains{};
    for (std::size_t s = 0; s < Stages; ++s) {
      gains[s] = static_cast<scalar>(options.gain * (options.stage_gains.empty() ? 1 : options.stage_gains[s]));
    }
    backend.upload(std::span<const scalar>(gains), gains_.data());
  }
  /// Uploads and returns the factors of the samples; null if there are none. `batch` is the largest number of samples
  /// of a batch.
  const scalar* upload_modulator(Backend& backend, const step_options& options, std::size_t samples,
                                 std::size_t batch) {
    if (options.modulator.empty()) return nullptr;
    expect(options.modulator.size() == samples, "model::forward: modulator",
           text("none, or ", samples, ", one for each sample").c_str(), options.modulator.size());
    if (modulator_.size() < samples) {
      modulator_ = backend.template allocate<scalar>(memory_kind::rule_state, batch);
    }
    const std::vector<scalar> converted(options.modulator.begin(), options.modulator.end());
    backend.upload(std::span<const scalar>(converted), modulator_.data());
    return modulator_.data();
  }

 private:
  typename Backend::template array<scalar> gains_;
  typename Backend::template array<scalar> modulator_;  ///< empty until the first modulator arrives
};

}  // namespace localis::detail
