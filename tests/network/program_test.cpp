#include <cstddef>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <localis/layer/batch_norm.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/dropout.hpp>
#include <localis/layer/pool.hpp>
#include <localis/layer/relu.hpp>
#include <localis/layer/residual.hpp>
#include <localis/network/program.hpp>
#include <localis/rule/hebb.hpp>
#include <localis/rule/oja.hpp>

namespace lo = localis;
using lo::rule::oja;

namespace {

using list = std::vector<std::size_t>;

template <class Network>
list stages() {
  list result;
  for (const lo::operation& op : Network::program.operations) result.push_back(op.stage);
  return result;
}
template <class Network>
list inputs() {
  list result;
  for (const lo::operation& op : Network::program.operations) result.push_back(op.input);
  return result;
}
template <class Network>
std::vector<std::string> names() {
  std::vector<std::string> result;
  for (const lo::operation& op : Network::program.operations) result.emplace_back(op.name);
  return result;
}

}  // namespace

TEST_CASE("program: a stage is a trainable layer with what follows, stage 0 also with what comes before") {
  using net = lo::network<lo::image<9, 8, 2>, lo::dropout, lo::batch_norm, lo::conv2d<4, 3, oja>, lo::batch_norm,
                          lo::relu, lo::max_pool2d<2>, lo::conv2d<6, 3, lo::stride<2>, lo::padding<1>, oja>, lo::relu,
                          lo::dense<5, oja>, lo::relu, lo::dropout, lo::dense<3>>;
  CHECK(stages<net>() == list{0, 0, 0, 0, 0, 0, 1, 1, 2, 2, 2, 3});
  CHECK(inputs<net>() == list{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  static_assert(net::size == 12 && net::stages == 4 && net::highest_boundary == 3);
  static_assert(net::program.values == 13);
  const auto& ops = net::program.operations;
  CHECK(ops[2].out == lo::shape{7, 6, 4});
  CHECK(ops[5].out == lo::shape{3, 3, 4});
  CHECK(ops[6].out == lo::shape{2, 2, 6});
  CHECK(ops[8].in == lo::shape{1, 1, 24});
  CHECK(net::output == lo::shape{1, 1, 3});
  CHECK(ops[2].parameters == 4 * 18 + 4);
  CHECK(ops[3].parameters == 8);
  CHECK(ops[8].parameters == 5 * 24 + 5);
}

TEST_CASE("program: options in any order make the same operation") {
  constexpr lo::shape in{8, 8, 3};
  using one = lo::conv2d<4, 3, lo::stride<2>, lo::padding<1>, lo::no_bias, oja>;
  using other = lo::conv2d<4, 3, oja, lo::no_bias, lo::padding<1>, lo::stride<2>>;
  for (const lo::operation& op : {one::describe(in), other::describe(in)}) {
    CHECK(op.out == lo::shape{4, 4, 4});
    CHECK(op.field == lo::window{3, 3, 2, 1});
    CHECK(op.parameters == 4 * 27);
    CHECK_FALSE(op.has_bias);
    CHECK(op.learning == lo::local_learning::unsupervised);
  }
}

TEST_CASE("program: a block is one stage, and an activation behind its sum belongs to it") {
  using identity = lo::residual<lo::conv2d<4, 3, lo::padding<1>, oja>, lo::relu, lo::conv2d<4, 3, lo::padding<1>, oja>>;
  using projection = lo::residual<lo::shortcut<lo::conv2d<8, 1, lo::stride<2>, oja>, lo::batch_norm>,
                                  lo::conv2d<8, 3, lo::stride<2>, lo::padding<1>, oja>>;
  using net = lo::network<lo::image<8, 8, 4>, identity, lo::relu, projection, lo::relu, lo::dense<2>>;
  CHECK(names<net>() == std::vector<std::string>{"save_skip", "conv2d", "relu", "conv2d", "shortcut", "add", "relu",
                                                 "save_skip", "conv2d", "shortcut", "conv2d", "batch_norm", "add",
                                                 "relu", "dense"});
  CHECK(stages<net>() == list{0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 2});
  static_assert(net::stages == 3 && net::highest_boundary == 2);

  // Each operation makes the value of its number + 1. The shortcut branch starts again at the block's input; the sum
  // takes the main branch's last value and the shortcut's.
  CHECK(inputs<net>() == list{0, 1, 2, 3, 0, 4, 6, 7, 8, 7, 10, 11, 9, 13, 14});
  const auto& ops = net::program.operations;
  CHECK(ops[0].skip == 5);
  CHECK(ops[5].skip == 5);
  CHECK(ops[7].skip == 10);  // what the shortcut passes on, before its projection
  CHECK(ops[12].skip == 12);
  CHECK(ops[10].in == lo::shape{8, 8, 4});
  CHECK(ops[10].out == lo::shape{4, 4, 8});
  CHECK(ops[12].out == lo::shape{4, 4, 8});
}

TEST_CASE("program: branches begin at the input of their block, and each is joined to those before it") {
  using three = lo::concatenated<lo::branch<lo::conv2d<3, 1, oja>>, lo::branch<>,
                                 lo::branch<lo::conv2d<4, 3, lo::padding<1>, oja>, lo::relu>>;
  using net = lo::network<lo::image<6, 5, 2>, lo::conv2d<2, 1, oja>, three, lo::dense<2>>;
  CHECK(names<net>() == std::vector<std::string>{"conv2d", "save_skip", "conv2d", "concatenate", "shortcut",
                                                 "concatenate", "shortcut", "conv2d", "relu", "concatenate", "dense"});
  CHECK(stages<net>() == list{0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2});
  CHECK(inputs<net>() == list{0, 1, 2, 3, 1, 5, 1, 7, 8, 9, 10});
  const auto& ops = net::program.operations;
  CHECK(ops[1].skip == 5);  // each beginning knows the next
  CHECK(ops[4].skip == 7);
  CHECK(ops[6].skip == 0);
  CHECK(ops[3].skip == 0);  // each part of the concatenation knows the one before
  CHECK(ops[5].skip == 4);
  CHECK(ops[9].skip == 6);
  CHECK(ops[3].first_channel == 0);
  CHECK(ops[5].first_channel == 3);
  CHECK(ops[9].first_channel == 5);
  CHECK(ops[3].in == lo::shape{6, 5, 3});
  CHECK(ops[5].in == lo::shape{6, 5, 2});
  CHECK(ops[9].in == lo::shape{6, 5, 4});
  for (const std::size_t i : {3U, 5U, 9U}) CHECK(ops[i].out == lo::shape{6, 5, 9});
}

TEST_CASE("program: blocks within each other are one stage, and the inner one's input is the outer's running value") {
  using excited = lo::multiplied<lo::branch<>, lo::branch<lo::global_average_pool, lo::dense<3, oja>>>;
  using outer = lo::residual<lo::conv2d<3, 1, oja>, excited, lo::block<lo::conv2d<3, 1, oja>>>;
  using net = lo::network<lo::image<6, 5, 3>, outer, lo::relu, lo::added<lo::branch<outer>, lo::branch<>, lo::branch<>>,
                          lo::dense<2>>;
  const std::vector<std::string> found = names<net>();
  const std::vector<std::string> block{"save_skip", "conv2d",   "save_skip",  "shortcut", "global_average_pool",
                                       "dense",     "multiply", "open_block", "conv2d",   "close_block",
                                       "shortcut",  "add"};
  CHECK(std::vector<std::string>(found.begin(), found.begin() + 12) == block);
  CHECK(std::vector<std::string>(found.begin() + 14, found.begin() + 26) == block);
  static_assert(net::stages == 3);
  CHECK(stages<net>()[12] == 0);
  CHECK(stages<net>()[13] == 1);
  CHECK(stages<net>()[29] == 1);
  const list all = inputs<net>();
  CHECK(list(all.begin(), all.begin() + 14) == list{0, 1, 2, 2, 4, 5, 3, 7, 8, 9, 0, 10, 12, 13});
  const auto& ops = net::program.operations;
  CHECK(ops[0].skip == 11);
  CHECK(ops[2].skip == 4);
  CHECK(ops[6].skip == 6);
  CHECK(ops[6].field == lo::window{6, 5});  // positions that share a factor
  CHECK(ops[6].out == lo::shape{6, 5, 3});
  CHECK(ops[11].skip == 11);
  CHECK(ops[13].skip == 27);  // the first of three branches has a block of its own
  CHECK(ops[26].skip == 29);
  CHECK(ops[27].input == 26);
  CHECK(ops[27].skip == 27);
  CHECK(ops[29].input == 28);
}

namespace {

/// An activation whose backward pass reads its input.
struct of_input {
  static constexpr lo::operation describe(const lo::shape& in) {
    lo::operation op = lo::relu::describe(in);
    op.saves = lo::saved_values::input;
    return op;
  }
};

}  // namespace

TEST_CASE("program: an activation that reads its input backward runs in the pass of a normalization, not of a sum") {
  using block = lo::residual<lo::conv2d<4, 1>>;
  using of_output = lo::network<lo::image<8, 8, 4>, block, lo::relu, lo::batch_norm, lo::relu>;
  using net = lo::network<lo::image<8, 8, 4>, block, of_input, lo::batch_norm, of_input>;
  CHECK(of_output::program.operations[4].fused_into_previous);
  CHECK_FALSE(net::program.operations[4].fused_into_previous);
  CHECK(net::program.operations[6].fused_into_previous);
}

TEST_CASE("program: the boundary stops at the first stage with a layer that learns by gradient, or at the last stage") {
  using last = lo::network<lo::vector_input<4>, lo::dense<4, oja>, lo::dense<4, lo::rule::hebb>, lo::dense<4, oja>>;
  using middle = lo::network<lo::vector_input<4>, lo::dense<4, oja>, lo::dense<4>, lo::dense<4, oja>, lo::dense<2>>;
  using none = lo::network<lo::vector_input<4>, lo::dense<4>, lo::dense<4, oja>, lo::dense<2>>;
  using block =
      lo::network<lo::image<4, 4, 2>, lo::conv2d<2, 1, oja>,
                  lo::residual<lo::conv2d<2, 1, oja>, lo::relu, lo::conv2d<2, 1>>, lo::dense<2, oja>, lo::dense<2>>;
  using single = lo::network<lo::vector_input<4>, lo::dense<2, oja>>;
  static_assert(last::stages == 3 && last::highest_boundary == 2);
  static_assert(middle::highest_boundary == 1);
  static_assert(none::highest_boundary == 0);
  CHECK(block::stages == 4);
  CHECK(block::highest_boundary == 1);
  CHECK(single::highest_boundary == 0);
}
