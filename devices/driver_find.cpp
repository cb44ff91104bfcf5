#include "devices/driver_find.hpp"

#include <algorithm>
#include <fstream>

namespace tally {

namespace {

namespace fs = std::filesystem;
constexpr std::size_t devices_max = 256;

std::string first_line(const fs::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line.substr(0, 200);
}

std::vector<fs::path> entries(const fs::path& folder) {
  std::vector<fs::path> out;
  std::error_code ec;  // a folder that is not there holds nothing
  for (fs::directory_iterator it(folder, ec), end; !ec && it != end && out.size() < devices_max; it.increment(ec))
    out.push_back(it->path());
  std::sort(out.begin(), out.end());
  return out;
}

/// Walks from a class device up to the USB device that it is a part of.
void describe_usb(const fs::path& device, found_device& out) {
  std::error_code ec;
  auto at = fs::canonical(device, ec);
  for (int depth = 0; !ec && depth < 12 && at.has_relative_path(); ++depth, at = at.parent_path()) {
    if (!fs::exists(at / "idVendor", ec)) continue;
    out.usb = first_line(at / "idVendor") + ":" + first_line(at / "idProduct");
    const auto maker = first_line(at / "manufacturer"), product = first_line(at / "product");
    if (out.name.empty()) out.name = maker.empty() ? product : maker + " " + product;
    return;
  }
}

/// The link below `links` that points to the device.
std::string stable_path(const fs::path& links, const fs::path& device) {
  std::error_code ec;
  for (const auto& link : entries(links))
    if (fs::weakly_canonical(link, ec) == fs::weakly_canonical(device, ec) && !ec) return link.string();
  return {};
}

bool hex_digits(std::string_view text) {
  return text.size() == 4 && text.find_first_not_of("0123456789abcdefABCDEF") == text.npos;
}

/// "/sys/class/input/event3" has its name one folder up, the others have none of their own.
std::string own_name(device_class kind, const fs::path& device) {
  return kind == device_class::keyboard ? first_line(device / "device" / "name") : std::string();
}

}  // namespace

std::vector<found_device> list_devices(device_class kind, const device_roots& roots) {
  const bool keyboard = kind == device_class::keyboard, serial = kind == device_class::serial;
  const auto folder = roots.sys / "class" / (keyboard ? "input" : serial ? "tty" : "usbmisc");
  const std::string_view prefix = keyboard ? "event" : serial ? "tty" : "lp";
  const auto dev = keyboard ? roots.dev / "input" : serial ? roots.dev : roots.dev / "usb";
  const auto links = keyboard ? roots.dev / "input/by-id" : serial ? roots.dev / "serial/by-id" : fs::path();
  std::vector<found_device> out;
  for (const auto& device : entries(folder)) {
    const auto file = device.filename().string();
    std::error_code ec;
    // A tty without hardware behind it is a console or a pseudo-terminal.
    if (!file.starts_with(prefix) || !fs::exists(device / "device", ec)) continue;
    found_device d;
    d.path = (dev / file).string();
    d.name = own_name(kind, device);
    describe_usb(device / "device", d);
    if (serial && d.usb.empty() && !file.starts_with("ttyS") && !file.starts_with("ttyAMA")) continue;
    if (!links.empty()) d.stable_path = stable_path(links, d.path);
    out.push_back(std::move(d));
  }
  return out;
}

bool is_device_name(std::string_view configured) {
  if (configured.starts_with("usb:"))
    return configured.size() == 13 && configured[8] == ':' && hex_digits(configured.substr(4, 4)) &&
           hex_digits(configured.substr(9));
  if (configured.starts_with("name:")) return configured.size() > 5;
  return !configured.empty();
}

std::string resolve_device(const std::string& configured, device_class kind, const device_roots& roots) {
  const bool usb = configured.starts_with("usb:"), name = configured.starts_with("name:");
  if (!usb && !name) return configured;
  auto wanted = configured.substr(usb ? 4 : 5);
  if (usb)
    std::transform(wanted.begin(), wanted.end(), wanted.begin(),
                   [](char c) { return static_cast<char>(c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c); });
  for (const auto& d : list_devices(kind, roots))
    if (usb ? d.usb == wanted : d.name.find(wanted) != d.name.npos) return d.path;
  return {};
}

}  // namespace tally
