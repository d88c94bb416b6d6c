# cmake --install installs the headers, the package for find_package, and the file for pkg-config. If the folders in
# GNU's variables are relative, all files find each other by relative paths, so that an installed tree can be moved.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_DATADIR}/cmake/localis")
set(pkgconfig_dir "${CMAKE_INSTALL_DATADIR}/pkgconfig")
set(made "${CMAKE_CURRENT_BINARY_DIR}/package")

configure_package_config_file(cmake/localis-config.cmake.in "${made}/localis-config.cmake"
                              INSTALL_DESTINATION "${package_dir}" PATH_VARS CMAKE_INSTALL_INCLUDEDIR
                              NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
# Before 1.0 a minor version may change what users see. Headers serve every architecture.
write_basic_package_version_file("${made}/localis-config-version.cmake" COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)

# pkg-config escapes the folder of the file, which it knows itself, and reads the rest as a shell does.
string(REGEX REPLACE "([ '\"\\\\])" "\\\\\\1" LOCALIS_PC_PREFIX "${CMAKE_INSTALL_PREFIX}")
string(REGEX REPLACE "([ '\"\\\\])" "\\\\\\1" LOCALIS_PC_INCLUDE "${CMAKE_INSTALL_INCLUDEDIR}")
if(NOT IS_ABSOLUTE "${CMAKE_INSTALL_DATADIR}")
  file(RELATIVE_PATH LOCALIS_PC_PREFIX "/${pkgconfig_dir}" "/")
  string(PREPEND LOCALIS_PC_PREFIX "\${pcfiledir}/")
endif()
if(NOT IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
  string(PREPEND LOCALIS_PC_INCLUDE "\${prefix}/")
endif()
configure_file(cmake/localis.pc.in "${made}/localis.pc" @ONLY)

# Files in a fixed place could not find headers whose place depends on --prefix.
if(IS_ABSOLUTE "${CMAKE_INSTALL_DATADIR}" AND NOT IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
  install(CODE "
    if(NOT CMAKE_INSTALL_PREFIX STREQUAL [==[${CMAKE_INSTALL_PREFIX}]==])
      message(FATAL_ERROR \"localis: CMAKE_INSTALL_DATADIR is absolute: expected the prefix to be that of the configured \"
                          \"build, \" [==[${CMAKE_INSTALL_PREFIX}]==] \", found \${CMAKE_INSTALL_PREFIX}\")
    endif()")
endif()
install(DIRECTORY include/localis DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(FILES "${made}/localis-config.cmake" "${made}/localis-config-version.cmake" cmake/targets.cmake
        DESTINATION "${package_dir}")
install(FILES "${made}/localis.pc" DESTINATION "${pkgconfig_dir}")
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/localis")
