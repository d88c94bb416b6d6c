#pragma once

#include "pictures.hpp"
#include "settings.hpp"

#include <localis/core/shape.hpp>

namespace examples {

/// Loads the pictures of --data for a network whose input has the extents `wanted`. They are normalized by channel and,
/// unless --plain is given, changed at random in training: each sample is a random window of a folder's picture or, for
/// other data, of the picture with a frame of an eighth of its side, and one in two is mirrored.
/// Errors: config_error if the pictures do not fit, and those of the readers of localis/data.
[[nodiscard]] pictures load_model_pictures(const settings& chosen, const localis::shape& wanted);

}  // namespace examples
