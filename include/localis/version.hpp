#pragma once

/// The one place that states the version; CMake reads it from here.
#define LOCALIS_VERSION_MAJOR 0
#define LOCALIS_VERSION_MINOR 1
#define LOCALIS_VERSION_PATCH 0
