# berth_module(NAME SOURCES... DEPENDS targets... LIBS imported...)
# One static library a folder. Includes are written from the top: #include "runtime/base/fd.h".
function(berth_module name)
	cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;LIBS" ${ARGN})
	add_library(${name} STATIC ${ARG_SOURCES})
	target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
	target_link_libraries(${name} PUBLIC ${ARG_DEPENDS} PRIVATE ${ARG_LIBS})
endfunction()

# berth_program(NAME [STATIC] DESTINATION dir SOURCES... DEPENDS targets...)
# STATIC, for what people wait for: a third of the time of a short command is the dynamic linker's.
function(berth_program name)
	cmake_parse_arguments(ARG "STATIC" "DESTINATION" "SOURCES;DEPENDS;LIBS" ${ARGN})
	add_executable(${name} ${ARG_SOURCES})
	target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
	target_link_libraries(${name} PRIVATE ${ARG_DEPENDS} ${ARG_LIBS})
	if(ARG_STATIC AND JANSSON_ARCHIVE AND NOT (BERTH_SANITIZE OR BERTH_TSAN OR BERTH_FUZZ OR BERTH_COVERAGE))
		set_target_properties(${name} PROPERTIES BERTH_STATIC ON)
		target_link_options(${name} PRIVATE -static-pie)
	endif()
	set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
	install(TARGETS ${name} RUNTIME DESTINATION ${ARG_DESTINATION})
endfunction()

# berth_test(test_x target...): tests/unit/test_x.c, run by ctest. Declared next to what it tests.
function(berth_test name)
	if(BERTH_FUZZ OR NOT BERTH_TESTS)
		return()
	endif()
	add_executable(${name} ${PROJECT_SOURCE_DIR}/tests/unit/${name}.c)
	target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
	target_link_libraries(${name} PRIVATE ${ARGN})
	add_test(NAME ${name} COMMAND ${name})
	# 77: skipped, with the reason on a line "skipped: ...".
	set_tests_properties(${name} PROPERTIES TIMEOUT 120 SKIP_RETURN_CODE 77)
endfunction()

# berth_fuzz(fuzz_x target...): tests/fuzz/fuzz_x.c. With the fuzz preset a libFuzzer program; otherwise
# a plain test that feeds it each file of tests/fuzz/corpus/fuzz_x.
function(berth_fuzz name)
	if(NOT BERTH_TESTS)
		return()
	endif()
	add_executable(${name} ${PROJECT_SOURCE_DIR}/tests/fuzz/${name}.c)
	target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
	target_link_libraries(${name} PRIVATE ${ARGN})
	if(BERTH_FUZZ)
		target_link_options(${name} PRIVATE -fsanitize=fuzzer)
	else()
		target_sources(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/fuzz/replay.c)
		add_test(NAME ${name}
			COMMAND ${name} ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
	endif()
endfunction()
