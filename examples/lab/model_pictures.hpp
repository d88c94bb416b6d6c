#pragma once

#include "pictures.hpp"
#include "settings.hpp"

#include <localis/core/shape.hpp>

namespace examples {

/// The pictures of --data as a network for pictures of the extents `wanted` takes them: normalized by channel, and
/// changed at random in training, unless --plain says otherwise: a random window of a folder's picture, else one of the
/// picture with a frame of an eighth of its side; one in two mirrored.
/// Errors: config_error where the pictures do not fit; as the readers of localis/data.
[[nodiscard]] pictures load_model_pictures(const settings& chosen, const localis::shape& wanted);

}  // namespace examples
