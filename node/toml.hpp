#pragma once
// toml++ as this program uses it: errors come back as values, and what a file has wrong is an error with its line.
// The library's own assertions stop the program on texts such as `[[` at a line's end, where what follows them would
// have said what is wrong. As promises to the compiler, which NDEBUG makes of them, they would be worse.

#ifdef NDEBUG
#error "toml++ takes its assertions for promises under NDEBUG; this program is built without it"
#endif
#define TOML_EXCEPTIONS 0
#define TOML_ASSERT(expr) static_cast<void>(0)
#include <toml++/toml.h>
