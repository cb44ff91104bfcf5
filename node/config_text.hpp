#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "node/config.hpp"

namespace tally {

/// Whether non-empty text of a configuration value looks as it must. Syntax only: nothing is opened or resolved.
bool has_shape(std::string_view value, text_shape shape);
/// The shape in words: "tcp://host:port".
std::string_view shape_text(text_shape shape);

/// The parts of text of the shape `names`, in lower case.
std::vector<std::string> split_names(std::string_view text);

struct host_and_port {
  std::string host;
  std::uint16_t port = 0;
};
/// "127.0.0.1:8080", "[::1]:8080" or "name:8080"; nothing for other text. Brackets are taken off.
std::optional<host_and_port> parse_host_port(std::string_view text);

}  // namespace tally
