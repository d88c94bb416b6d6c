include(CMakeFindDependencyMacro)
find_dependency(localis COMPONENTS gzip)
include("${CMAKE_CURRENT_LIST_DIR}/lab-targets.cmake")
