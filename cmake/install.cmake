# cmake --install: the headers, the package for find_package, and the file for pkg-config. All are found from where they
# lie, so that an installed tree can be moved.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_DATADIR}/cmake/localis")
set(pkgconfig_dir "${CMAKE_INSTALL_DATADIR}/pkgconfig")
file(RELATIVE_PATH LOCALIS_TO_INCLUDE "/${package_dir}" "/${CMAKE_INSTALL_INCLUDEDIR}")
file(RELATIVE_PATH LOCALIS_PC_TO_PREFIX "/${pkgconfig_dir}" "/")

set(made "${CMAKE_CURRENT_BINARY_DIR}/package")
configure_file(cmake/localis-config.cmake.in "${made}/localis-config.cmake" @ONLY)
configure_file(cmake/localis.pc.in "${made}/localis.pc" @ONLY)
# Before 1.0 a minor version may change what users see. Headers serve every architecture.
write_basic_package_version_file("${made}/localis-config-version.cmake" COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)

install(DIRECTORY include/localis DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(FILES "${made}/localis-config.cmake" "${made}/localis-config-version.cmake" cmake/targets.cmake
        DESTINATION "${package_dir}")
install(FILES "${made}/localis.pc" DESTINATION "${pkgconfig_dir}")
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/localis")
