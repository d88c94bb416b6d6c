#pragma once

#include <cstddef>

namespace localis::device {

enum class layout { plain, transposed };

/// A batch of products c = alpha op(a) op(b) + beta c, all row-major: `count` products of blocks that lie `step` values
/// apart. a and b may be stored in a narrower type than the sums.
///   op(a): rows x inner,  op(b): inner x columns,  c: rows x columns;  stride: values from one stored row to the next
template <class T, class Operand = T>
struct product {
  struct operand {
    const Operand* data;
    std::size_t stride;
    std::size_t step = 0;
    layout stored = layout::plain;
  };
  struct result {
    T* data;
    std::size_t stride;
    std::size_t step = 0;
  };

  std::size_t rows;
  std::size_t inner;
  std::size_t columns;
  operand a;
  operand b;
  result c;
  T alpha = T(1);
  T beta = T(0);
  std::size_t count = 1;
};

/// Runs a product on a System, unless its result is empty.
template <class System, class T, class Operand>
void multiply(const System& system, const product<T, Operand>& wanted) {
  if (wanted.rows > 0 && wanted.columns > 0 && wanted.count > 0) system.multiply(wanted);
}

}  // namespace localis::device
