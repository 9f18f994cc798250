# Warnings, hardening and instrumentation, for every target.
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
	set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_C_FLAGS_DEBUG "-Og -g")
set(CMAKE_C_FLAGS_RELEASE "-O2 -g1")

add_compile_definitions(_GNU_SOURCE _FILE_OFFSET_BITS=64 BERTH_VERSION="${PROJECT_VERSION}")
add_compile_options(
	-Wall -Wextra -Wpedantic -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2
	-Wundef -Wvla -Wcast-qual -Wwrite-strings -Wconversion -Wsign-conversion -Wimplicit-fallthrough
	-Wswitch-enum -fno-strict-aliasing
	-fstack-protector-strong -fstack-clash-protection -fcf-protection)
# Debian 12's clang 14 takes it only with another flag, so it is asked for, not assumed.
include(CheckCCompilerFlag)
check_c_compiler_flag(-ftrivial-auto-var-init=zero BERTH_HAVE_AUTO_VAR_INIT)
if(BERTH_HAVE_AUTO_VAR_INIT)
	add_compile_options(-ftrivial-auto-var-init=zero)
endif()
add_link_options(-Wl,-z,relro,-z,now -Wl,--as-needed
	$<$<NOT:$<BOOL:$<TARGET_PROPERTY:BERTH_STATIC>>>:-pie>)

if(BERTH_SANITIZE OR BERTH_FUZZ)
	add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
	add_link_options(-fsanitize=address,undefined)
elseif(BERTH_TSAN)
	add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
	add_link_options(-fsanitize=thread)
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
	add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
endif()
if(BERTH_FUZZ)
	add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(BERTH_COVERAGE)
	add_compile_options(--coverage)
	add_link_options(--coverage)
endif()
