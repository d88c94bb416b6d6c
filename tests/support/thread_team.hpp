#pragma once

#include <barrier>
#include <cstddef>
#include <thread>
#include <vector>

namespace localis_test {

/// A lane of a team (localis/math/team.hpp) whose lanes are threads of the host: what lanes do together is tested where
/// there is no GPU.
class thread_team {
 public:
  struct meeting {
    explicit meeting(std::size_t lanes) : all(static_cast<std::ptrdiff_t>(lanes)), values(lanes) {}
    std::barrier<> all;
    std::vector<double> values;  ///< one of each lane, which no type of a row is too wide for
  };

  thread_team(meeting& place, std::size_t lane) : place_(place), lane_(lane) {}

  [[nodiscard]] std::size_t lane() const { return lane_; }
  [[nodiscard]] std::size_t lanes() const { return place_.values.size(); }
  template <class T>
  T sum(T x) const {
    return reduce(x, [](T a, T b) { return static_cast<T>(a + b); });
  }
  template <class T>
  T largest(T x) const {
    return reduce(x, [](T a, T b) { return b > a ? b : a; });
  }
  template <class T>
  T smallest(T x) const {
    return reduce(x, [](T a, T b) { return b < a ? b : a; });
  }
  void sync() const { place_.all.arrive_and_wait(); }

 private:
  template <class T, class Combine>
  T reduce(T x, const Combine& combine) const {
    place_.values[lane_] = static_cast<double>(x);
    sync();
    T all = static_cast<T>(place_.values[0]);
    for (std::size_t k = 1; k < lanes(); ++k) all = combine(all, static_cast<T>(place_.values[k]));
    sync();
    return all;
  }

  meeting& place_;
  std::size_t lane_;
};

/// f(team) on each lane of a team, at once.
template <class F>
void run_team(std::size_t lanes, const F& f) {
  thread_team::meeting place(lanes);
  std::vector<std::thread> threads;
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    threads.emplace_back([&, lane] { f(thread_team(place, lane)); });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace localis_test
