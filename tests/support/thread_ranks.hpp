#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <localis/core/communicator.hpp>

namespace localis_test {

/// Ranks that are threads of one process: what ranks do together is tested without MPI, and under sanitizers.
class thread_ranks {
 public:
  /// Where they meet. A rank that has failed sets the others free.
  class meeting {
   public:
    explicit meeting(std::size_t ranks) : values(ranks), texts(ranks) {}
    void wait() {
      std::unique_lock lock(mutex_);
      const std::size_t round = round_;
      if (++arrived_ == values.size()) {
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

    std::vector<std::vector<double>> values;  ///< of each rank
    std::vector<std::string> texts;
    std::atomic<bool> counts_differ = false;

   private:
    std::mutex mutex_;
    std::condition_variable all_;
    std::size_t arrived_ = 0;
    std::size_t round_ = 0;
    bool failed_ = false;
  };

  thread_ranks(meeting& place, std::size_t rank) : place_(place), rank_(rank) {}

  /// The call of sum() that this rank leaves out, by number, as a mistake would; the ranks still meet.
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  std::size_t left_out = none;

  [[nodiscard]] std::size_t rank() const { return rank_; }
  [[nodiscard]] std::size_t size() const { return place_.values.size(); }
  [[nodiscard]] bool first() const { return rank_ == 0; }
  [[nodiscard]] std::string host() const { return std::string(1, static_cast<char>('a' + rank_)); }
  template <class T>
  void sum(std::span<T> values) const {
    const std::size_t number = sums_++;
    values_ += values.size();
    place_.values[rank_].assign(values.begin(), values.end());
    place_.wait();
    for (const std::vector<double>& other : place_.values) {
      if (other.size() != values.size()) place_.counts_differ = true;
    }
    if (number != left_out && !place_.counts_differ) {
      for (std::size_t i = 0; i < values.size(); ++i) {
        double all = 0;
        for (const std::vector<double>& other : place_.values) all += other[i];
        values[i] = static_cast<T>(all);
      }
    }
    place_.wait();
    if (place_.counts_differ) throw std::runtime_error("ranks add arrays of different sizes up");
  }
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

 private:
  meeting& place_;
  std::size_t rank_;
  mutable std::size_t sums_ = 0;
  mutable std::size_t values_ = 0;
};
static_assert(localis::communicator<thread_ranks>);

/// f(ranks) on each of `count` ranks, at once. Returns what each of them has thrown: a message, or nothing.
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
