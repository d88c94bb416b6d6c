#include <cmath>
#include <cstddef>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include <localis/model/confusion_matrix.hpp>

namespace lo = localis;

TEST_CASE("confusion_matrix: the numbers of a table by hand") {
  //               cat dog bird
  const std::size_t table[3][3] = {{5, 3, 0},    // cat
                                   {2, 3, 1},    // dog
                                   {0, 2, 11}};  // bird
  lo::confusion_matrix m(3);
  for (std::size_t truth = 0; truth < 3; ++truth) {
    for (std::size_t predicted = 0; predicted < 3; ++predicted) m.add(truth, predicted, table[truth][predicted]);
  }
  CHECK(m.classes() == 3);
  CHECK(m.total() == 27);
  CHECK(m.count(0, 1) == 3);
  CHECK(m.count(1, 0) == 2);
  CHECK(m.row(0) == 8);
  CHECK(m.column(0) == 7);
  CHECK(m.accuracy() == doctest::Approx(19.0 / 27));
  CHECK(m.recall(0) == doctest::Approx(5.0 / 8));
  CHECK(m.recall(1) == doctest::Approx(3.0 / 6));
  CHECK(m.recall(2) == doctest::Approx(11.0 / 13));
  CHECK(m.precision(0) == doctest::Approx(5.0 / 7));
  CHECK(m.precision(1) == doctest::Approx(3.0 / 8));
  CHECK(m.precision(2) == doctest::Approx(11.0 / 12));
  m.add(1, 2);
  CHECK(m.count(1, 2) == 2);
}

TEST_CASE("confusion_matrix: a share of nothing is no number") {
  lo::confusion_matrix m(2);
  CHECK(std::isnan(m.accuracy()));
  m.add(0, 0);
  CHECK(m.recall(0) == 1);
  CHECK(std::isnan(m.recall(1)));
  CHECK(std::isnan(m.precision(1)));
}

TEST_CASE("confusion_matrix: a class that is not there is named") {
  lo::confusion_matrix m(2);
  for (const auto& [truth, predicted] : {std::pair{2, 0}, std::pair{0, 2}}) {
    std::string said = "nothing";
    try {
      m.add(static_cast<std::size_t>(truth), static_cast<std::size_t>(predicted));
    } catch (const lo::config_error& error) {
      said = error.what();
    }
    CHECK(said == "confusion_matrix: class: expected less than 2, found 2");
  }
  CHECK(m.total() == 0);
}

TEST_CASE("confusion_matrix: a sum over the same classes") {
  lo::confusion_matrix one(2);
  one.add(0, 1, 3);
  lo::confusion_matrix sum;
  sum += one;
  CHECK(sum == one);
  one.add(1, 1, 2);
  sum += one;
  CHECK(sum.count(0, 1) == 6);
  CHECK(sum.count(1, 1) == 2);
  CHECK_THROWS_WITH_AS(sum += lo::confusion_matrix(3),
                       "confusion_matrix: expected a sum over the same 2 classes, found 3", lo::shape_error);
  CHECK(sum.total() == 8);
}
