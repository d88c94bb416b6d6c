#pragma once

#include <concepts>
#include <cstddef>
#include <exception>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <localis/core/error.hpp>

/// Ranks: processes that train one model together, each on a part of every batch.
namespace localis {

/// Sums of arrays over all ranks. sum() and begin_sum() are collective: every rank calls them in the same order, and
/// with arrays of the same sizes.
///
///   sum(values)        replaces each value by its sum over all ranks, which all ranks get with the same bytes
///   begin_sum(values)  begins what sum() does and returns at once, with a number for done(). Until done() has returned
///                      true, nothing else may read or write the values
///   done(number)       whether a sum is complete; it must be asked until it is, and not again
///   progress()         lets the sums go on that are under way
template <class S>
concept rank_sums = requires(const S& sums, std::span<float> floats, std::span<double> doubles, std::size_t number) {
  sums.sum(floats);
  sums.sum(doubles);
  { sums.begin_sum(floats) } -> std::same_as<std::size_t>;
  { sums.begin_sum(doubles) } -> std::same_as<std::size_t>;
  { sums.done(number) } -> std::same_as<bool>;
  sums.progress();
};

/// What a training run needs of its ranks: sums of arrays in the memory of the host, and
///
///   rank(), size()     the number of this rank, from 0, and how many there are
///   first()            whether this rank is number 0
///   host()             the name of the machine, for messages
///   gather(text)       returns the texts of all ranks, in their order; they may be of any length. Collective
///
/// Optional: begin_step(epoch, step), which a trainer calls before each step, for messages; and backend_sums(backend)
/// (array_communicator).
template <class C>
concept communicator = rank_sums<C> && requires(const C& ranks, const std::string& own) {
  { ranks.rank() } -> std::same_as<std::size_t>;
  { ranks.size() } -> std::same_as<std::size_t>;
  { ranks.first() } -> std::same_as<bool>;
  { ranks.host() } -> std::same_as<std::string>;
  { ranks.gather(own) } -> std::same_as<std::vector<std::string>>;
};

/// A communicator that adds up the arrays of a backend. If the host reaches the backend's memory, any communicator
/// does. Otherwise, backend_sums(backend) returns the rank_sums of arrays in that memory. They take effect in the order
/// of the backend's work: a sum begins behind the work that the backend was given before, and work that it is given
/// after done() finds the sum complete. done() is true at once then, and the host waits for nothing.
template <class C, class Backend>
concept array_communicator = communicator<C> &&
    (Backend::memory::host_accessible || requires(const C& ranks, const Backend& backend) {
      { ranks.backend_sums(backend) } -> rank_sums;
    });

/// One rank without others, the default of every model.
struct alone {
  [[nodiscard]] static constexpr std::size_t rank() { return 0; }
  [[nodiscard]] static constexpr std::size_t size() { return 1; }
  [[nodiscard]] static constexpr bool first() { return true; }
  [[nodiscard]] static std::string host() { return {}; }
  template <class T>
  static void sum(std::span<T>) {}
  template <class T>
  [[nodiscard]] static std::size_t begin_sum(std::span<T>) {
    return 0;
  }
  [[nodiscard]] static constexpr bool done(std::size_t) { return true; }
  static constexpr void progress() {}
  [[nodiscard]] static std::vector<std::string> gather(const std::string& own) { return {own}; }
  template <class Backend>
  [[nodiscard]] static constexpr alone backend_sums(const Backend&) {
    return {};
  }
};
static_assert(communicator<alone>);

/// By the moments of which rows batch normalization normalizes a rank's part of a batch. The running statistics come
/// from the rows of all ranks in any case.
enum class batch_statistics {
  all,  ///< of all ranks: the step of one rank with the whole batch
  own   ///< of the rank itself, as on several GPUs elsewhere: another step, but no rank waits for others in backward()
};

/// How ranks train together (model::distribute(), trainer::distribute()). By default they take the steps of one rank,
/// to rounding. With the last three values, which are a trainer's, they give that up to send less: between exchanges,
/// each rank learns from its own samples, and at an exchange the weights of all are averaged, each weighted by the
/// samples that its rank has seen since the last one.
///
/// Units: prefix_every and suffix_every in steps of an epoch, which all end with an exchange.
struct rank_options {
  batch_statistics statistics = batch_statistics::all;
  /// The least bytes of gradients that ranks add up at once. Larger blocks need fewer messages; smaller ones leave less
  /// to wait for at the end of a backward pass.
  std::size_t bucket_bytes = std::size_t{1} << 20;
  /// In the stages before the boundary, ranks exchange weights, rule states and running statistics after so many steps,
  /// and before a stage leaves them. 1: the sums of every step, which is exact.
  std::size_t prefix_every = 1;
  /// In the stages from the boundary on, ranks exchange weights and the state of the optimizer after so many steps. 1:
  /// the gradients of every step, which is exact. Source: S. U. Stich, ICLR 2019; T. Lin et al., ICLR 2020.
  std::size_t suffix_every = 1;
  std::size_t suffix_from_epoch = 0;  ///< before this epoch, the stages from the boundary on are exact

  /// Whether every step is that of one rank with the whole batch.
  [[nodiscard]] constexpr bool exact() const { return prefix_every == 1 && suffix_every == 1; }
  /// Errors: config_error for a value that is out of its range.
  void validate() const {
    expect(bucket_bytes > 0, "distribute: bucket_bytes", "at least 1", bucket_bytes);
    expect(prefix_every > 0, "distribute: prefix_every", "at least 1", prefix_every);
    expect(suffix_every > 0, "distribute: suffix_every", "at least 1", suffix_every);
  }
  constexpr bool operator==(const rank_options&) const = default;
};

namespace detail {

/// The ranks of a run without their type, so that layers do not depend on it. sum() and gather() are for values of the
/// host; sum_array(), begin_sum(), done() and progress() for arrays in the backend's memory.
class exchange {
 public:
  exchange() = default;
  exchange(const exchange&) = delete;
  exchange& operator=(const exchange&) = delete;
  virtual ~exchange() = default;
  [[nodiscard]] virtual std::size_t rank() const = 0;
  [[nodiscard]] virtual std::size_t size() const = 0;
  [[nodiscard]] virtual std::string host() const = 0;
  virtual void sum(std::span<double> values) const = 0;
  virtual void sum_array(std::span<float> values) const = 0;
  virtual void sum_array(std::span<double> values) const = 0;
  [[nodiscard]] virtual std::size_t begin_sum(std::span<float> values) const = 0;
  [[nodiscard]] virtual std::size_t begin_sum(std::span<double> values) const = 0;
  [[nodiscard]] virtual bool done(std::size_t number) const = 0;
  virtual void progress() const = 0;
  [[nodiscard]] virtual std::vector<std::string> gather(const std::string& own) const = 0;
  virtual void begin_step(std::size_t epoch, std::size_t step) const = 0;
};

/// The communicator is held by reference and must outlive this object. `Arrays` adds up arrays of the backend.
template <communicator Ranks, rank_sums Arrays = const Ranks&>
class exchange_over final : public exchange {
 public:
  explicit exchange_over(const Ranks& ranks) : ranks_(ranks), arrays_(ranks) {}
  exchange_over(const Ranks& ranks, Arrays arrays) : ranks_(ranks), arrays_(std::move(arrays)) {}
  [[nodiscard]] std::size_t rank() const override { return ranks_.rank(); }
  [[nodiscard]] std::size_t size() const override { return ranks_.size(); }
  [[nodiscard]] std::string host() const override { return ranks_.host(); }
  void sum(std::span<double> values) const override { ranks_.sum(values); }
  void sum_array(std::span<float> values) const override { arrays_.sum(values); }
  void sum_array(std::span<double> values) const override { arrays_.sum(values); }
  [[nodiscard]] std::size_t begin_sum(std::span<float> values) const override { return arrays_.begin_sum(values); }
  [[nodiscard]] std::size_t begin_sum(std::span<double> values) const override { return arrays_.begin_sum(values); }
  [[nodiscard]] bool done(std::size_t number) const override { return arrays_.done(number); }
  void progress() const override { arrays_.progress(); }
  [[nodiscard]] std::vector<std::string> gather(const std::string& own) const override { return ranks_.gather(own); }
  void begin_step(std::size_t epoch, std::size_t step) const override {
    if constexpr (requires { ranks_.begin_step(epoch, step); }) ranks_.begin_step(epoch, step);
  }

 private:
  const Ranks& ranks_;
  Arrays arrays_;
};

template <communicator Ranks, class Backend>
[[nodiscard, gnu::cold]] std::unique_ptr<exchange> make_exchange(const Ranks& ranks, const Backend& backend) {
  static_assert(array_communicator<Ranks, Backend>,
                "localis: distribute: this communicator adds arrays up in the memory of the host, where those of this "
                "backend are not. On a GPU, use nccl::communicator (localis/nccl/communicator.hpp)");
  if constexpr (Backend::memory::host_accessible) {
    return std::make_unique<exchange_over<Ranks>>(ranks);
  } else if constexpr (array_communicator<Ranks, Backend>) {
    using arrays = decltype(ranks.backend_sums(backend));
    return std::make_unique<exchange_over<Ranks, arrays>>(ranks, ranks.backend_sums(backend));
  }
}

}  // namespace detail

/// The batch of all ranks in one step, of which each rank computes a part. Layers see it in operands::whole, which is
/// null if there is one rank.
struct whole_batch {
  const detail::exchange* ranks = nullptr;
  std::size_t first = 0;         ///< place of this rank's first sample
  std::size_t samples = 0;       ///< of all ranks
  std::size_t labelled = 0;      ///< of those, the samples that are not data::unlabelled
  std::size_t own_labelled = 0;  ///< of this rank's samples, those that are not data::unlabelled
  batch_statistics statistics = batch_statistics::all;
};

namespace detail {

/// Puts the parts of all ranks together. Every rank has the same `samples` and `labelled` then; `first` follows from
/// the ranks before.
[[nodiscard, gnu::cold]] inline whole_batch join_parts(const exchange& ranks, std::size_t samples,
                                                       std::size_t labelled) {
  std::vector<double> parts(ranks.size() + 1);
  parts[ranks.rank()] = static_cast<double>(samples);
  parts.back() = static_cast<double>(labelled);
  ranks.sum(std::span<double>(parts));
  const auto own = parts.begin() + static_cast<std::ptrdiff_t>(ranks.rank());
  return {&ranks, static_cast<std::size_t>(std::accumulate(parts.begin(), own, 0.0)),
          static_cast<std::size_t>(std::accumulate(parts.begin(), parts.end() - 1, 0.0)),
          static_cast<std::size_t>(parts.back()), labelled};
}

/// Adds the arrays of all ranks, which lie in the backend's memory, up in place; does nothing if there is one rank.
template <class T>
void sum_over_ranks(const whole_batch* whole, T* values, std::size_t count) {
  if (whole != nullptr) whole->ranks->sum_array(std::span<T>(values, count));
}

/// The first text of all ranks that is not empty; empty if all are.
[[nodiscard, gnu::cold]] inline std::string first_text(const exchange& ranks, const std::string& own) {
  for (const std::string& found : ranks.gather(own)) {
    if (!found.empty()) return found;
  }
  return {};
}

/// The text of the first rank, on all: in pieces, because a message may not be of any length.
[[nodiscard, gnu::cold]] inline std::string text_of_first(const exchange& ranks, const std::string& own) {
  constexpr std::size_t longest = std::size_t{1} << 28;
  std::string result;
  for (std::size_t piece = longest; piece == longest;) {
    const std::string next = ranks.rank() == 0 ? own.substr(result.size(), longest) : std::string();
    const std::string first = ranks.gather(next)[0];
    result += first;
    piece = first.size();
  }
  return result;
}

/// Gives the text that work() returns on the first rank to all; it does not run on the others. If it throws, all ranks
/// throw: the first what work() has thrown, the others an Error with its message.
template <class Error, class Work>
[[gnu::cold]] std::string run_on_first(const exchange& ranks, const Work& work) {
  std::string result;
  std::string message;
  std::exception_ptr own;
  if (ranks.rank() == 0) {
    try {
      result = work();
    } catch (const std::exception& failure) {
      message = failure.what();
      own = std::current_exception();
    }
  }
  message = first_text(ranks, message);
  if (own != nullptr) std::rethrow_exception(own);
  if (!message.empty()) throw Error(message);
  return text_of_first(ranks, result);
}

/// Whether a condition holds on some rank; that of this rank if there are no others, and then `ranks` is null.
[[nodiscard]] inline bool on_any_rank(const exchange* ranks, bool own) {
  if (ranks == nullptr) return own;
  double count = own ? 1 : 0;
  ranks->sum(std::span<double>(&count, 1));
  return count > 0;
}

}  // namespace detail

}  // namespace localis
