#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <limits>
#include <map>
#include <mutex>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <localis/core/communicator.hpp>
#include <localis/core/error.hpp>
#include <localis/core/wait_for_sum.hpp>

namespace localis_test {

/// Ranks that are threads of one process: what ranks do together is tested without MPI, and under sanitizers.
class thread_ranks {
 public:
  /// Where they meet. A rank that has failed sets the others free.
  class meeting {
   public:
    explicit meeting(std::size_t ranks) : texts(ranks) {}
    [[nodiscard]] std::size_t ranks() const { return texts.size(); }
    void wait() {
      std::unique_lock lock(mutex_);
      const std::size_t round = round_;
      if (++arrived_ == ranks()) {
        arrived_ = 0;
        ++round_;
        all_.notify_all();
        return;
      }
      all_.wait(lock, [&] { return failed_ || round_ != round; });
      if (round_ == round) throw std::runtime_error("another rank has failed");
    }
    void fail() {
      const std::scoped_lock lock(mutex_);
      failed_ = true;
      all_.notify_all();
    }
    /// The values of a rank for the sum of that number.
    void give(std::size_t rank, std::size_t number, std::vector<double> values) {
      const std::scoped_lock lock(mutex_);
      if (sums_.size() <= number) sums_.resize(number + 1, std::vector<std::vector<double>>(ranks()));
      sums_[number][rank] = std::move(values);
      if (arrivals_.size() <= number) arrivals_.resize(number + 1);
      ++arrivals_[number];
    }
    /// The values of all ranks, once all are there; else nothing.
    [[nodiscard]] const std::vector<std::vector<double>>* all_given(std::size_t number) {
      const std::scoped_lock lock(mutex_);
      if (arrivals_[number] == ranks()) {
        const std::vector<std::vector<double>>& given = sums_[number];
        if (std::any_of(given.begin(), given.end(), [&](const auto& v) { return v.size() != given[0].size(); })) {
          throw std::runtime_error("ranks add arrays of different sizes up");
        }
        return &given;
      }
      if (failed_) throw std::runtime_error("another rank has failed");
      return nullptr;
    }

    std::vector<std::string> texts;

   private:
    std::mutex mutex_;
    std::condition_variable all_;
    std::size_t arrived_ = 0;
    std::size_t round_ = 0;
    bool failed_ = false;
    std::deque<std::vector<std::vector<double>>> sums_;  ///< by number and rank; those of earlier numbers stay in place
    std::deque<std::size_t> arrivals_;                   ///< by number
  };

  thread_ranks(meeting& place, std::size_t rank) : place_(place), rank_(rank) {}

  /// The sum that this rank leaves out, by number, as a mistake would; the ranks still meet.
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  std::size_t left_out = none;

  [[nodiscard]] std::size_t rank() const { return rank_; }
  [[nodiscard]] std::size_t size() const { return place_.ranks(); }
  [[nodiscard]] bool first() const { return rank_ == 0; }
  [[nodiscard]] std::string host() const { return std::string(1, static_cast<char>('a' + rank_)); }
  template <class T>
  void sum(std::span<T> values) const {
    localis::detail::wait_for_sum(*this, begin_sum(values));
  }
  /// Until the sum is complete, NaN stands in place of the values: whoever reads them shows.
  template <class T>
  [[nodiscard]] std::size_t begin_sum(std::span<T> values) const {
    const std::size_t number = sums_++;
    values_ += values.size();
    const std::vector<double> own(values.begin(), values.end());
    place_.give(rank_, number, own);
    std::fill(values.begin(), values.end(), std::numeric_limits<T>::quiet_NaN());
    const auto finish = [this, number, values, own](const std::vector<std::vector<double>>& all) {
      for (std::size_t i = 0; i < values.size(); ++i) {
        double total = 0;
        for (const std::vector<double>& other : all) total += other[i];
        if (!(values[i] != values[i])) throw std::runtime_error("values have changed while their sum was under way");
        values[i] = static_cast<T>(number == left_out ? own[i] : total);
      }
    };
    under_way_.emplace(number, pending{finish});
    return number;
  }
  /// False at least once.
  [[nodiscard]] bool done(std::size_t number) const {
    pending& sum = under_way_.at(number);
    const auto* all = place_.all_given(number);
    if (++sum.tests == 1 || all == nullptr) return false;
    const pending complete = sum;
    under_way_.erase(number);
    complete.finish(*all);
    return true;
  }
  void progress() const { ++progress_; }
  [[nodiscard]] std::vector<std::string> gather(const std::string& own) const {
    place_.texts[rank_] = own;
    place_.wait();
    std::vector<std::string> all = place_.texts;
    place_.wait();
    return all;
  }

  /// How many sums this rank has asked for, and of how many values.
  [[nodiscard]] std::size_t sums() const { return sums_; }
  [[nodiscard]] std::size_t summed_values() const { return values_; }
  /// How many of them are not complete, and how often it has let them go on.
  [[nodiscard]] std::size_t under_way() const { return under_way_.size(); }
  [[nodiscard]] std::size_t progress_calls() const { return progress_; }

 private:
  struct pending {
    std::function<void(const std::vector<std::vector<double>>& all)> finish;
    std::size_t tests = 0;
  };

  meeting& place_;
  std::size_t rank_;
  mutable std::size_t sums_ = 0;
  mutable std::size_t values_ = 0;
  mutable std::size_t progress_ = 0;
  mutable std::map<std::size_t, pending> under_way_;  ///< by number
};
static_assert(localis::communicator<thread_ranks>);

/// f(ranks) on each of `count` ranks, at once. Returns what each of them has thrown: a message, or nothing. A sum that
/// nobody has waited for is an error, too.
template <class F>
std::vector<std::string> run_ranks(std::size_t count, const F& f) {
  thread_ranks::meeting place(count);
  std::vector<std::string> messages(count);
  std::vector<std::thread> threads;
  for (std::size_t rank = 0; rank < count; ++rank) {
    threads.emplace_back([&, rank] {
      try {
        thread_ranks ranks(place, rank);
        f(ranks);
        if (ranks.under_way() > 0) {
          messages[rank] = localis::text("sums that nobody waited for: expected 0, found ", ranks.under_way());
        }
      } catch (const std::exception& failure) {
        messages[rank] = failure.what();
        place.fail();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return messages;
}

}  // namespace localis_test
