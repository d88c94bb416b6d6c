#include <cmath>
#include <cstddef>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <localis/train/report.hpp>

namespace lo = localis;

TEST_CASE("report: the base boundary of each epoch, in order") {
  lo::report r;
  CHECK(r.boundaries().empty());
  for (const std::size_t boundary : {0U, 2U, 1U}) r.epochs.emplace_back().boundary = boundary;
  CHECK(r.boundaries() == std::vector<std::size_t>{0, 2, 1});
  CHECK(r.end == lo::ending::unfinished);
}

TEST_CASE("report: an epoch without validation says so") {
  const lo::epoch_record record;
  CHECK(std::isnan(record.validation_loss));
  CHECK(std::isnan(record.validation_accuracy));
}

TEST_CASE("report: visit_members shows each member once, under a name of its own") {
  const auto check = [](auto record, std::size_t size) {
    std::set<std::string> names;
    std::set<const void*> members;
    std::size_t calls = 0;
    visit_members(record, [&](const char* name, auto& member) {
      names.insert(name);
      members.insert(&member);
      member = {};
      ++calls;
    });
    CHECK(calls == size);
    CHECK(names.size() == size);
    CHECK(members.size() == size);
  };
  check(lo::epoch_record{}, 21);
  check(lo::memory_use{}, sizeof(lo::memory_use) / sizeof(std::size_t));
  lo::epoch_record record;
  record.clips = 7;
  record.stage_update_norms = {1, 2};
  lo::visit_members(std::as_const(record), [](const std::string& name, const auto& member) {
    if constexpr (requires { member.size(); }) {
      CHECK(member.size() == (name == "stage_update_norms" ? 2 : 0));
    } else {
      CHECK((name == "clips") == (member == 7));
    }
  });
}
