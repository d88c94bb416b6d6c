#include <cstddef>
#include <string>

#include <doctest/doctest.h>

#include <localis/train/events.hpp>

namespace lo = localis;

TEST_CASE("step_event: its number counts from the start of the run, and its members come in order") {
  lo::step_event event{};
  event.epoch = 3;
  event.steps = 10;
  event.step = 4;
  CHECK(event.number() == 34);
  std::string names;
  std::size_t filled = 0;
  lo::visit_members(event, [&](const char* name, auto& member) {
    names += name;
    names += ' ';
    filled += member != 0 ? 1U : 0U;
  });
  CHECK(names == "epoch epochs step steps boundary loss learning_rate gain seconds samples ");
  CHECK(filled == 3);
}
