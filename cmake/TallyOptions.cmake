# Options and flags that every target of ours gets. Third-party headers are SYSTEM and keep their own warnings.
option(TALLY_TESTS "build the tests" ON)
option(TALLY_BENCH "build the benchmarks" OFF)
option(TALLY_ALL "build actors and the node (CAF, Beast); OFF leaves the pure libraries" ON)
option(TALLY_UNITY "compile sources of one library a few at a time: a whole build is quicker, a single change is slower" OFF)
option(TALLY_ASAN "AddressSanitizer and UndefinedBehaviorSanitizer" OFF)
option(TALLY_TSAN "ThreadSanitizer (code without CAF)" OFF)
option(TALLY_TIDY "run clang-tidy while compiling" OFF)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()
# Asserts stay on in every build: an invariant that breaks in a shop must stop the node, not the audit.
string(REPLACE "-DNDEBUG" "" CMAKE_CXX_FLAGS_RELEASE "${CMAKE_CXX_FLAGS_RELEASE}")
# -O2 as in RelWithDebInfo: at -O3 g++ 12 warns about correct std::string code (GCC PR 105329) that -O2 accepts, so what
# builds while working would fail when shipped.
string(REPLACE "-O3" "-O2" CMAKE_CXX_FLAGS_RELEASE "${CMAKE_CXX_FLAGS_RELEASE}")
string(REPLACE "-DNDEBUG" "" CMAKE_CXX_FLAGS_RELWITHDEBINFO "${CMAKE_CXX_FLAGS_RELWITHDEBINFO}")

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
if(TALLY_TIDY)
  set(CMAKE_CXX_CLANG_TIDY clang-tidy --warnings-as-errors=*)
  set(CMAKE_DISABLE_PRECOMPILE_HEADERS ON)  # clang-tidy cannot read the compiler's precompiled header
endif()

# Linking is much of what a single change costs, and gold takes half the time.
find_program(GOLD ld.gold)
if(GOLD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_link_options(-fuse-ld=gold)
endif()

add_library(tally_flags INTERFACE)
target_compile_options(tally_flags INTERFACE -Wall -Wextra -Wconversion -Wshadow -Werror -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports these inside inlined std::string and std::optional code that is correct (GCC PR 105651, 105562).
  # The last three it reports once string's code comes from a precompiled header or is instrumented (PR 105329).
  # -fpch-preprocess lets ccache see the precompiled header.
  target_compile_options(tally_flags INTERFACE -Wno-restrict -Wno-maybe-uninitialized -Wno-array-bounds
    -Wno-stringop-overflow -Wno-stringop-overread -fpch-preprocess)
endif()
if(TALLY_ASAN)
  # CAF's headers bind null references (init_fun_factory.hpp), so that one check is off.
  # At -O2 -g such a tree takes half as long again to compile, and finds the same.
  string(REPLACE "-O2 -g" "-O1 -g1" CMAKE_CXX_FLAGS_RELWITHDEBINFO "${CMAKE_CXX_FLAGS_RELWITHDEBINFO}")
  target_compile_options(tally_flags INTERFACE -fsanitize=address,undefined -fno-sanitize=null
    -fno-sanitize-recover=all)
  target_link_options(tally_flags INTERFACE -fsanitize=address,undefined)
endif()
if(TALLY_TSAN)
  target_compile_options(tally_flags INTERFACE -fsanitize=thread)
  target_link_options(tally_flags INTERFACE -fsanitize=thread)
endif()
