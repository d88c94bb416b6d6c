// What a small program does: every name of the library at hand, beside those of the C library and of std. Which of all
// names are ambiguous then is looked at by using_namespace.sh.

#include <array>
#include <bitset>
#include <functional>
#include <numeric>
#include <random>

#include <dirent.h>
#include <doctest/doctest.h>
#include <math.h>
#include <sched.h>
#include <search.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include <localis/localis.hpp>

using namespace std;
using namespace localis;

namespace {

// ::tanh is a function: the layer is told apart by its namespace, or by what it is short for.
using activations =
    network<image<12, 12, 2>, conv2d<8, kernel_size<3, 3>, stride<1>, padding<1>, dilation<1>, groups<2>, rule::oja>,
            batch_norm, relu, max_pool2d<2>, depthwise_conv2d<3, padding<1>, no_bias>, relu6, triangle,
            average_pool2d<3, stride<1>, padding<1>>, leaky_relu, patch_norm<3>, localis::tanh,
            activation<tanh_function>, gelu, silu, elu, softplus, hard_swish, sigmoid, global_average_pool, dropout,
            dense<4>, softmax>;
using signals =
    network<signal_input<12, 2>, conv1d<8, 3, stride<2>>, group_norm<4>, max_pool1d<2>, average_pool1d<2>, dense<3>>;
using blocks = network<vector_input<16>, block<dense<8>, layer_norm, relu>,
                       residual<shortcut<dense<6>, instance_norm>, dense<6>, affine_instance_norm>,
                       repeat<2, dense<6>, relu>, sequence<dense<5>, activation<tanh_function>>, dense<3>>;

template <class Net>
size_t classes() {
  model<Net> m{{.seed = 1}};
  const array<float, Net::input.size()> features{};
  return m.predict(features, 1).size();
}

}  // namespace

TEST_CASE("layers can be named after using namespace localis, beside the C library's names and those of std") {
  static_assert(is_same_v<localis::tanh, activation<tanh_function>>);
  CHECK(classes<activations>() == 4);
  CHECK(classes<signals>() == 3);
  CHECK(classes<blocks>() == 3);
  CHECK_THROWS_AS(model<blocks>{}.prepare({.batch = 0}), config_error);
}
