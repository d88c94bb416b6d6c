#include "support/parity.hpp"

#include "backend.hpp"
#include <doctest/doctest.h>

#ifdef LOCALIS_TESTS_FULL
#include "support/policies.hpp"
#endif

namespace lo = localis;
using localis_test::check_parity;
using localis_test::small;

namespace {

template <class T>
using backend = lo::cudnn::backend<T>;

}  // namespace

TEST_CASE("cudnn agrees with the reference at every boundary") {
  localis_test::on_device([] {
    check_parity<localis_test::blocks<lo::relu>>(backend<double>(small));
    check_parity<localis_test::chain>(backend<double>(small));
    check_parity<localis_test::grouped>(backend<double>(small));
    check_parity<localis_test::oblong>(backend<double>(small));
    check_parity<localis_test::sequences>(backend<double>(small));
    check_parity<localis_test::junctions>(backend<double>(small));
    check_parity<localis_test::chain>(backend<float>(small));
  });
}

#ifdef LOCALIS_TESTS_FULL
TEST_CASE("cudnn: every policy that is shipped does as on the reference") {
  localis_test::on_device([] { localis_test::check_every_policy([] { return backend<double>(small); }); });
  localis_test::on_device([] { localis_test::check_every_policy([] { return backend<float>(small); }); });
}
#endif
