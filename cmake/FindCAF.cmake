# Finds the C++ Actor Framework of Debian 12 (libcaf-dev), which ships neither a CMake package nor a .pc file.
#
# Only 0.17.6 is accepted: 0.17 and 0.18 differ in atoms, stateful actors and inspection, so another version would fail later
# and less clearly. Defines CAF_FOUND, CAF_VERSION, the imported targets CAF::core and, if its library is there, CAF::io.
set(_caf_wanted 0.17.6)
find_path(CAF_INCLUDE_DIR NAMES caf/config.hpp)
find_library(CAF_CORE_LIBRARY NAMES caf_core)
find_library(CAF_IO_LIBRARY NAMES caf_io)
mark_as_advanced(CAF_INCLUDE_DIR CAF_CORE_LIBRARY CAF_IO_LIBRARY)

set(CAF_VERSION CAF_VERSION-NOTFOUND)
if(CAF_INCLUDE_DIR)
  file(STRINGS ${CAF_INCLUDE_DIR}/caf/config.hpp _caf_line REGEX "^#define CAF_VERSION [0-9]+")
  if(_caf_line MATCHES "CAF_VERSION ([0-9]+)")
    set(_caf_number ${CMAKE_MATCH_1})  # 1706 is 0.17.6
    math(EXPR _caf_major "${_caf_number} / 10000")
    math(EXPR _caf_minor "${_caf_number} / 100 % 100")
    math(EXPR _caf_patch "${_caf_number} % 100")
    set(CAF_VERSION ${_caf_major}.${_caf_minor}.${_caf_patch})
  endif()
endif()

set(_caf_reason "install Debian 12's libcaf-dev (CAF ${_caf_wanted})")
if(CAF_VERSION AND NOT CAF_VERSION VERSION_EQUAL _caf_wanted)
  set(_caf_reason "CAF ${CAF_VERSION} is at ${CAF_INCLUDE_DIR}, but exactly ${_caf_wanted} is needed: ${_caf_reason}")
  set(CAF_VERSION CAF_VERSION-NOTFOUND)
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(CAF
  REQUIRED_VARS CAF_CORE_LIBRARY CAF_INCLUDE_DIR CAF_VERSION
  REASON_FAILURE_MESSAGE "${_caf_reason}")

if(CAF_FOUND AND NOT TARGET CAF::core)
  add_library(CAF::core UNKNOWN IMPORTED)  # headers of imported targets are SYSTEM
  set_target_properties(CAF::core PROPERTIES
    IMPORTED_LOCATION ${CAF_CORE_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${CAF_INCLUDE_DIR}
    # Off in Debian's build: without it an unregistered message type compiles, works locally and fails on the wire.
    INTERFACE_COMPILE_DEFINITIONS CAF_ENABLE_TYPE_ID_CHECKS
    INTERFACE_LINK_LIBRARIES Threads::Threads)
  if(CAF_IO_LIBRARY)
    add_library(CAF::io UNKNOWN IMPORTED)
    set_target_properties(CAF::io PROPERTIES
      IMPORTED_LOCATION ${CAF_IO_LIBRARY}
      INTERFACE_LINK_LIBRARIES CAF::core)
  endif()
endif()
