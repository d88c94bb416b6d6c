#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <type_traits>
#include <vector>

#include <localis/core/communicator.hpp>
#include <localis/core/named.hpp>
#include <localis/core/operation.hpp>
#include <localis/core/random.hpp>
#include <localis/rule/rule.hpp>

/// Local losses, which give supervised rules their error.
namespace localis {

/// The input of a local loss in one step, after the output of its stage is computed. All arrays are in the backend's
/// memory.
template <class T>
struct teaching_signal {
  std::size_t samples = 0;
  /// number of samples, of all ranks unless this one acts alone, that are not data::unlabelled: those with a loss
  std::size_t labelled = 0;
  const whole_batch* whole = nullptr;     ///< the batch of all ranks; null if this rank acts alone
  const T* output = nullptr;              ///< output of the stage
  const std::uint32_t* labels = nullptr;  ///< one per sample
  /// samples x network outputs: each sample's output error when last seen; 0 if it is data::unlabelled
  const T* errors = nullptr;
  T* gradient = nullptr;      ///< to be filled with dl/d output; null while the stage learns by gradient
  bool apply_updates = true;  ///< false: a dry run, which changes only the gradient
  std::byte* scratch = nullptr;
};

/// The local loss of a supervised rule, held by the first trainable layer of its stage. The primary template is for
/// rules without one. A rule of your own with
///
///   static constexpr bool supervised = true;
///   static constexpr bool remembers_errors = true;          // optional: asks for teaching_signal::errors
///
/// specializes it:
///
///   template <class Backend>
///   class localis::local_loss<Backend, my_rule> {
///    public:
///     using scalar = typename Backend::scalar;
///     // If op.has_local_loss is false, another layer of the stage holds the local loss: allocate nothing.
///     local_loss(Backend& backend, const operation& op, random_stream random);
///     std::vector<parameter<scalar>> states() const;  // for stored training runs
///     static std::size_t scratch_bytes(const Backend& backend, const operation& op, std::size_t samples);
///     void compute_local_gradient(Backend& backend, const operation& op, const my_rule& rule,
///                                 const teaching_signal<scalar>& signal);
///   };
///
/// Optional:
///
///     std::vector<std::size_t*> counts();  // for stored training runs
///     // The number of values that it adds up over the ranks in a step, before the boundary (learns) or from it on:
///     static std::size_t summed_values(const operation& op, bool learns);
///     // Called from the boundary on: `gradient` is the true gradient of the stage's output.
///     void observe(Backend& backend, const operation& op, const my_rule& rule, const teaching_signal<scalar>& signal);
template <class Backend, class Rule>
class local_loss {
 public:
  local_loss(Backend&, const operation&, random_stream) {}
};

namespace detail {

struct local_loss_member_names {
  int compute_local_gradient, counts, observe;
};
template <class T>
using without_local_loss_member = named_twice<T, local_loss_member_names>;

template <class T, class Backend, class Rule>
concept is_local_loss = is_made_for<T, Backend> &&
    requires(T& local_loss, const T& same, Backend& backend, const operation& op, const Rule& rule,
             const teaching_signal<typename Backend::scalar>& signal) {
  { same.states() } -> parameter_range<typename Backend::scalar>;
  { T::scratch_bytes(static_cast<const Backend&>(backend), op, std::size_t{}) } -> std::convertible_to<std::size_t>;
  local_loss.compute_local_gradient(backend, op, rule, signal);
};
template <class T, class Backend, class Rule>
concept observes = requires(T& local_loss, Backend& backend, const operation& op, const Rule& rule,
                            const teaching_signal<typename Backend::scalar>& signal) {
  local_loss.observe(backend, op, rule, signal);
};
template <class T>
concept local_loss_counts = requires(T& local_loss) {
  { *std::begin(local_loss.counts()) } -> std::convertible_to<std::size_t*>;
};

/// Replaces a type that is no local loss, so that only one error is printed.
template <class Backend>
struct stand_in_local_loss {
  stand_in_local_loss(Backend&, const operation&, random_stream) {}
  [[nodiscard]] std::array<parameter<typename Backend::scalar>, 0> states() const { return {}; }
  static std::size_t scratch_bytes(const Backend&, const operation&, std::size_t) { return 0; }
  template <class Rule>
  void compute_local_gradient(Backend&, const operation&, const Rule&,
                              const teaching_signal<typename Backend::scalar>&) {}
};

/// The local loss of a rule; if it lacks a member, a compile error names it.
template <class Backend, class Rule>
constexpr auto checked_local_loss() {
  using type = local_loss<Backend, Rule>;
  if constexpr (!rule::supervised<Rule>) {
    return std::type_identity<type>{};
  } else if constexpr (!is_local_loss<type, Backend, Rule>) {
    constexpr bool none = requires { &without_local_loss_member<type>::compute_local_gradient; };
    static_assert(!none,
                  "localis: this rule is supervised, and has no local loss. Expected: template <class Backend> class "
                  "localis::local_loss<Backend, my_rule>, with the members that learn/local_loss.hpp lists");
    static_assert(none,
                  "localis: a local loss's members are not as expected. Expected: local_loss(Backend& backend, const "
                  "operation& op, random_stream random); std::vector<parameter<scalar>> states() const; static "
                  "std::size_t scratch_bytes(const Backend& backend, const operation& op, std::size_t samples); void "
                  "compute_local_gradient(Backend& backend, const operation& op, const my_rule& rule, const "
                  "teaching_signal<scalar>& signal)");
    return std::type_identity<stand_in_local_loss<Backend>>{};
  } else {
    static_assert(
        observes<type, Backend, Rule> || requires { &without_local_loss_member<type>::observe; },
        "localis: a local loss's observe has another signature than expected, and would be skipped. Expected: void "
        "observe(Backend& backend, const operation& op, const my_rule& rule, const teaching_signal<scalar>& signal)");
    static_assert(
        local_loss_counts<type> || requires { &without_local_loss_member<type>::counts; },
        "localis: a local loss's counts has another signature than expected, and would be skipped. Expected: "
        "std::vector<std::size_t*> counts()");
    return std::type_identity<type>{};
  }
}

}  // namespace detail

}  // namespace localis
