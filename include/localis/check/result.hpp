#pragma once

#include <ostream>
#include <string>

namespace localis::check {

/// What a check found. True where it passed; else the message names the first place that is wrong.
///
///   const check::result found = check::rule<my_rule>();
///   if (!found) out << found << '\n';
struct result {
  bool passed = true;
  double deviation = 0;  ///< the largest seen, relative; dimensionless
  std::string message;   ///< empty where passed

  explicit operator bool() const { return passed; }

  friend std::ostream& operator<<(std::ostream& out, const result& r) {
    if (r.passed) return out << "passed, largest deviation " << r.deviation;
    return out << r.message;
  }
};

}  // namespace localis::check
