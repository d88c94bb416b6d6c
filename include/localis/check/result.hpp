#pragma once

#include <ostream>
#include <string>

namespace localis::check {

/// The result of a check. It converts to true if the check passed; otherwise the message names the first wrong place.
///
///   const check::result found = check::rule<my_rule>();
///   if (!found) out << found << std::endl;
struct result {
  bool passed = true;
  double deviation = 0;  ///< the largest relative deviation; dimensionless
  std::string message;   ///< empty if the check passed

  explicit operator bool() const { return passed; }

  friend std::ostream& operator<<(std::ostream& out, const result& r) {
    if (r.passed) return out << "passed, largest deviation " << r.deviation;
    return out << r.message;
  }
};

}  // namespace localis::check
