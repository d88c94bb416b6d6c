#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>

#include <localis/core/error.hpp>
#include <localis/train/report.hpp>

/// What the tests of the logs share.
namespace logs {

inline constexpr double none = std::numeric_limits<double>::quiet_NaN();

/// What a call has to say.
inline std::string complaint(const std::function<void()>& call) {
  try {
    call();
  } catch (const localis::data_error& error) {
    return error.what();
  }
  return "nothing";
}

/// An epoch of a network of two stages, with numbers that are hard to write.
inline localis::epoch_record epoch(std::size_t number) {
  localis::epoch_record e;
  e.epoch = number;
  e.boundary = 1;
  e.steps = 12;
  e.samples = 18446744073709551615U;
  e.loss = 0.1 + 0.2;
  e.accuracy = 5e-324;
  e.learning_rate = 1.7976931348623157e308;
  e.gain = -1e-7;
  e.update_norm = std::numeric_limits<double>::infinity();
  e.seconds = 3;
  e.processor_seconds = 6;
  e.bytes = 4096;
  e.stage_update_norms = {none, 2.5};
  return e;
}

/// A record of a user's own.
struct reward {
  static constexpr const char* name = "reward";
  [[nodiscard]] std::size_t number() const { return step; }
  std::size_t step = 0;
  double mean = 0;
};
template <class Visit>
void visit_members(const reward& record, const Visit& visit) {
  visit("mean", record.mean);
}

}  // namespace logs
