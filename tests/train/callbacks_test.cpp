#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <localis/core/error.hpp>
#include <localis/data/loader.hpp>
#include <localis/train/callbacks.hpp>

namespace lo = localis;

TEST_CASE("callbacks: those of a kind are called in order, and an empty one removes them") {
  lo::detail::callback_list<const std::string&> list;
  std::string order;
  CHECK(list.empty());
  list.add([&](const std::string& name) { order += name + "1 "; });
  list.add([&](const std::string& name) { order += name + "2 "; });
  CHECK_FALSE(list.empty());
  list(std::string("a"));
  CHECK(order == "a1 a2 ");
  list.add({});
  CHECK(list.empty());
  list(std::string("b"));
  CHECK(order == "a1 a2 ");
}

TEST_CASE("callbacks: one that adds another while it runs stays where it is") {
  lo::detail::callback_list<int> list;
  std::string order;
  const std::string mine = "a capture that does not fit into a small function object";
  list.add([&list, &order, mine](int round) {
    for (int i = 0; round == 1 && i < 100; ++i) {
      list.add([&order](int) { order += '.'; });
    }
    order += mine.substr(0, 1);
  });
  list(1);
  CHECK(order == "a" + std::string(100, '.'));
  order.clear();
  list(2);
  CHECK(order == "a" + std::string(100, '.'));
}

TEST_CASE("callbacks: a pause is due after every so many steps, and not at the end of an epoch") {
  lo::detail::pause_callbacks pauses;
  std::string order;
  CHECK_FALSE(pauses.any_due(2, 7));
  pauses.add(2, [&] { order += '2'; });
  pauses.add(3, [&] { order += '3'; });
  pauses.add(0, [&] { order += '0'; });
  std::string due;
  for (std::size_t done = 1; done <= 6; ++done) {
    due += pauses.any_due(done, 6) ? '1' : '0';
    pauses.call_due(done, 6);
  }
  CHECK(due == "011100");
  CHECK(order == "232");
  order.clear();
  pauses.call_all();
  CHECK(order == "230");
  pauses.add(5, {});
  pauses.call_all();
  CHECK(order == "230");
}

TEST_CASE("callbacks: modulators get factors of 1, and what the ones before left") {
  lo::detail::modulators<float> modulators;
  const std::array<std::uint32_t, 3> indices{4, 7, 9};
  lo::data::batch_view<float> batch;
  batch.size = 3;
  batch.indices = indices;
  CHECK(modulators.factors(batch).empty());
  modulators.add([](const lo::data::batch_view<float>&, std::span<double> factors) { factors[1] *= 3; });
  modulators.add([](const lo::data::batch_view<float>&, std::span<double> factors) { factors[1] += 1; });
  for (int round = 0; round < 2; ++round) {
    const std::span<const double> factors = modulators.factors(batch);
    CHECK(std::vector<double>(factors.begin(), factors.end()) == std::vector<double>{1, 4, 1});
  }
  modulators.add([](const lo::data::batch_view<float>&, std::span<double> factors) {
    factors[2] = std::numeric_limits<double>::infinity();
  });
  std::string message;
  try {
    (void)modulators.factors(batch);
  } catch (const lo::config_error& failure) {
    message = failure.what();
  }
  CHECK(message == "trainer: modulator of sample 9 of the data: expected a finite number, found inf");
}
