#pragma once

namespace house {

/// The version that link_two_test.cpp sees, as one number.
int version_in_the_other_unit();

}  // namespace house
