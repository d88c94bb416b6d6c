#include <cstddef>

#include "backend.hpp"
#include "support/few_steps.hpp"
#include "support/parity.hpp"
#include <doctest/doctest.h>

#include <localis/rule/oja.hpp>
#include <localis/rule/policy.hpp>
#include <localis/zoo/lenet.hpp>
#include <localis/zoo/resnet.hpp>

#ifdef LOCALIS_TESTS_FULL
#include "support/policies.hpp"
#endif

namespace lo = localis;
using localis_test::check_parity;
using localis_test::small;
using oja = lo::rule::local<lo::rule::oja, lo::rule::relative_step>;

namespace {

template <class T>
using backend = lo::cudnn::backend<T>;
constexpr std::size_t memory = std::size_t{1} << 30;

}  // namespace

TEST_CASE("cudnn agrees with the reference at every boundary") {
  localis_test::on_device([] {
    check_parity<localis_test::blocks<lo::relu>>(backend<double>(small));
    check_parity<localis_test::chain>(backend<double>(small));
    check_parity<localis_test::grouped>(backend<double>(small));
    check_parity<localis_test::chain>(backend<float>(small));
  });
}
TEST_CASE("cudnn: published networks learn as on the cpu") {
  localis_test::on_device([] { localis_test::check_training<lo::zoo::lenet<10, oja>>(backend<double>()); }, memory);
  localis_test::on_device([] { localis_test::check_step<lo::zoo::resnet20<10, oja>>(backend<float>()); }, memory);
}

#ifdef LOCALIS_TESTS_FULL
TEST_CASE("cudnn: every policy that is shipped does as on the reference") {
  localis_test::on_device([] { localis_test::check_every_policy([] { return backend<double>(small); }); });
}
#endif
