#pragma once

#include <cstddef>
#include <string>

#include <localis/core/communicator.hpp>
#include <localis/core/error.hpp>

#ifdef LOCALIS_EXAMPLES_MPI
#include <type_traits>

#include <localis/mpi/communicator.hpp>
#endif

/// The ranks of an example, and what they do together. In a build with LOCALIS_EXAMPLES_MPI, they are the processes
/// that mpirun starts; else there is one.
namespace examples {

#ifdef LOCALIS_EXAMPLES_MPI

namespace detail {
inline const localis::mpi::communicator* own_ranks = nullptr;
}

/// The ranks of this program, while run_on_ranks() performs its work.
[[nodiscard]] inline const localis::mpi::communicator& ranks() { return *detail::own_ranks; }

/// The threads of a rank: as many as were chosen or, for 0, its share of the processors.
[[nodiscard]] inline std::size_t thread_count(std::size_t chosen) { return chosen > 0 ? chosen : ranks().threads(); }

/// Lets a trainer train on all ranks. Errors: config_error if there are several and the backend keeps its arrays on a
/// device.
template <class Trainer>
void distribute(Trainer& trainer, const localis::rank_options& options = {}) {
  using model = std::remove_cvref_t<decltype(trainer.model())>;
  if constexpr (model::backend_type::memory::host_accessible) {
    trainer.distribute(ranks(), options);
  } else {
    localis::expect(ranks().size() == 1, "ranks", "one on this backend", ranks().size());
  }
}

#else

namespace detail {
inline constexpr localis::alone one_rank{};
}

[[nodiscard]] inline const localis::alone& ranks() { return detail::one_rank; }
[[nodiscard]] inline std::size_t thread_count(std::size_t chosen) { return chosen; }
template <class Trainer>
void distribute(Trainer&, const localis::rank_options& = {}) {}

#endif

/// Gives the text that work() returns on the first rank to all; it does not run on the others. If it throws, all ranks
/// throw an error with its message.
template <class Work>
[[nodiscard]] std::string text_of_first(const Work& work) {
  if (ranks().size() == 1) return work();
  return localis::detail::run_on_first<localis::error>(localis::detail::exchange_over(ranks()), work);
}
/// Performs work() on the first rank alone. If it throws, all ranks throw.
template <class Work>
void run_on_first(const Work& work) {
  (void)text_of_first([&] {
    work();
    return std::string();
  });
}
/// The first text of all ranks that is not empty.
[[nodiscard]] inline std::string first_text(const std::string& own) {
  return localis::detail::first_text(localis::detail::exchange_over(ranks()), own);
}
/// Whether a condition holds on some rank.
[[nodiscard]] inline bool on_any_rank(bool own) {
  const localis::detail::exchange_over exchange(ranks());
  return localis::detail::on_any_rank(&exchange, own);
}

}  // namespace examples
