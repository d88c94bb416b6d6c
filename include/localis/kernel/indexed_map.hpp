#pragma once

#include <cstddef>
#include <cstdint>

#include <localis/core/shape.hpp>
#include <localis/kernel/divide.hpp>

namespace localis::kernel {

/// A linear map with the dividers that split an index into sample, row, column, cell and channel, and with its extents
/// in 32 bits. The host makes one for each launch, so that no kernel divides.
struct indexed_map : linear_map {
  // NOLINTNEXTLINE(google-explicit-constructor): kernels take the linear_map that a backend has
  constexpr indexed_map(const linear_map& map)
      : linear_map(map),
        by_in_positions(map.in.positions()),
        by_in_width(map.in.width),
        by_out_positions(map.out.positions()),
        by_out_width(map.out.width),
        by_field_width(map.field.width),
        by_stride_height(map.field.stride.height),
        by_stride_width(map.field.stride.width),
        by_group_channels(map.group_channels()),
        by_inputs(map.inputs()),
        sample(narrow(map.in.size())),
        row(narrow(map.seen())),
        rows(narrow(map.out.positions())),
        group_inputs(narrow(map.inputs())),
        group_width(narrow(map.group_channels())) {}

  divider by_in_positions;     ///< splits an input pixel of a batch into sample and pixel
  divider by_in_width;         ///< splits an input pixel into row and column
  divider by_out_positions;    ///< splits a row of X into sample and output position
  divider by_out_width;        ///< splits an output position into row and column
  divider by_field_width;      ///< splits a cell of the window into row and column
  divider by_stride_height;    ///< splits a padded row into the window that begins there or before it, and the rest
  divider by_stride_width;     ///< likewise a padded column
  divider by_group_channels;   ///< splits an input of a unit into cell and channel of its group
  divider by_inputs;           ///< splits a column of X into group and input of a unit
  std::uint32_t sample;        ///< values of one sample of the input
  std::uint32_t row;           ///< values of a row of X
  std::uint32_t rows;          ///< rows of X per sample
  std::uint32_t group_inputs;  ///< inputs of a unit
  std::uint32_t group_width;   ///< input channels of a group
};

}  // namespace localis::kernel
