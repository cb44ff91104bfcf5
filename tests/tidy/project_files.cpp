#include "project_files.hpp"

#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

namespace tally::tidy {
namespace fs = std::filesystem;
namespace {

constexpr std::uintmax_t bytes_max = 1'000'000;

std::string quoted(const std::string& s) {
  std::string out = "'";
  for (const char c : s)
    out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

/// Tracked paths; empty when there is no git or `root` is no repository's top (an unpacked archive).
std::vector<std::string> tracked(const fs::path& root) {
  if (!fs::exists(root / ".git")) return {};
  // The tree may belong to another user than the one who tests it, which git refuses otherwise.
  const std::string command =
      "git -c safe.directory='*' -C " + quoted(root.string()) + " ls-files -z 2>/dev/null </dev/null";
  std::FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return {};
  std::string all;
  std::array<char, 4096> block{};
  for (std::size_t got = 0; (got = std::fread(block.data(), 1, block.size(), pipe)) > 0;)
    all.append(block.data(), got);
  if (pclose(pipe) != 0) return {};
  std::vector<std::string> paths;
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t end = all.find('\0', at);
    paths.push_back(all.substr(at, end - at));
    at = end == std::string::npos ? all.size() : end + 1;
  }
  return paths;
}

std::vector<std::string> walked(const fs::path& root) {
  static const std::set<std::string> skipped = {".git", "build", "data", "node_modules", "dist"};
  std::vector<std::string> paths;
  for (auto it = fs::recursive_directory_iterator(root); it != fs::recursive_directory_iterator(); ++it) {
    if (it->is_directory() && skipped.count(it->path().filename().string()) > 0) it.disable_recursion_pending();
    if (it->is_regular_file()) paths.push_back(fs::relative(it->path(), root).generic_string());
  }
  return paths;
}

}  // namespace

std::vector<source> project_files(const fs::path& root) {
  std::vector<std::string> paths = tracked(root);
  if (paths.empty()) paths = walked(root);
  std::vector<source> files;
  for (const std::string& path : paths) {
    const fs::path full = root / path;
    if (full.filename() == "package-lock.json" || !fs::is_regular_file(full) || fs::file_size(full) > bytes_max) {
      continue;
    }
    std::ifstream in(full, std::ios::binary);
    std::string text(std::istreambuf_iterator<char>(in), {});
    if (text.find('\0') == std::string::npos) files.push_back({path, std::move(text)});
  }
  return files;
}

}  // namespace tally::tidy
