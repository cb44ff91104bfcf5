#include "node/config_text.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/ip/address.hpp>
#include <charconv>

#include "devices/cups.hpp"
#include "devices/driver_find.hpp"

namespace tally {
namespace {

bool is_host(std::string_view h) {
  return !h.empty() && h.size() <= 150 && std::ranges::all_of(h, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
}

bool is_ip(const std::string& h) {
  boost::system::error_code bad;
  boost::asio::ip::make_address(h, bad);
  return !bad;
}

}  // namespace

std::optional<host_and_port> parse_host_port(std::string_view text) {
  auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  auto host = text.substr(0, colon);
  auto port = text.substr(colon + 1);
  unsigned n = 0;
  auto [at, bad] = std::from_chars(port.data(), port.data() + port.size(), n);
  if (bad != std::errc{} || at != port.data() + port.size() || n > 65'535) return std::nullopt;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    if (!is_ip(std::string(host)) || host.find(':') == std::string_view::npos) return std::nullopt;
  } else if (host != "*" && !is_host(host)) {
    return std::nullopt;
  }
  return host_and_port{std::string(host), static_cast<std::uint16_t>(n)};
}

std::vector<std::string> split_names(std::string_view text) {
  std::vector<std::string> out;
  if (text.empty()) return out;
  out.emplace_back();
  for (char c : text) {
    if (c == ',') {
      out.emplace_back();
    } else if (c != ' ') {
      out.back() += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
  }
  return out;
}

bool has_shape(std::string_view value, text_shape shape) {
  constexpr std::string_view tcp = "tcp://", http = "http://";
  auto plain = std::ranges::none_of(value, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  if (!plain) return false;
  switch (shape) {
    case text_shape::folder: return true;
    case text_shape::device: return is_device_name(value);
    case text_shape::plain: return true;
    case text_shape::queue: return parse_cups_name(value).has_value();
    case text_shape::choice: return true;  // the key says which
    case text_shape::log_level: {
      constexpr std::array<std::string_view, 4> levels{"debug", "info", "warn", "error"};
      return std::ranges::find(levels, value) != levels.end();
    }
    case text_shape::ip_port: {
      auto hp = parse_host_port(value);
      return hp && is_ip(hp->host);
    }
    case text_shape::host_port: {
      auto hp = parse_host_port(value);
      return hp && hp->host != "*" && hp->port != 0;
    }
    case text_shape::tcp: return value.starts_with(tcp) && parse_host_port(value.substr(tcp.size()));
    case text_shape::digits: return std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; });
    case text_shape::names: {
      auto all = split_names(value);
      return !all.empty() && std::ranges::all_of(all, [](const auto& n) { return is_host(n) || is_ip(n); });
    }
    case text_shape::http_base: {
      if (!value.starts_with(http)) return false;
      auto hp = parse_host_port(value.substr(http.size()));
      return hp && hp->host != "*" && hp->port != 0;
    }
  }
  return false;
}

std::string_view shape_text(text_shape shape) {
  switch (shape) {
    case text_shape::folder: return "a path";
    case text_shape::device: return "the path of a device, usb:VENDOR:PRODUCT or name:TEXT,";
    case text_shape::plain: return "a text";
    case text_shape::queue: return "the name of a queue, queue@server or queue@server:port,";
    case text_shape::choice: return "one of several texts";
    case text_shape::log_level: return "one of debug, info, warn, error, a text";
    case text_shape::ip_port: return "an IP address and a port (0 to 65535), as 127.0.0.1:8080,";
    case text_shape::host_port: return "a host and a port (1 to 65535), as 192.168.1.20:9100,";
    case text_shape::tcp: return "an endpoint tcp://host:port";
    case text_shape::digits: return "digits";
    case text_shape::names: return "host names or addresses without ports, separated by commas, a text";
    case text_shape::http_base: return "an address http://host:port";
  }
  return "";
}

}  // namespace tally
