#include <cstddef>

#include <doctest/doctest.h>

#include <localis/backend/cpu/backend.hpp>
#include <localis/backend/reference/backend.hpp>
#include <localis/layer/batch_norm.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/pool.hpp>
#include <localis/layer/relu.hpp>
#include <localis/layer/residual.hpp>
#include <localis/model/fusion.hpp>
#include <localis/rule/oja.hpp>

namespace lo = localis;

namespace {

using net = lo::network<lo::image<8, 8, 3>, lo::conv2d<4, 3, lo::padding<1>, lo::rule::oja>, lo::batch_norm, lo::relu,
                        lo::max_pool2d<2>, lo::conv2d<4, 3, lo::rule::oja>, lo::relu, lo::dense<3>>;
template <class Backend>
using facts = lo::detail::fusion_facts<net, Backend>;
using reference = facts<lo::reference::backend<double>>;
using cpu = facts<lo::cpu::backend<float>>;

}  // namespace

TEST_CASE("fusion: where stages end") {
  constexpr std::size_t ends[] = {3, 5, 6};
  for (std::size_t i = 0; i < net::size; ++i) {
    CAPTURE(i);
    CHECK(reference::ends_stage(i) == (i == ends[0] || i == ends[1] || i == ends[2]));
  }
  for (std::size_t stage = 0; stage < net::stages; ++stage) {
    CHECK(&reference::last_of_stage(stage) == &net::program.operations[ends[stage]]);
  }
}

TEST_CASE("fusion: an activation runs in every pass of the normalization before it") {
  CHECK(reference::last_fused_by(0) == 0);  // a normalization stands between
  CHECK(reference::last_fused_by(1) == 2);
  CHECK(reference::last_fused_by(3) == 3);
  CHECK(reference::last_fused_by(4) == 4);  // a convolution takes no activation into its backward pass
  CHECK(reference::last_fused_by(6) == 6);
}

TEST_CASE("fusion: normalization, activation and pooling run in a convolution's pass where nothing is saved") {
  CHECK(reference::last_in_epilogue(0) == 2);  // this backend pools in no pass
  CHECK(reference::pooled_side(0) == 1);
  const bool pools = lo::cpu::backend<float>::pools(net::program.operations[0].map());
  CHECK(cpu::last_in_epilogue(0) == (pools ? 3 : 2));
  CHECK(cpu::pooled_side(0) == (pools ? 2 : 1));
  CHECK(cpu::last_in_epilogue(4) == 4);  // no normalization behind it
  CHECK(cpu::last_in_epilogue(1) == 1);  // not a trainable operation
}

TEST_CASE("fusion: a pooling runs in the training pass of the normalization before it if its windows tile the image") {
  using pooled = lo::network<lo::image<8, 6, 3>, lo::conv2d<4, 3, lo::padding<1>>, lo::batch_norm, lo::relu,
                             lo::max_pool2d<2>, lo::conv2d<4, 3, lo::padding<1>>, lo::batch_norm, lo::max_pool2d<2>,
                             lo::batch_norm, lo::max_pool2d<1>, lo::dense<3>>;  // 4 x 3, of which a column is dropped
  using pooled_facts = lo::detail::fusion_facts<pooled, lo::reference::backend<double>>;
  for (std::size_t i = 0; i < pooled::size; ++i) {
    CAPTURE(i);
    CHECK(pooled_facts::pooling_after(i) == (i == 1 ? 3 : pooled::size));
    CHECK(pooled_facts::normalization_pooled_by(i) == (i == 3 ? 1 : pooled::size));
  }
}

TEST_CASE("fusion: the sum of a block runs in the pass of the normalization right before it") {
  using blocks =
      lo::network<lo::image<8, 8, 4>, lo::residual<lo::conv2d<4, 3, lo::padding<1>>, lo::batch_norm>,
                  lo::relu,  // 0 to 5: save_skip, conv2d, batch_norm, shortcut, add, relu
                  lo::residual<lo::shortcut<lo::conv2d<6, 1>, lo::batch_norm>, lo::conv2d<6, 1>, lo::batch_norm>,
                  lo::residual<lo::conv2d<6, 1>, lo::batch_norm, lo::relu>, lo::dense<3>>;
  using block_facts = lo::detail::fusion_facts<blocks, lo::reference::backend<double>>;
  for (std::size_t i = 0; i < blocks::size; ++i) {
    CAPTURE(i);
    // 6 to 12: save_skip, conv2d, batch_norm, shortcut, conv2d, batch_norm, add; the third block ends in an activation.
    CHECK(block_facts::sum_after(i) == (i == 2 ? 4 : i == 11 ? 12 : blocks::size));
    CHECK(block_facts::normalization_before(i) == (i == 4 ? 2 : i == 12 ? 11 : blocks::size));
  }
}
