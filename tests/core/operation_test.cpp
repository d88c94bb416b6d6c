#include <initializer_list>

#include <doctest/doctest.h>

#include <localis/core/operation.hpp>

namespace lo = localis;
using kind = lo::operation_kind;

TEST_CASE("operation: junctions pass on their input or join branches, and linear ones are trainable") {
  const auto made = [](kind which) {
    lo::operation op;
    op.kind = which;
    return op;
  };
  for (const kind which : {kind::save_skip, kind::shortcut, kind::open_block, kind::close_block}) {
    CHECK(made(which).passes_on());
    CHECK(!made(which).joins());
    CHECK(made(which).starts_branch() == (which == kind::save_skip || which == kind::shortcut));
  }
  for (const kind which : {kind::add, kind::multiply, kind::concatenate}) CHECK(made(which).joins());
  for (const kind which : {kind::linear, kind::normalization, kind::activation, kind::pooling, kind::dropout, kind::add,
                           kind::multiply, kind::concatenate}) {
    CHECK(!made(which).passes_on());
    CHECK(!made(which).starts_branch());
    CHECK(made(which).trainable() == (which == kind::linear));
  }
}

TEST_CASE("operation: its map has the shapes, the window and the groups") {
  lo::operation op;
  op.in = {6, 5, 4};
  op.out = {4, 3, 8};
  op.field = {3, 3, 1, 0};
  op.groups = 2;
  CHECK(op.map().rows(7) == 7 * 12);
  CHECK(op.map().inputs() == 18);
  CHECK(op.map().outputs() == 8);
}

TEST_CASE("parameter: rows x columns values; stateless: no scratch, nothing saved") {
  const lo::parameter<double> p{"weight", 3, 5, nullptr, lo::parameter_role::trainable};
  CHECK(p.size() == 15);
  CHECK(lo::stateless::saved({}) == 0);
  CHECK(lo::stateless::scratch_bytes(0, {}, 100, lo::phase::train) == 0);
}
