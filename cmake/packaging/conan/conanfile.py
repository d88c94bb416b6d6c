"""Conan 2 recipe: conan create cmake/packaging/conan [-o "&:gzip=True" ...]; consumers use find_package(localis)."""

import os
import re

from conan import ConanFile
from conan.tools.cmake import CMake, CMakeToolchain
from conan.tools.files import copy, load

required_conan_version = ">=2.1"


class Localis(ConanFile):
    name = "localis"
    description = "Selective localized learning, header-only C++20"
    license = "MIT"
    package_type = "header-library"
    settings = "os", "compiler", "build_type", "arch"
    options = {component: [True, False] for component in ("gzip", "folder", "safetensors", "checkpoint", "speed")}
    default_options = {component: False for component in options}
    no_copy_source = True

    @property
    def _repository(self):
        return os.path.normpath(os.path.join(self.recipe_folder, "..", "..", ".."))

    def set_version(self):
        header = load(self, os.path.join(self._repository, "include", "localis", "version.hpp"))
        number = int(re.search(r"define LOCALIS_VERSION (\d+)", header).group(1))
        self.version = f"{number // 10000}.{number // 100 % 100}.{number % 100}"

    def export_sources(self):
        for pattern in ("CMakeLists.txt", "LICENSE", "cmake/*", "include/*"):
            copy(self, pattern, self._repository, self.export_sources_folder)

    def requirements(self):
        if self.options.gzip or self.options.checkpoint:
            self.requires("zlib/[>=1.2.11 <2]")
        if self.options.folder:
            self.requires("libjpeg-turbo/[>=2.1]")
            self.requires("libpng/[>=1.6 <2]")
        if self.options.safetensors or self.options.checkpoint:
            self.requires("nlohmann_json/[>=3.9 <4]")
        if self.options.speed:
            self.requires("benchmark/[>=1.7 <2]")

    def generate(self):
        CMakeToolchain(self).generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure({"LOCALIS_BUILD_TESTS": "OFF", "LOCALIS_BUILD_EXAMPLES": "OFF"})

    def package(self):
        CMake(self).install()

    def package_id(self):
        self.info.clear()

    def package_info(self):
        # The package's own file makes the targets, as after cmake --install.
        self.cpp_info.set_property("cmake_find_mode", "none")
        self.cpp_info.builddirs = [os.path.join("share", "cmake", "localis")]
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
