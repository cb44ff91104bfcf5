# What most files include of the standard library, compiled once per target. Every file still includes what it uses.
set(tally_std_headers <algorithm> <array> <charconv> <chrono> <filesystem> <functional> <map> <memory> <optional> <set> <string>
  <string_view> <unordered_map> <variant> <vector>)

# tally_unity(TARGET): with TALLY_UNITY, a few sources are compiled as one, which shares the work on their headers.
function(tally_unity target)
  if(TALLY_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 4)
  endif()
endfunction()

# tally_library(NAME FOLDER f SOURCES … [ALONE …] DEPS …)
#
# One static library of ours. Its headers are reached as "folder/file.hpp" through a link directory that holds that one
# folder, so a library sees only the folders of the libraries it depends on: a forbidden include does not compile. ALONE
# names sources that are never compiled together with others.
function(tally_library name)
  cmake_parse_arguments(ARG "" "FOLDER" "SOURCES;ALONE;DEPS;PRIVATE_DEPS" ${ARGN})
  set(door ${CMAKE_BINARY_DIR}/doors/${ARG_FOLDER})
  file(MAKE_DIRECTORY ${door})
  if(NOT EXISTS ${door}/${ARG_FOLDER})
    file(CREATE_LINK ${CMAKE_SOURCE_DIR}/${ARG_FOLDER} ${door}/${ARG_FOLDER} SYMBOLIC)
  endif()
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC ${door})
  target_link_libraries(${name} PUBLIC ${ARG_DEPS} PRIVATE tally_flags ${ARG_PRIVATE_DEPS})
  tally_unity(${name})
  set_source_files_properties(${ARG_ALONE} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  # Worth its own seconds only where many files share it.
  list(LENGTH ARG_SOURCES count)
  if(count GREATER 8)
    target_precompile_headers(${name} PRIVATE ${tally_std_headers})
  endif()
endfunction()
