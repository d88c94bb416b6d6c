// What tests/cuda/compile.sh looks at: every kernel that steps with the policies that are shipped launch, each in an
// entry whose name says into how many arrays it stores.

#include <array>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <type_traits>
#include <utility>

#include "../backend/cuda/backend.hpp"
#include "support/policies.hpp"
#include <doctest/doctest.h>

namespace localis_test {

// The arrays that a function object stores into: its pointers to what is not const, and those of its parts.

struct any_part {
  template <class T>
  operator T() const;
};
template <class F, std::size_t... I>
constexpr bool takes_parts(std::index_sequence<I...>) {
  return requires { F{((void)I, any_part{})...}; };
}
constexpr std::size_t most_parts = 13;
template <class F, std::size_t N = most_parts>
constexpr std::size_t count_parts() {
  static_assert(!takes_parts<F>(std::make_index_sequence<most_parts + 1>{}), "parts_of takes fewer parts");
  if constexpr (N == 0 || takes_parts<F>(std::make_index_sequence<N>{})) {
    return N;
  } else {
    return count_parts<F, N - 1>();
  }
}
#define PARTS(number, ...)          \
  if constexpr (count == number) {  \
    const auto& [__VA_ARGS__] = f;  \
    return std::tuple(__VA_ARGS__); \
  }
template <class F>
constexpr auto parts_of(const F& f) {
  constexpr std::size_t count = count_parts<F>();
  PARTS(1, a)
  PARTS(2, a, b)
  PARTS(3, a, b, c)
  PARTS(4, a, b, c, d)
  PARTS(5, a, b, c, d, e)
  PARTS(6, a, b, c, d, e, g)
  PARTS(7, a, b, c, d, e, g, h)
  PARTS(8, a, b, c, d, e, g, h, i)
  PARTS(9, a, b, c, d, e, g, h, i, j)
  PARTS(10, a, b, c, d, e, g, h, i, j, k)
  PARTS(11, a, b, c, d, e, g, h, i, j, k, l)
  PARTS(12, a, b, c, d, e, g, h, i, j, k, l, m)
  PARTS(13, a, b, c, d, e, g, h, i, j, k, l, m, n)
}
#undef PARTS

template <class F>
constexpr int count_arrays();
template <class F>
inline constexpr int arrays_of = count_arrays<F>();
template <class T>
inline constexpr int arrays_of<T*> = std::is_const_v<T> || std::is_empty_v<T> ? 0 : 1;
template <class T, std::size_t N>
inline constexpr int arrays_of<std::array<T, N>> = static_cast<int>(N) * arrays_of<T>;
template <class... Parts>
inline constexpr int arrays_of<std::tuple<Parts...>> = (0 + ... + arrays_of<Parts>);
template <class F>
constexpr int count_arrays() {
  if constexpr (std::is_class_v<F> && std::is_aggregate_v<F> && !std::is_empty_v<F>) {
    return arrays_of<decltype(parts_of(std::declval<F>()))>;
  } else {
    return 0;
  }
}

// The state is stored only by a call of the step that may change it.
template <class Step, class T>
inline constexpr int states_of =
    std::is_invocable_v<const Step&, T, T, const std::array<T, Step::state_arrays>&, T> ? 0 : Step::state_arrays;
template <class T, class Direction, class Step, class Constraint>
inline constexpr int arrays_of<localis::kernel::apply_update<T, Direction, Step, Constraint>> =
    2 + states_of<Step, T>;  // weights and statistics
template <class Step, class T>
concept measures_const = requires(const Step& step, const std::array<T, Step::state_arrays>& state) {
  step.measure(T(1), T(1), state);
};
template <class T, class Direction, class Step>
inline constexpr int arrays_of<localis::kernel::measure_array<T, Direction, Step>> =
    1 + (measures_const<Step, T> ? 0 : Step::state_arrays);  // the factor
/// Has a constructor.
template <class T>
inline constexpr int arrays_of<localis::kernel::group_statistics<T>> = 2;

// What is added to the sums that a function object is given.
template <class F>
inline constexpr int sums_of = 1;
template <class T, class Local>
inline constexpr int sums_of<localis::kernel::gate_sums<T, localis::kernel::gate<T, Local>>> =
    localis::rule::has_forget<typename Local::rule_type> || localis::kernel::unit_sums<Local>::count > 1 ? 1 : 0;
/// The backend passes them on.
template <class T, class Epilogue>
inline constexpr int arrays_of<localis::kernel::epilogue_rows<T, Epilogue>> = Epilogue::trains ? 0 : 1;

// What is stored when sums are finished, besides what arrays_of counts.
template <class F>
inline constexpr int more_at_end = 0;
template <class T, class Function, class End>
inline constexpr int more_at_end<localis::kernel::epilogue_rows<T, localis::kernel::epilogue<T, Function, End>>> =
    arrays_of<End>;
template <class T, class Function, class End, class Gate>
inline constexpr int
    more_at_end<localis::kernel::epilogue_and_gate_sums<T, localis::kernel::epilogue<T, Function, End>, Gate>> =
        1 + arrays_of<End>;  // the moments

// Where chunks are summed up, one kernel takes the sums, and another adds and finishes them.
template <class F>
struct sums_and_end {
  static constexpr int sums = arrays_of<F>;
  static constexpr int end = 0;
};
template <class Sums, class End>
struct sums_and_end<localis::kernel::followed_by<Sums, End>> {
  static constexpr int sums = arrays_of<Sums>;
  static constexpr int end = arrays_of<End>;
};
template <class Sums, class End>
inline constexpr int sums_of<localis::kernel::followed_by<Sums, End>> = sums_of<Sums>;
template <class T, class F>
inline constexpr int arrays_of<localis::kernel::sum_chunk<T, F>> = 2 + sums_and_end<F>::sums;
template <class T, class F>
inline constexpr int arrays_of<localis::kernel::add_chunks<T, F>> = 1 + sums_and_end<F>::end;

template <int Arrays, class F>
__global__ void stores(F f) {
  f(blockIdx.x);
}
using localis::cuda::detail::threads_of_block;
template <int Arrays, class F>
__global__ void team_stores(F f, unsigned lanes) {
  f(blockIdx.x, threads_of_block(lanes));
}
template <int Arrays, class F, class T>
__global__ void adds(F f, T* sums) {
  const std::size_t column = blockIdx.y;
  f(blockIdx.x, column, column + 1, sums);
  localis::kernel::finish_columns(f, column, column + 1);
}

/// A kernel as the backend cuts it. In a loop over rows, what stores zeros before it is still there where its call is
/// dropped: sums have an entry of their own, too.
template <class F>
void launch_by_name(const F& f) {
  stores<arrays_of<F>><<<1, 1>>>(f);
}
template <class T, class F>
void launch_by_name(const localis::kernel::cut_elements<localis::kernel::sum_chunk<T, F>>& f) {
  stores<arrays_of<std::remove_cvref_t<decltype(f)>>><<<1, 1>>>(f);
  adds<sums_of<F> + arrays_of<F> + more_at_end<F>><<<1, 1>>>(f.kernel.kernel, f.kernel.parts);
}
/// A reduction: one thread makes a call, or a team, stores what it returns, and finishes.
template <int Arrays, class F>
__global__ void reduces(F f, double* numbers, unsigned lanes) {
  const auto returned = [&] {
    if constexpr (localis::kernel::takes_teams<F>) {
      return f(blockIdx.x, threads_of_block(lanes));
    } else {
      return f(blockIdx.x);
    }
  }();
  for (std::size_t k = 0; k < returned.size(); ++k) numbers[k] = returned[k];
  f.finish(returned);
}
template <class F>
void launch_blocks_by_name(const localis::kernel::reduction_blocks<F>& blocks) {
  reduces<1 + arrays_of<F>><<<1, 1>>>(blocks.kernel, nullptr, blocks.call_threads);
}
template <class T, class F>
void launch_blocks_by_name(const localis::kernel::column_blocks<T, F>& blocks) {
  adds<sums_of<F> + arrays_of<F> + more_at_end<F>><<<1, 1>>>(blocks.kernel, blocks.sums);
}
struct by_name {
  template <class F>
  void operator()(cudaStream_t, std::size_t, const F& f) const {
    launch_by_name(f);
  }
  template <class F>
  void run_teams(cudaStream_t, std::size_t, std::uint32_t lanes, const F& f) const {
    team_stores<arrays_of<F>><<<1, 1>>>(f, lanes);
  }
  template <class Reductions>
  void run_blocks(cudaStream_t, std::size_t, const Reductions& reductions) const {
    launch_blocks_by_name(reductions.of_block(0));
  }
};
template <class T>
using compiled = localis::device::backend<T, localis::cuda::system<by_name>>;

TEST_CASE("every policy that is shipped") {
  check_every_policy([] { return compiled<double>(); });
  check_every_policy([] { return compiled<float>(); });
}
TEST_CASE("every layer, and every activation function alone and behind what it is fused into") {
  constexpr auto batch_mean = lo::prefix_normalization::batch;
  (void)trace<chain>(0, batch_mean, compiled<float>());
  (void)trace<grouped>(0, batch_mean, compiled<float>());
  (void)trace<normalized>(0, batch_mean, compiled<float>());
  for_each_type(activation_functions{}, []<class Function>(std::type_identity<Function>) {
    (void)trace<blocks<lo::activation<Function>>>(0, batch_mean, compiled<float>());
    (void)trace<pooled<lo::activation<Function>>>(0, batch_mean, compiled<float>());
  });
}

}  // namespace localis_test
