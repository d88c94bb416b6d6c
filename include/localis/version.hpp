#pragma once

/// The one line that states the version: 10000 * major + 100 * minor + patch. CMake and the packages read it from here.
#define LOCALIS_VERSION 100

#define LOCALIS_VERSION_MAJOR (LOCALIS_VERSION / 10000)
#define LOCALIS_VERSION_MINOR (LOCALIS_VERSION / 100 % 100)
#define LOCALIS_VERSION_PATCH (LOCALIS_VERSION % 100)
