#include <cstddef>
#include <vector>

#include "backend.hpp"
#include <doctest/doctest.h>

#include <localis/core/memory.hpp>

namespace lo = localis;
using localis_test::gpu;

namespace {

struct copy_each {
  const float* from;
  float* to;
  constexpr void operator()(std::size_t i) const { to[i] = from[i]; }
};
struct double_each {
  float* values;
  constexpr void operator()(std::size_t i) const { values[i] *= 2; }
};

}  // namespace

TEST_CASE("cuda: a trace tells which bytes a kernel reads, and which it writes") {
  if (!standin::page_trace::available) {
    MESSAGE("left out: on this processor a fault does not tell whether it was a write");
    return;
  }
  standin::reset(standin::mode::traced, std::size_t{64} << 20);
  {
    constexpr std::size_t page = standin::page_trace::page;
    constexpr std::size_t size = std::size_t{3} << 20;
    constexpr std::size_t bytes = size * sizeof(float);
    const gpu<float> backend;
    const auto a = backend.allocate<float>(lo::memory_kind::arena, size);
    const auto b = backend.allocate<float>(lo::memory_kind::arena, size);
    const auto near = [](std::size_t found, std::size_t expected) {
      return found >= expected && found <= expected + 2 * page;
    };
    const std::vector<standin::work> found = standin::trace([&] {
      backend.system().launch(size, copy_each{a.data(), b.data()});
      backend.system().launch(size / 2, double_each{b.data()});
      backend.copy(a.data(), size, b.data());
      backend.subtract_product(
          {.rows = 256, .inner = 1024, .columns = 64, .a = a.data(), .b = b.data(), .c = b.data() + size / 2});
    });
    REQUIRE(found.size() == 4);
    using kind = standin::work::kind;
    CHECK(found[0].is == kind::launch);
    CHECK(found[0].blocks == size / 512);
    CHECK(near(found[0].bytes.read, bytes));
    CHECK(near(found[0].bytes.written, bytes));
    CHECK(near(found[1].bytes.read, bytes / 2));
    CHECK(near(found[1].bytes.written, bytes / 2));
    CHECK(found[2].is == kind::copy);
    CHECK(near(found[2].bytes.read, bytes));
    CHECK(near(found[2].bytes.written, bytes));
    CHECK(found[3].is == kind::product);
    CHECK(found[3].multiply_adds == 256 * 1024 * 64);
    CHECK(near(found[3].bytes.read, 4 * (256 * 1024 + 1024 * 64 + 256 * 64)));
    CHECK(near(found[3].bytes.written, 4 * 256 * 64));
  }
  CHECK(standin::alive() == 0);
}
