#pragma once
#include <filesystem>
#include <vector>

#include "rules.hpp"

namespace tally::tidy {

/// The text files of the project under `root`: those that git tracks, or, without git, all but build results and
/// installed packages. Files over 1 MB, lock files and files that are not text are left out.
std::vector<source> project_files(const std::filesystem::path& root);

}  // namespace tally::tidy
