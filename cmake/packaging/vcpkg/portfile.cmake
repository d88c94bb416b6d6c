# An overlay port, from a clone: vcpkg install localis --overlay-ports=cmake/packaging/vcpkg
set(SOURCE_PATH "${CURRENT_PORT_DIR}/../../..")
set(VCPKG_BUILD_TYPE release)  # headers only
vcpkg_cmake_configure(SOURCE_PATH "${SOURCE_PATH}" OPTIONS -DLOCALIS_BUILD_TESTS=OFF -DLOCALIS_BUILD_EXAMPLES=OFF)
vcpkg_cmake_install()
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
