#pragma once

#include <array>
#include <cstddef>

#include <localis/core/operation.hpp>
#include <localis/model/layer_pack.hpp>

namespace localis {

/// The sum of squares of the last local update of each stage's weights, and the number of clipped rows of each stage so
/// far.
template <std::size_t Stages>
struct stage_update_statistics {
  std::array<double, Stages> change{};
  std::array<double, Stages> clips{};
  std::array<bool, Stages> failed{};  ///< whether a row had a negative scale under fail_on_negative_scale
};

namespace detail {

template <class Network, class Backend>
stage_update_statistics<Network::stages> read_update_statistics(const Backend& backend,
                                                                const layer_pack<Network, Backend>& layers) {
  stage_update_statistics<Network::stages> result;
  for_each_index<Network::size>([&]<std::size_t Index>() {
    const auto& layer = get<Index>(layers);
    if constexpr (requires { layer.read_update_statistics(backend); }) {
      const std::size_t stage = Network::program.operations[Index].stage;
      const auto found = layer.read_update_statistics(backend);
      result.change[stage] += found.change;
      result.clips[stage] += found.clips;
      result.failed[stage] = result.failed[stage] || found.failed;
    }
  });
  return result;
}

/// Returns, for each stage, whether clipped rows are an error.
template <class Network, class Backend>
constexpr std::array<bool, Network::stages> fails_on_clips() {
  std::array<bool, Network::stages> result{};
  for_each_index<Network::size>([&]<std::size_t Index>() {
    using layer = layer_type<Network, Backend, Index>;
    if constexpr (requires { layer::fails_on_clips(); }) {
      const std::size_t stage = Network::program.operations[Index].stage;
      result[stage] = result[stage] || layer::fails_on_clips();
    }
  });
  return result;
}

/// Returns whether a rule of the network has an eligibility trace.
template <class Network, class Backend>
constexpr bool has_traces() {
  bool result = false;
  for_each_index<Network::size>([&]<std::size_t Index>() {
    using layer = layer_type<Network, Backend, Index>;
    if constexpr (requires { layer::has_trace; }) result = result || layer::has_trace;
  });
  return result;
}

/// Returns the fraction of each stage in the multiply-adds of the network's responses; the fractions sum to 1.
template <class Network>
constexpr std::array<double, Network::stages> work_fractions() {
  std::array<double, Network::stages> fractions{};
  double total = 0;
  for (const operation& op : Network::program.operations) {
    if (!op.trainable()) continue;
    const double work = static_cast<double>(op.map().rows(1)) * static_cast<double>(op.map().weights());
    fractions[op.stage] += work;
    total += work;
  }
  for (double& fraction : fractions) fraction /= total;
  return fractions;
}

}  // namespace detail

}  // namespace localis
