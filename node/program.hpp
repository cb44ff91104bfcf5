#pragma once
#include <filesystem>

namespace tally {

/// Where this program's own file is; "tallystick" when the system does not say.
std::filesystem::path own_program();

/// The built pages that belong to this program: installed (../share/tallystick/web), or in the tree it was built in
/// (web/dist). Empty when there are none, and a node then serves no pages.
std::filesystem::path own_pages();

}  // namespace tally
