#pragma once
#include <filesystem>
#include <map>

#include "node/http_types.hpp"

namespace tally {

/// The pages, read once at the start and served from memory: only what was read can ever be asked for, so no
/// path can leave the folder. Immutable; any thread.
class web_files {
public:
  static constexpr std::size_t files_max = 500, bytes_max = 16u << 20;

  /// `till.html` becomes `/`, `network.html` `/network`, `assets/…` `/assets/…`. An empty `dir` serves
  /// nothing. `connect` is an address beside its own that pages may call, or empty. Errors: not_found (no such
  /// folder, or no till.html in it), io, full.
  static result<web_files> read(const std::filesystem::path& dir, const std::string& connect);

  /// The page, or 304 when `if_none_match` names its content; nothing for another path.
  std::optional<api_response> find(std::string_view path, std::string_view if_none_match) const;

private:
  struct file {
    std::string body, headers, tag;
    std::string_view type;
  };
  status add(std::string path, const std::filesystem::path& from, const std::string& policy);

  std::map<std::string, file, std::less<>> files_;
  std::size_t bytes_ = 0;
};

}  // namespace tally
