# Creates the targets of the library, for CMakeLists.txt and for the installed package. The dependencies of a component
# are searched for when the component is requested, so an installed localis offers the components whose dependencies the
# user's machine has. The targets carry the include path, the language level and the dependencies. They set no warnings,
# no -O and no -march, because the user decides on those.
#
#   localis_component(NAME MISSING)   creates localis::NAME; the variable MISSING names what is missing, or is empty
#
# The targets are imported targets in a source tree, too, so that a library that links them can be exported: its package
# then names localis::NAME, and finds localis first.
#
# These variables must be set before: LOCALIS_INCLUDE_DIR; LOCALIS_OPENMP; LOCALIS_SCOPE, which is GLOBAL if targets
# must be visible outside this folder; and LOCALIS_OWN, which states whether the headers cause warnings in files that
# include them. They do so only in this repository's own builds.

set(LOCALIS_COMPONENTS gzip folder safetensors checkpoint speed mpi thrust_host cuda cudnn nccl)  # besides the core, localis::localis

function(localis_component name missing)
  set(${missing} "" PARENT_SCOPE)
  if(TARGET localis::${name})
    return()
  endif()
  set(links localis::localis)

  if(name STREQUAL "localis")
    find_package(Threads QUIET)
    if(NOT Threads_FOUND)
      set(${missing} "threads" PARENT_SCOPE)
      return()
    endif()
    set(links Threads::Threads)
    if(LOCALIS_OPENMP)
      find_package(OpenMP QUIET COMPONENTS CXX)
      if(TARGET OpenMP::OpenMP_CXX)
        list(APPEND links OpenMP::OpenMP_CXX)
      endif()
    endif()

  elseif(name STREQUAL "gzip")  # localis/data/gzip.hpp
    find_package(ZLIB QUIET)
    if(NOT ZLIB_FOUND)
      set(${missing} "zlib (Debian: zlib1g-dev)" PARENT_SCOPE)
      return()
    endif()
    list(APPEND links ZLIB::ZLIB)

  elseif(name STREQUAL "folder")  # localis/data/folder.hpp, jpeg.hpp, png.hpp
    find_package(JPEG QUIET)
    find_package(PNG QUIET)
    if(NOT JPEG_FOUND OR NOT PNG_FOUND)
      set(${missing} "libjpeg-turbo and libpng (Debian: libjpeg-dev libpng-dev)" PARENT_SCOPE)
      return()
    endif()
    list(APPEND links JPEG::JPEG PNG::PNG)

  elseif(name STREQUAL "safetensors")  # localis/io/safetensors.hpp, write_safetensors.hpp
    find_package(nlohmann_json 3.9 QUIET CONFIG)
    if(NOT nlohmann_json_FOUND)
      set(${missing} "nlohmann-json 3.9 (Debian: nlohmann-json3-dev)" PARENT_SCOPE)
      return()
    endif()
    list(APPEND links nlohmann_json::nlohmann_json)

  elseif(name STREQUAL "checkpoint")  # localis/io/checkpoint.hpp, checkpoint_folder.hpp
    localis_component(safetensors without)
    find_package(ZLIB QUIET)
    if(NOT TARGET localis::safetensors OR NOT ZLIB_FOUND)
      set(${missing} "nlohmann-json 3.9 and zlib (Debian: nlohmann-json3-dev zlib1g-dev)" PARENT_SCOPE)
      return()
    endif()
    list(APPEND links localis::safetensors ZLIB::ZLIB)

  elseif(name STREQUAL "speed")  # localis/speed/
    find_package(benchmark QUIET)
    if(NOT benchmark_FOUND)
      set(${missing} "Google Benchmark (Debian: libbenchmark-dev)" PARENT_SCOPE)
      return()
    endif()
    list(APPEND links benchmark::benchmark)

  elseif(name STREQUAL "mpi")  # localis/mpi/
    set(MPI_CXX_SKIP_MPICXX ON)  # the C++ bindings that MPI has removed, and their warnings
    find_package(MPI 3.0 QUIET COMPONENTS CXX)
    if(NOT MPI_CXX_FOUND)
      set(${missing} "MPI 3.0 (Debian: libopenmpi-dev openmpi-bin, or libmpich-dev mpich)" PARENT_SCOPE)
      return()
    endif()
    list(APPEND links MPI::MPI_CXX)

  elseif(name STREQUAL "thrust_host")  # localis/backend/thrust_host/backend.hpp
    find_path(LOCALIS_THRUST_INCLUDE thrust/version.h PATH_SUFFIXES cccl DOC "folder that holds thrust/version.h")
    if(NOT LOCALIS_THRUST_INCLUDE)
      set(${missing} "Thrust, thrust/version.h (Debian: libthrust-dev)" PARENT_SCOPE)
      return()
    endif()

  elseif(name STREQUAL "cuda")  # localis/backend/cuda/backend.cuh, for code that nvcc compiles
    find_package(CUDAToolkit 12.4 QUIET)
    if(NOT CUDAToolkit_FOUND)
      set(${missing} "the CUDA toolkit, 12.4 or later" PARENT_SCOPE)
      return()
    endif()
    list(APPEND links CUDA::cublas)  # the runtime comes with the language, as CUDA_RUNTIME_LIBRARY says

  elseif(name STREQUAL "cudnn")  # localis/backend/cudnn/backend.cuh, for code that nvcc compiles
    localis_component(cuda without)
    find_package(CUDAToolkit 12.4 QUIET)
    find_path(LOCALIS_CUDNN_INCLUDE cudnn.h HINTS ${CUDAToolkit_INCLUDE_DIRS} "$ENV{CUDNN_PATH}" PATH_SUFFIXES include
              DOC "folder that holds cudnn.h")
    # A package of pip has the library under its full name alone.
    find_library(LOCALIS_CUDNN_LIBRARY NAMES cudnn libcudnn.so.9 HINTS ${CUDAToolkit_LIBRARY_DIR} "$ENV{CUDNN_PATH}"
                 PATH_SUFFIXES lib lib64 DOC "library of cuDNN")
    if(NOT TARGET localis::cuda OR NOT LOCALIS_CUDNN_INCLUDE OR NOT LOCALIS_CUDNN_LIBRARY)
      set(${missing} "the CUDA toolkit, 12.4 or later, and cuDNN 9 (pip: nvidia-cudnn-cu13; CUDNN_PATH: its folder)" PARENT_SCOPE)
      return()
    endif()
    list(APPEND links localis::cuda "${LOCALIS_CUDNN_LIBRARY}")

  elseif(name STREQUAL "nccl")  # localis/nccl/
    localis_component(cuda without)
    find_package(CUDAToolkit 12.4 QUIET)
    find_path(LOCALIS_NCCL_INCLUDE nccl.h HINTS "$ENV{NCCL_ROOT}" ${CUDAToolkit_INCLUDE_DIRS} PATH_SUFFIXES include
              DOC "folder that holds nccl.h")
    # A package of pip has the library under its full name alone.
    find_library(LOCALIS_NCCL_LIBRARY NAMES nccl libnccl.so.2 HINTS "$ENV{NCCL_ROOT}" ${CUDAToolkit_LIBRARY_DIR}
                 PATH_SUFFIXES lib lib64 DOC "library of NCCL")
    if(NOT TARGET localis::cuda OR NOT LOCALIS_NCCL_INCLUDE OR NOT LOCALIS_NCCL_LIBRARY)
      set(${missing} "the CUDA toolkit, 12.4 or later, and NCCL 2 (pip: nvidia-nccl-cu13; NCCL_ROOT: its folder)" PARENT_SCOPE)
      return()
    endif()
    list(APPEND links localis::cuda "${LOCALIS_NCCL_LIBRARY}")

  else()
    set(${missing} "a component of that name; there are ${LOCALIS_COMPONENTS}" PARENT_SCOPE)
    return()
  endif()

  set(target localis::${name})
  add_library(${target} INTERFACE IMPORTED ${LOCALIS_SCOPE})
  set_target_properties(${target} PROPERTIES IMPORTED_NO_SYSTEM "${LOCALIS_OWN}")
  target_link_libraries(${target} INTERFACE ${links})
  if(name STREQUAL "localis")
    target_include_directories(${target} INTERFACE "${LOCALIS_INCLUDE_DIR}")
    target_compile_features(${target} INTERFACE cxx_std_20)
  elseif(name STREQUAL "thrust_host")
    target_include_directories(${target} SYSTEM INTERFACE "${LOCALIS_THRUST_INCLUDE}")
  elseif(name STREQUAL "cudnn")
    target_include_directories(${target} SYSTEM INTERFACE "${LOCALIS_CUDNN_INCLUDE}")
  elseif(name STREQUAL "nccl")
    target_include_directories(${target} SYSTEM INTERFACE "${LOCALIS_NCCL_INCLUDE}")
  elseif(name STREQUAL "cuda")
    # Kernels are constexpr function objects, so that the host and the device share their source. C++20 is requested by
    # its flag, because CMake learns the features of a new nvcc later than nvcc has them.
    target_compile_options(${target} INTERFACE "$<$<COMPILE_LANGUAGE:CUDA>:--expt-relaxed-constexpr;-std=c++20>")
    # Use the toolkit's Thrust, not one in the prefix of another dependency. From version 13 on, nvcc searches its own
    # Thrust folder last. CMake omits such a folder from nvcc's options, but not from those of the host compiler.
    foreach(folder IN LISTS CUDAToolkit_INCLUDE_DIRS)
      if(EXISTS "${folder}/cccl/thrust/version.h")
        target_compile_options(${target} INTERFACE "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-isystem,${folder}/cccl>")
      endif()
    endforeach()
  endif()
endfunction()
