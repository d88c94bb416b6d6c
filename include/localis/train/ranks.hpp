#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include <localis/core/communicator.hpp>
#include <localis/core/error.hpp>
#include <localis/core/operation.hpp>
#include <localis/model/metrics.hpp>
#include <localis/scheduler/scheduler.hpp>
#include <localis/train/stored_run.hpp>
#include <localis/version.hpp>

/// Checks that the ranks of a run do the same: if they do not, their sums differ in number or size, and MPI gives wrong
/// sums or waits forever.
namespace localis::detail {

/// What must be equal on all ranks, by name.
using rank_values = std::vector<std::pair<std::string, std::string>>;

/// Compares the values of all ranks, of which the first rank's are right. Errors: on every rank the same config_error,
/// which names the first value that differs, and the rank.
[[gnu::cold]] inline void compare_on_ranks(const exchange& ranks, const rank_values& own) {
  std::string packed = ranks.host() + '\0';
  for (const auto& [name, value] : own) packed.append(name).append(1, '\0').append(value).append(1, '\0');
  const std::vector<std::string> all = ranks.gather(packed);
  const auto fields = [](const std::string& one) {
    std::vector<std::string> result;
    for (std::size_t begin = 0; begin < one.size();) {
      const std::size_t end = one.find('\0', begin);
      result.push_back(one.substr(begin, end - begin));
      begin = end + 1;
    }
    return result;
  };
  const std::vector<std::string> expected = fields(all[0]);
  for (std::size_t rank = 1; rank < all.size(); ++rank) {
    const std::vector<std::string> found = fields(all[rank]);
    for (std::size_t i = 1; i < (std::max)(expected.size(), found.size()); i += 2) {
      const auto field = [i](const std::vector<std::string>& list, std::size_t k) {
        return i + k < list.size() ? list[i + k] : std::string("none");
      };
      if (field(expected, 0) == field(found, 0) && field(expected, 1) == field(found, 1)) continue;
      const std::string name = i < expected.size() ? expected[i] : found[i];
      const std::string other = field(found, 0) == name ? field(found, 1) : "none";
      throw config_error(text("ranks: ", name, ": rank 0 has ", field(expected, 1), ", rank ", rank, " (host ",
                              found[0], ") has ", other));
    }
  }
}

/// A number that two arrays have in common only if they are the same, but for one case in 2^64 (FNV-1a).
class fingerprint {
 public:
  template <class T>
  void add(std::span<const T> values) {
    for (const T& value : values) {
      std::array<unsigned char, sizeof(T)> bytes{};
      std::memcpy(bytes.data(), &value, sizeof(T));
      for (const unsigned char byte : bytes) hash_ = (hash_ ^ byte) * 0x100000001B3;
    }
  }
  [[nodiscard]] std::string digits() const {
    std::array<char, 16> hex{};
    return {hex.data(), std::to_chars(hex.data(), hex.data() + hex.size(), hash_, 16).ptr};
  }

 private:
  std::uint64_t hash_ = 0xCBF29CE484222325;
};

/// The type and the value of a policy.
template <class Policy>
[[nodiscard]] std::string policy_text(const Policy& policy) {
  std::string result = typeid(Policy).name();
  append_value(result, policy);
  return result;
}

/// Adds how the ranks train together.
[[gnu::cold]] inline void add_values(rank_values& values, const rank_options& options) {
  values.emplace_back("batch statistics", options.statistics == batch_statistics::own ? "own" : "all");
  values.emplace_back("bucket_bytes", text(options.bucket_bytes));
  values.emplace_back("prefix_every", text(options.prefix_every));
  values.emplace_back("suffix_every", text(options.suffix_every));
  values.emplace_back("suffix_from_epoch", text(options.suffix_from_epoch));
}

/// What all ranks must have in common before the first step of a run, for a trainer that is `trainer`.
template <class Trainer>
[[nodiscard, gnu::cold]] rank_values values_of_run(const Trainer& trainer) {
  using scalar = typename Trainer::scalar;
  const auto known = identity(trainer);
  std::string options;
  append_value(options, trainer.options());
  rank_values result{{"version of localis", text(LOCALIS_VERSION)},
                     {"scalar", known.scalar},
                     {"batch", text(known.batch)},
                     {"seed", text(known.seed)},
                     {"model's seed", text(known.model_seed)},
                     {"arithmetic", known.arithmetic}};
  for (std::size_t i = 0; i < known.network.size(); ++i) {
    result.emplace_back(text("operation ", i, " of the network"), known.network[i]);
  }
  result.emplace_back("options", options.substr((std::min)(options.size(), std::size_t{1})));
  result.emplace_back("scheduler", typeid(trainer.scheduler()).name());
  result.emplace_back("optimizer", policy_text(trainer.descent().optimizer()));
  fingerprint arrays;
  const auto add = [&](const std::string&, const scalar* values, std::size_t size) {
    arrays.add(std::span<const scalar>(trainer.model().host_copy({values, size})));
  };
  for_each_stored(trainer.model(), add);
  result.emplace_back("weights and states", arrays.digits());
  for (std::size_t i = 0; i < trainer.descent().updates().size(); ++i) {
    const auto state = trainer.descent().state(i);
    if (!state.empty()) add({}, state.data(), state.size());
  }
  result.emplace_back("states of the optimizer", arrays.digits());
  return result;
}

/// The boundaries and rates of an epoch, which decide what the ranks add up in its steps.
template <class Scheduler>
[[nodiscard, gnu::cold]] rank_values values_of_epoch(const Scheduler& policy, std::size_t epoch, std::size_t steps,
                                                     std::size_t stages) {
  fingerprint plan;
  for (std::size_t step = 0; step < steps; ++step) {
    const std::array<std::size_t, 1> boundary{policy.boundary(epoch, step)};
    plan.add(std::span<const std::size_t>(boundary));
    for (std::size_t stage = 0; stage < stages; ++stage) {
      const std::array<double, 1> factor{scheduler::gradient_scale(policy, epoch, step, stage)};
      plan.add(std::span<const double>(factor));
    }
  }
  return {{text("schedule of epoch ", epoch), plan.digits()}};
}

}  // namespace localis::detail
