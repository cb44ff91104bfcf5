#include "node/program.hpp"

namespace tally {
namespace fs = std::filesystem;

fs::path own_program() {
  std::error_code bad;
  auto p = fs::read_symlink("/proc/self/exe", bad);
  return bad ? fs::path("tallystick") : p;
}

fs::path own_pages() {
  auto folder = own_program().parent_path();
  std::error_code bad;
  // A build tree is build/<preset>/node.
  for (const auto& dir : {folder / "../share/tallystick/web", folder / "../../../web/dist"})
    if (fs::is_regular_file(dir / "till.html", bad)) return fs::canonical(dir, bad);
  return {};
}

}  // namespace tally
