#pragma once

#include <type_traits>

namespace localis::detail {

/// A class beside one with members of some names. `&named_twice<T, Names>::name` is ambiguous, so does not compile,
/// where T has a member of that name, be it a template, overloaded or data: an optional member with another signature
/// than expected is seen by it, and not skipped without a word. T must be a class from which one may derive; no other
/// is seen to have members.
template <class T, class Names>
struct named_twice : T, Names {};
template <class T, class Names>
requires(!std::is_class_v<T> || std::is_final_v<T>) struct named_twice<T, Names> : Names {
};

}  // namespace localis::detail
