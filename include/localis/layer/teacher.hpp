#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <type_traits>
#include <vector>

#include <localis/core/carver.hpp>
#include <localis/core/memory.hpp>
#include <localis/core/named.hpp>
#include <localis/core/random.hpp>
#include <localis/kernel/backend.hpp>
#include <localis/kernel/pooling.hpp>
#include <localis/kernel/softmax.hpp>
#include <localis/kernel/update.hpp>
#include <localis/layer/layer.hpp>
#include <localis/layer/operation.hpp>
#include <localis/optimizer/plain.hpp>
#include <localis/rule/error_feedback.hpp>
#include <localis/rule/local_error.hpp>
#include <localis/rule/policy.hpp>
#include <localis/rule/rule.hpp>

/// Where the error of a supervised rule comes from.
namespace localis {

/// What a teacher sees of one step, once its stage's output is there. All arrays are in the backend's memory.
template <class T>
struct lesson {
  std::size_t samples = 0;
  const T* output = nullptr;              ///< the stage's
  const std::uint32_t* labels = nullptr;  ///< by sample
  const T* errors = nullptr;              ///< samples x network outputs: each sample's output error when last seen
  T* gradient = nullptr;                  ///< to be filled: dl/d output; null while the stage learns by gradient
  bool rehearse = false;                  ///< changes nothing but the gradient
  std::byte* scratch = nullptr;
};

/// The run-time part of a supervised rule, held by the first trainable layer of its stage. The primary template is that
/// of a rule without one. A rule of one's own with
///
///   static constexpr bool supervised = true;
///   static constexpr bool remembers_errors = true;          // optional: asks for lesson::errors
///
/// specializes it:
///
///   template <class Backend>
///   class localis::teacher<Backend, my_rule> {
///    public:
///     using scalar = typename Backend::scalar;
///     teacher(Backend& backend, const operation& op, random_stream random);     // unless op.teaches, another layer
///     does std::vector<parameter<scalar>> states() const;                            // for stored training runs
///     static std::size_t scratch_bytes(const Backend& backend, const operation& op, std::size_t samples);
///     void teach(Backend& backend, const operation& op, const my_rule& rule, const lesson<scalar>& at);
///   };
///
/// Optional:
///
///     std::vector<std::size_t*> counts();                                       // for stored training runs
///     void observe(Backend& backend, const operation& op, const my_rule& rule, const lesson<scalar>& at);
///                                                   // behind the boundary: `gradient` is there, the true one
template <class Backend, class Rule>
class teacher {
 public:
  teacher(Backend&, const operation&, random_stream) {}
};

namespace detail {

struct teacher_member_names {
  int teach, counts, observe;
};
template <class T>
using without_teacher_member = named_twice<T, teacher_member_names>;

template <class T, class Backend, class Rule>
concept is_teacher = is_made_for<T, Backend> &&
    requires(T& teacher, const T& same, Backend& backend, const operation& op, const Rule& rule,
             const lesson<typename Backend::scalar>& at) {
  { same.states() } -> parameter_range<typename Backend::scalar>;
  { T::scratch_bytes(static_cast<const Backend&>(backend), op, std::size_t{}) } -> std::convertible_to<std::size_t>;
  teacher.teach(backend, op, rule, at);
};
template <class T, class Backend, class Rule>
concept observes = requires(T& teacher, Backend& backend, const operation& op, const Rule& rule,
                            const lesson<typename Backend::scalar>& at) {
  teacher.observe(backend, op, rule, at);
};
template <class T>
concept teacher_counts = requires(T& teacher) {
  { *std::begin(teacher.counts()) } -> std::convertible_to<std::size_t*>;
};

/// Does nothing, in place of a teacher that is none: so that one error is all that is printed.
template <class Backend>
struct stand_in_teacher {
  stand_in_teacher(Backend&, const operation&, random_stream) {}
  [[nodiscard]] std::array<parameter<typename Backend::scalar>, 0> states() const { return {}; }
  static std::size_t scratch_bytes(const Backend&, const operation&, std::size_t) { return 0; }
  template <class Rule>
  void teach(Backend&, const operation&, const Rule&, const lesson<typename Backend::scalar>&) {}
};

/// The teacher of a rule; where it does not fit, the compiler says why.
template <class Backend, class Rule>
constexpr auto checked_teacher() {
  using type = teacher<Backend, Rule>;
  if constexpr (!rule::supervised<Rule>) {
    return std::type_identity<type>{};
  } else if constexpr (!is_teacher<type, Backend, Rule>) {
    constexpr bool none = requires { &without_teacher_member<type>::teach; };
    static_assert(!none,
                  "localis: this rule is supervised, and has no teacher. Expected: template <class Backend> class "
                  "localis::teacher<Backend, my_rule>, with the members that layer/teacher.hpp lists");
    static_assert(none,
                  "localis: a teacher's members are not as expected. Expected: teacher(Backend& backend, const "
                  "operation& op, random_stream random); std::vector<parameter<scalar>> states() const; static "
                  "std::size_t scratch_bytes(const Backend& backend, const operation& op, std::size_t samples); void "
                  "teach(Backend& backend, const operation& op, const my_rule& rule, const lesson<scalar>& at)");
    return std::type_identity<stand_in_teacher<Backend>>{};
  } else {
    static_assert(
        observes<type, Backend, Rule> || requires { &without_teacher_member<type>::observe; },
        "localis: a teacher's observe has another signature than expected, and would be skipped. Expected: void "
        "observe(Backend& backend, const operation& op, const my_rule& rule, const lesson<scalar>& at)");
    static_assert(
        teacher_counts<type> || requires { &without_teacher_member<type>::counts; },
        "localis: a teacher's counts has another signature than expected, and would be skipped. Expected: "
        "std::vector<std::size_t*> counts()");
    return std::type_identity<type>{};
  }
}

}  // namespace detail

namespace kernel {

/// One sample's error of a softmax: share (softmax(z) - [label]); in place.
template <class T>
struct softmax_error {
  T* logits;
  const std::uint32_t* labels;
  std::size_t classes;
  T share;

  constexpr void operator()(std::size_t row) const {
    T* z = logits + row * classes;
    softmax_row(static_cast<const T*>(z), z, classes, T(1), share);
    z[labels[row]] -= share;
  }
};

}  // namespace kernel

namespace detail {

/// The mean over positions, as a pooling of the whole map.
constexpr linear_map whole_map(const shape& of) { return {of, {1, 1, of.channels}, {of.height, of.width, 1, 0}}; }

/// Solves A Q = B for symmetric, positive definite A (n x n), by Cholesky's method, in place: B (n x m) becomes Q.
inline void solve(std::vector<double>& a, std::size_t n, std::vector<double>& b, std::size_t m) {
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t k = 0; k < j; ++k) a[j * n + j] -= a[j * n + k] * a[j * n + k];
    a[j * n + j] = std::sqrt(a[j * n + j]);
    for (std::size_t i = j + 1; i < n; ++i) {
      for (std::size_t k = 0; k < j; ++k) a[i * n + j] -= a[i * n + k] * a[j * n + k];
      a[i * n + j] /= a[j * n + j];
    }
  }
  const auto eliminate = [&](std::size_t row, std::size_t from, double factor) {
    for (std::size_t c = 0; c < m; ++c) b[row * m + c] -= factor * b[from * m + c];
  };
  const auto divide = [&](std::size_t row) {
    for (std::size_t c = 0; c < m; ++c) b[row * m + c] /= a[row * n + row];
  };
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < i; ++k) eliminate(i, k, a[i * n + k]);
    divide(i);
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t k = i + 1; k < n; ++k) eliminate(i, k, a[k * n + i]);
    divide(i);
  }
}

}  // namespace detail

template <class Backend>
class teacher<Backend, rule::local_error> {
 public:
  using scalar = typename Backend::scalar;

  /// Head: normal, mean 0, deviation sqrt(1 / channels).
  teacher(Backend& backend, const operation& op, random_stream random) {
    if (!op.teaches) return;
    head_ = backend.template allocate<scalar>(memory_kind::rule_state, head_map(op).weights());
    const double deviation = 1 / std::sqrt(static_cast<double>(op.stage_output.channels));
    std::vector<scalar> initial(head_.size());
    for (std::size_t i = 0; i < initial.size(); ++i) initial[i] = static_cast<scalar>(deviation * random.normal(i));
    backend.upload(std::span<const scalar>(initial), head_.data());
  }

  [[nodiscard]] std::vector<parameter<scalar>> states() const {
    return {{"head", 1, head_.size(), head_.data(), false}};
  }

  static std::size_t scratch_bytes(const Backend& backend, const operation& op, std::size_t samples) {
    carver measure;
    (void)carve(op, samples, measure);
    carver response = measure;
    carver weights = measure;
    carver inputs = measure;
    backend.respond_scratch(head_map(op), samples, response);
    backend.weight_gradient_scratch(head_map(op), samples, weights);
    backend.input_gradient_scratch(head_map(op), samples, inputs);
    return (std::max)({response.used(), weights.used(), inputs.used()});
  }

  void teach(Backend& backend, const operation& op, const rule::local_error& rule, const lesson<scalar>& at) {
    const linear_map map = head_map(op);
    const linear_map pool = detail::whole_map(op.stage_output);
    carver scratch(at.scratch);
    const arrays a = carve(op, at.samples, scratch);
    backend.for_rows(at.samples, pool.in.channels, kernel::average_pool<scalar>{pool, at.output, a.pooled});
    backend.respond(map, at.samples, a.pooled, head_.data(), nullptr, a.errors, scratch);
    backend.for_rows(at.samples, map.outputs(),
                     kernel::softmax_error<scalar>{a.errors, at.labels, map.outputs(),
                                                   static_cast<scalar>(1 / static_cast<double>(at.samples))});
    if (at.gradient != nullptr) {
      backend.input_gradient(map, at.samples, a.errors, head_.data(), a.pooled_gradient, scratch);
      backend.for_samples(at.samples, pool.in.size(), pool.in.channels,
                          kernel::average_pool_gradient<scalar>{pool, a.pooled_gradient, at.gradient});
    }
    if (at.rehearse) return;
    backend.weight_gradient(map, at.samples, a.pooled, a.errors, a.head_gradient, nullptr, scratch);
    using direction = kernel::gradient_direction<scalar>;
    using step = optimizer::plain::step<scalar>;
    backend.for_rows(map.outputs(), map.inputs(),
                     kernel::apply_update<scalar, direction, step, rule::no_constraint>{
                         head_.data(),
                         {},
                         kernel::row_split{map.inputs()},
                         direction{a.head_gradient, map.inputs()},
                         step{},
                         kernel::rate<scalar>{static_cast<scalar>(rule.head_rate)},
                         rule::no_constraint{},
                         a.changes});
  }

 private:
  struct arrays {
    scalar* pooled;           ///< samples x channels
    scalar* pooled_gradient;  ///< samples x channels
    scalar* errors;           ///< samples x classes
    scalar* head_gradient;    ///< classes x channels
    double* changes;          ///< classes
  };
  static arrays carve(const operation& op, std::size_t samples, carver& scratch) {
    const linear_map map = head_map(op);
    arrays a{};
    a.pooled = scratch.take<scalar>(samples * map.inputs());
    a.pooled_gradient = scratch.take<scalar>(samples * map.inputs());
    a.errors = scratch.take<scalar>(samples * map.outputs());
    a.head_gradient = scratch.take<scalar>(map.weights());
    a.changes = scratch.take<double>(map.outputs());
    return a;
  }
  static linear_map head_map(const operation& op) {
    return {{1, 1, op.stage_output.channels}, {1, 1, op.network_outputs}, {}};
  }

  typename Backend::template array<scalar> head_;  ///< classes x channels
};

template <class Backend>
class teacher<Backend, rule::error_feedback> {
 public:
  using scalar = typename Backend::scalar;

  teacher(Backend& backend, const operation& op, random_stream) {
    if (!op.teaches) return;
    const std::size_t classes = op.network_outputs;
    const std::size_t channels = op.stage_output.channels;
    const auto take = [&](std::size_t size) {
      return backend.template allocate<scalar>(memory_kind::rule_state, size);
    };
    feedback_ = take(channels * classes);
    squares_ = take(classes * classes);
    products_ = take(classes * channels);
  }

  [[nodiscard]] std::vector<parameter<scalar>> states() const {
    return {{"feedback", 1, feedback_.size(), feedback_.data(), false},
            {"squares", 1, squares_.size(), squares_.data(), false},
            {"products", 1, products_.size(), products_.data(), false}};
  }
  [[nodiscard]] std::vector<std::size_t*> counts() { return {&observed_}; }

  static std::size_t scratch_bytes(const Backend& backend, const operation& op, std::size_t samples) {
    carver measure;
    (void)carve(op, samples, measure);
    std::size_t most = measure.used();
    const auto also = [&](auto need) {
      carver more = measure;
      need(more);
      most = (std::max)(most, more.used());
    };
    also([&](carver& c) { backend.respond_scratch(feedback_map(op), samples, c); });
    also([&](carver& c) { backend.weight_gradient_scratch(square_map(op), samples, c); });
    also([&](carver& c) { backend.weight_gradient_scratch(product_map(op), samples, c); });
    return most;
  }

  void teach(Backend& backend, const operation& op, const rule::error_feedback& rule, const lesson<scalar>& at) {
    if (at.gradient == nullptr) return;
    if (observed_ > 0) fit(backend, op, rule);
    const linear_map map = feedback_map(op);
    const linear_map pool = detail::whole_map(op.stage_output);
    carver scratch(at.scratch);
    const arrays a = carve(op, at.samples, scratch);
    backend.respond(map, at.samples, at.errors, feedback_.data(), nullptr, a.pooled, scratch);
    backend.for_rows(
        1, at.samples * map.outputs(),
        kernel::scaled<scalar>{a.pooled, a.pooled, static_cast<scalar>(1 / static_cast<double>(at.samples))});
    backend.for_samples(at.samples, pool.in.size(), pool.in.channels,
                        kernel::average_pool_gradient<scalar>{pool, a.pooled, at.gradient});
  }

  /// The true gradient of the stage's output beside the errors of the same step.
  void observe(Backend& backend, const operation& op, const rule::error_feedback& rule, const lesson<scalar>& at) {
    const linear_map pool = detail::whole_map(op.stage_output);
    carver scratch(at.scratch);
    const arrays a = carve(op, at.samples, scratch);
    // Means over positions of the mean loss's gradient; times positions and N, sums of each sample's own.
    backend.for_rows(at.samples, pool.in.channels,
                     kernel::average_pool<scalar>{pool, static_cast<const scalar*>(at.gradient), a.pooled});
    const auto own = static_cast<scalar>(at.samples * op.stage_output.positions());
    backend.for_rows(1, at.samples * pool.in.channels, kernel::scaled<scalar>{a.pooled, a.pooled, own});
    const auto follow = [&](const linear_map& map, const scalar* x, scalar* average) {
      backend.weight_gradient(map, at.samples, x, at.errors, a.product, nullptr, scratch);
      backend.for_rows(
          1, map.weights(),
          kernel::follow_mean<scalar>{a.product, average, scalar(1), static_cast<scalar>(1 - rule.memory)});
    };
    follow(square_map(op), at.errors, squares_.data());
    follow(product_map(op), a.pooled, products_.data());
    ++observed_;
  }

 private:
  struct arrays {
    scalar* pooled;   ///< samples x channels
    scalar* product;  ///< classes x the larger of classes and channels
  };
  static arrays carve(const operation& op, std::size_t samples, carver& scratch) {
    arrays a{};
    a.pooled = scratch.take<scalar>(samples * op.stage_output.channels);
    a.product = scratch.take<scalar>(op.network_outputs * (std::max)(op.network_outputs, op.stage_output.channels));
    return a;
  }
  static linear_map vector_map(std::size_t from, std::size_t to) { return {{1, 1, from}, {1, 1, to}, {}}; }
  /// errors to pooled output, weights channels x classes
  static linear_map feedback_map(const operation& op) {
    return vector_map(op.network_outputs, op.stage_output.channels);
  }
  static linear_map square_map(const operation& op) { return vector_map(op.network_outputs, op.network_outputs); }
  static linear_map product_map(const operation& op) {
    return vector_map(op.stage_output.channels, op.network_outputs);
  }

  void fit(Backend& backend, const operation& op, const rule::error_feedback& rule) {
    const std::size_t classes = op.network_outputs;
    const std::size_t channels = op.stage_output.channels;
    const auto read = [&](const auto& array) {
      std::vector<scalar> host(array.size());
      backend.download(array.data(), std::span<scalar>(host));
      return std::vector<double>(host.begin(), host.end());
    };
    std::vector<double> a = read(squares_);
    std::vector<double> q = read(products_);
    observed_ = 0;
    double trace = 0;
    for (std::size_t k = 0; k < classes; ++k) trace += a[k * classes + k];
    if (!(trace > 0)) return;
    for (std::size_t k = 0; k < classes; ++k) a[k * classes + k] += rule.ridge * trace / static_cast<double>(classes);
    detail::solve(a, classes, q, channels);
    std::vector<scalar> turned(q.size());
    for (std::size_t k = 0; k < classes; ++k) {
      for (std::size_t c = 0; c < channels; ++c) turned[c * classes + k] = static_cast<scalar>(q[k * channels + c]);
    }
    backend.upload(std::span<const scalar>(turned), feedback_.data());
  }

  typename Backend::template array<scalar> feedback_;  ///< Q, turned: channels x classes
  typename Backend::template array<scalar> squares_;   ///< classes x classes: mean of e^T e
  typename Backend::template array<scalar> products_;  ///< classes x channels: mean of e^T (true error)
  std::size_t observed_ = 0;                           ///< steps since the last fit
};

}  // namespace localis
