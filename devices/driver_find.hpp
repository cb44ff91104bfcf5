#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace tally {

/// Kinds of device files that a till uses.
enum class device_class : std::uint8_t { serial, printer, keyboard };

struct found_device {
  std::string path;         ///< "/dev/ttyUSB0"
  std::string stable_path;  ///< "/dev/serial/by-id/…", the same after a re-plug; empty when there is none
  std::string usb;          ///< "0c2e:0720", vendor and product; empty for other buses
  std::string name;         ///< as its maker calls it; may be empty
};

/// Where the kernel shows devices; other folders in tests.
struct device_roots {
  std::filesystem::path sys = "/sys";
  std::filesystem::path dev = "/dev";
};

/// All devices of a class that are plugged in now, by path. At most 256 are looked at.
std::vector<found_device> list_devices(device_class kind, const device_roots& roots = {});

/// The file that a configured name means now: a path as it is; "usb:VENDOR:PRODUCT" (hexadecimal) or "name:TEXT" (a
/// part of the name) the first device of the class that fits; empty while there is none. Asked each time that a device
/// is opened, so a device that comes back under another number is found.
std::string resolve_device(const std::string& configured, device_class kind, const device_roots& roots = {});

/// Whether a configured name can be one: a path, or "usb:" with two numbers of four hexadecimal digits, or "name:" with
/// a text.
bool is_device_name(std::string_view configured);

}  // namespace tally
