# Defines the library localis_commit, which tells a program the commit that it was built from. Each build looks it up:
# commits follow one another without a new configuration.

if(CMAKE_SCRIPT_MODE_FILE)
  execute_process(COMMAND git -C "${source}" describe --always --dirty OUTPUT_VARIABLE commit
                  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  file(CONFIGURE OUTPUT "${file}" CONTENT "namespace examples {
const char* built_commit();
const char* built_commit() { return \"${commit}\"; }
}  // namespace examples
")
elseif(NOT TARGET localis_commit)
  set(file "${PROJECT_BINARY_DIR}/commit.cpp")
  add_custom_target(localis_find_commit
                    COMMAND "${CMAKE_COMMAND}" -D "source=${PROJECT_SOURCE_DIR}" -D "file=${file}"
                            -P "${CMAKE_CURRENT_LIST_FILE}"
                    BYPRODUCTS "${file}" VERBATIM)
  add_library(localis_commit STATIC "${file}")
  add_dependencies(localis_commit localis_find_commit)
  target_compile_definitions(localis_commit INTERFACE LOCALIS_EXAMPLES_COMMIT)
endif()
