#pragma once

#include "lab/report/run_program.hpp"
#include "ranks.hpp"

#ifdef LOCALIS_EXAMPLES_MPI
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <iostream>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <localis/mpi/communicator.hpp>
#include <localis/mpi/session.hpp>
#endif

namespace examples {

#ifdef LOCALIS_EXAMPLES_MPI

namespace detail {

/// How a program ended on all ranks: the first message, and the largest status. A rank that fails waits for the others,
/// since most errors are those of all; if they go on, it tells its message and ends them.
[[nodiscard]] inline outcome agree(const localis::mpi::communicator& ends, const char* name, const outcome& own) {
  const bool failed = !own.message.empty();
  double arrived = 1;
  const std::size_t all_arrived = ends.begin_sum(std::span<double>(&arrived, 1));
  const auto begun = std::chrono::steady_clock::now();
  while (!ends.done(all_arrived)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (!failed || std::chrono::steady_clock::now() - begun < std::chrono::seconds(5)) continue;
    localis::mpi::session::abort(tell(name, own));
  }
  outcome result;
  for (const std::string& message : ends.gather(own.message)) {
    if (result.message.empty()) result.message = message;
  }
  std::vector<double> statuses(ends.size());
  statuses[ends.rank()] = own.status;
  ends.sum(std::span<double>(statuses));
  result.status = static_cast<int>(*std::max_element(statuses.begin(), statuses.end()));
  return result;
}

}  // namespace detail

/// Does what run_program() does, once for all ranks: the first one prints, an error of all is reported once, and all
/// return the same status. A rank that fails alone ends the others.
template <class Work>
[[nodiscard]] int run_on_ranks(const char* name, const char* what, const Work& work) {
  return run_program(name, what, [&](CLI::App& app) {
    int argc = 0;
    char** argv = nullptr;
    const localis::mpi::session mpi{
        argc, argv, {.on_stall = [](const std::string& message) { std::cerr << message << std::endl; }}};
    const localis::mpi::communicator all{mpi};
    const localis::mpi::communicator ends{mpi};  // where a rank that fails can ask while others are within a step
    detail::own_ranks = &all;
    if (!all.first()) (void)std::freopen("/dev/null", "w", stdout);
    const outcome end = detail::agree(ends, name, outcome_of(app, work));
    return all.first() ? tell(name, end) : end.status;
  });
}

#else

template <class Work>
[[nodiscard]] int run_on_ranks(const char* name, const char* what, const Work& work) {
  return run_program(name, what, work);
}

#endif

}  // namespace examples
