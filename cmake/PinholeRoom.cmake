function(pinhole_options target)
  # Designated initialisers leave fields out on purpose; g++ 12 takes that for a mistake.
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wno-missing-field-initializers)
  if(PINHOLE_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  # Contracts (net/contract.h) are checked in these builds, and by whoever uses the library alike.
  if(CMAKE_BUILD_TYPE STREQUAL Debug OR PINHOLE_SANITIZE OR PINHOLE_FUZZERS)
    target_compile_definitions(${target} PUBLIC PINHOLE_CHECKED)
  endif()
  if(PINHOLE_SANITIZE)
    target_compile_options(${target} PUBLIC -fsanitize=${PINHOLE_SANITIZE} -fno-omit-frame-pointer
                           -fno-sanitize-recover=all)
    target_link_options(${target} PUBLIC -fsanitize=${PINHOLE_SANITIZE})
  endif()
  if(PINHOLE_FUZZERS)
    target_compile_options(${target} PUBLIC -fsanitize=fuzzer-no-link)
  endif()
endfunction()

# pinhole_lto(TARGET): with PINHOLE_LTO its objects hold both kinds of code, so that programs are optimised as a whole
# and tests link what is there in a moment.
function(pinhole_lto target)
  if(PINHOLE_LTO)
    target_compile_options(${target} PRIVATE -flto -ffat-lto-objects)
  endif()
endfunction()

# The warnings of the rooms beyond -Wall and -Wextra; tests do without them. Only g++ knows -Wuseless-cast.
function(pinhole_room_warnings target)
  target_compile_options(${target} PRIVATE -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wextra-semi
                         -Wimplicit-fallthrough -Wsign-conversion $<$<CXX_COMPILER_ID:GNU>:-Wuseless-cast>)
endfunction()

# pinhole_room(NAME SOURCES file... DEPS target...): the library target `pinhole_NAME` of one room. It may
# include only what its DEPS allow; tests/house/directions.txt holds that.
function(pinhole_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;DEPS" ${ARGN})
  add_library(pinhole_${name} STATIC ${ROOM_SOURCES})
  target_include_directories(pinhole_${name} PUBLIC ${CMAKE_SOURCE_DIR})
  target_link_libraries(pinhole_${name} PUBLIC ${ROOM_DEPS})
  pinhole_options(pinhole_${name})
  pinhole_room_warnings(pinhole_${name})
  pinhole_lto(pinhole_${name})
endfunction()

# pinhole_labelled(TARGET label...): the target `tests_LABEL` builds all programs of a label, and nothing else.
function(pinhole_labelled target)
  foreach(label ${ARGN})
    if(NOT TARGET tests_${label})
      add_custom_target(tests_${label})
    endif()
    add_dependencies(tests_${label} ${target})
  endforeach()
endfunction()

# Tests are run, not measured: half the time to compile. The rooms that they test keep their own level. What only CI
# builds, by clang and with sanitizers, takes half of that again.
function(pinhole_test_options target)
  if(PINHOLE_SANITIZE OR CMAKE_CXX_COMPILER_ID MATCHES Clang)
    target_compile_options(${target} PRIVATE -O0)
  else()
    target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
  endif()
endfunction()

# pinhole_test(NAME SOURCES file... DEPS target... [LABELS label...]): one GoogleTest program; every TEST in
# it is a ctest of its own with the labels.
include(GoogleTest)
function(pinhole_test name)
  cmake_parse_arguments(TEST "" "" "SOURCES;DEPS;LABELS" ${ARGN})
  add_executable(${name} ${TEST_SOURCES})
  target_link_libraries(${name} PRIVATE ${TEST_DEPS} GTest::gmock GTest::gtest GTest::gtest_main)
  pinhole_options(${name})
  if(PINHOLE_LTO)
    target_link_options(${name} PRIVATE -fno-lto)  # the machine code is there already
  endif()
  pinhole_test_options(${name})
  pinhole_labelled(${name} ${TEST_LABELS})
  set(seconds 120)
  if(PINHOLE_SANITIZE)
    set(seconds 300)  # all is some ten times slower
  endif()
  set(properties TIMEOUT ${seconds})
  if(TEST_LABELS)
    # Each of the four macros on the way takes half of the backslashes.
    list(JOIN TEST_LABELS "\\\\\\\\\\\\\\\\;" labels)
    list(APPEND properties LABELS "${labels}")
  endif()
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST PROPERTIES ${properties})
endfunction()

# pinhole_program(TARGET): a program whose speed matters.
#   - tcmalloc in place of the system's malloc: a session makes and frees its whole world, some thousand small objects,
#     which takes a tenth less time so. Sanitizers bring their own.
#   - optimised across the rooms when linked (PINHOLE_LTO), which is worth another tenth. What a packet goes through
#     becomes a few very large functions, most of whose blocks g++ would take for too rare to be worth speed: the
#     parameter says that none is.
function(pinhole_program target)
  if(NOT PINHOLE_SANITIZE)
    target_link_libraries(${target} PRIVATE ${TCMALLOC})
  endif()
  if(PINHOLE_LTO)
    target_link_options(${target} PRIVATE -flto -flto-partition=one -fuse-ld=bfd
                        "SHELL:--param hot-bb-frequency-fraction=1000000")
  endif()
endfunction()
