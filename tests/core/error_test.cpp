#include <string>

#include <doctest/doctest.h>

#include <localis/core/error.hpp>

TEST_CASE("error: one base for all, and the messages") {
  CHECK_THROWS_AS(throw localis::shape_error("x"), localis::error);
  CHECK_THROWS_AS(throw localis::config_error("x"), localis::error);
  CHECK_THROWS_AS(throw localis::checkpoint_error("x"), localis::error);
  CHECK_THROWS_AS(throw localis::device_error("x"), localis::error);
  CHECK(localis::text("batch ", 3, " of ", 0.5, std::string("!")) == "batch 3 of 0.5!");
  CHECK(std::string(localis::data_error("images.gz", 16, "60000 images", "3").what()) ==
        "images.gz: at byte 16: expected 60000 images, found 3");
}

TEST_CASE("error: a divergence knows its place") {
  const localis::divergence_error failure("the loss is nan", 2, 4, 17);
  CHECK(std::string(failure.what()) == "training diverged: the loss is nan at stage 2, epoch 4, step 17");
  CHECK(failure.stage == 2);
  CHECK(failure.epoch == 4);
  CHECK(failure.step == 17);
}

TEST_CASE("expect: silent where it holds") {
  CHECK_NOTHROW(localis::expect(true, "rate", "a number >= 0", 1.0));
  CHECK_THROWS_WITH_AS(localis::expect(false, "rate", "a number >= 0", -1.5),
                       "rate: expected a number >= 0, found -1.5", localis::config_error);
}
