"""Builds and runs the consumer of tests/packaging with the package: with the components that its options name."""

import os

from conan import ConanFile
from conan.tools.build import can_run
from conan.tools.cmake import CMake, cmake_layout


class Consumer(ConanFile):
    settings = "os", "compiler", "build_type", "arch"
    generators = "CMakeToolchain", "CMakeDeps", "VirtualRunEnv"
    test_type = "explicit"

    def requirements(self):
        self.requires(self.tested_reference_str)

    def layout(self):
        cmake_layout(self)

    def build(self):
        cmake = CMake(self)
        options = self.dependencies["localis"].options
        components = [name for name in ("gzip", "folder", "safetensors", "checkpoint", "speed") if options.get_safe(name)]
        variables = {"HOW": "package", "COMPONENTS": ";".join(components)}
        cmake.configure(variables, build_script_folder=os.path.join(
            self.recipe_folder, "..", "..", "..", "..", "tests", "packaging", "consumer"))
        cmake.build()

    def test(self):
        if can_run(self):
            self.run(os.path.join(self.cpp.build.bindir, "consumer"), env="conanrun")
