#pragma once

#include <cstddef>

namespace localis::device {

/// c = alpha op(a) op(b) + beta c, all row-major, `count` times over blocks that lie `step` values apart. a and b may
/// be stored in a narrower type than the sums.
///   op(a): rows x inner,  op(b): inner x columns,  c: rows x columns;  stride: from row to row as stored
template <class T, class Operand = T>
struct product {
  struct operand {
    const Operand* data;
    std::size_t stride;
    std::size_t step = 0;
    bool turned = false;  ///< stored as its transpose
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

}  // namespace localis::device
