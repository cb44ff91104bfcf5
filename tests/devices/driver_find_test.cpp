#include "devices/driver_find.hpp"

#include <catch2/catch.hpp>
#include <fstream>

using namespace tally;
namespace fs = std::filesystem;

namespace {

/// A made-up /sys and /dev.
struct machine {
  fs::path root;
  device_roots roots;

  machine() {
    auto name = (fs::temp_directory_path() / "tally-find-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    root = name;
    roots = {root / "sys", root / "dev"};
    fs::create_directories(roots.dev / "input/by-id");
    fs::create_directories(roots.dev / "serial/by-id");
  }
  ~machine() { fs::remove_all(root); }

  static void write(const fs::path& file, const std::string& text) {
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text << "\n";
  }
  /// A USB device with one interface; answers the folder of the interface.
  fs::path usb(const std::string& port, const std::string& vendor, const std::string& product,
               const std::string& name) {
    const auto device = roots.sys / "devices/usb1" / port;
    write(device / "idVendor", vendor);
    write(device / "idProduct", product);
    write(device / "product", name);
    fs::create_directories(device / "1.0");
    return device / "1.0";
  }
  void add(const std::string& kind, const std::string& file, const fs::path& parent) {
    fs::create_directories(roots.sys / "class" / kind / file);
    fs::create_directory_symlink(parent, roots.sys / "class" / kind / file / "device");
  }
};

}  // namespace

TEST_CASE("serial devices by their USB numbers and by name, wherever they are plugged in", "[devices][find]") {
  machine m;
  m.add("tty", "ttyUSB0", m.usb("1-1", "0403", "6001", "Stripe Reader"));
  m.add("tty", "ttyACM3", m.usb("1-2", "0c2e", "0720", "Honeywell 1950g"));
  fs::create_directories(m.roots.sys / "class/tty/tty1");  // a console has no device
  machine::write(m.roots.dev / "ttyACM3", "");
  fs::create_symlink("../../ttyACM3", m.roots.dev / "serial/by-id/usb-Honeywell_1950g-if00");
  const auto all = list_devices(device_class::serial, m.roots);
  REQUIRE(all.size() == 2);
  CHECK(all[0].path == (m.roots.dev / "ttyACM3").string());
  CHECK(all[0].usb == "0c2e:0720");
  CHECK(all[0].name == "Honeywell 1950g");
  CHECK(all[0].stable_path == (m.roots.dev / "serial/by-id/usb-Honeywell_1950g-if00").string());
  CHECK(all[1].stable_path.empty());
  const auto find = [&](const std::string& name) { return resolve_device(name, device_class::serial, m.roots); };
  CHECK(find("usb:0C2E:0720") == (m.roots.dev / "ttyACM3").string());
  CHECK(find("name:Stripe") == (m.roots.dev / "ttyUSB0").string());
  CHECK(find("usb:1234:5678").empty());
  CHECK(find("/dev/ttyS0") == "/dev/ttyS0");

  // Pulled out, and back in another socket under another number.
  fs::remove_all(m.roots.sys / "class/tty/ttyACM3");
  CHECK(find("usb:0c2e:0720").empty());
  m.add("tty", "ttyACM0", m.usb("1-7", "0c2e", "0720", "Honeywell 1950g"));
  CHECK(find("usb:0c2e:0720") == (m.roots.dev / "ttyACM0").string());
}

TEST_CASE("keyboards have their own names, printers those of their USB device", "[devices][find]") {
  machine m;
  const auto hid = m.usb("1-3", "05f9", "4204", "PSC Scanner");
  machine::write(hid / "input/input7/name", "PSC Handheld Scanner");
  m.add("input", "event7", hid / "input/input7");
  m.add("input", "mouse0", hid / "input/input7");
  m.add("usbmisc", "lp0", m.usb("1-4", "04b8", "0e15", "TM-T20"));
  const auto keyboards = list_devices(device_class::keyboard, m.roots);
  REQUIRE(keyboards.size() == 1);
  CHECK(keyboards[0].name == "PSC Handheld Scanner");
  CHECK(keyboards[0].usb == "05f9:4204");
  CHECK(resolve_device("name:Handheld", device_class::keyboard, m.roots) == (m.roots.dev / "input/event7").string());
  CHECK(resolve_device("usb:04b8:0e15", device_class::printer, m.roots) == (m.roots.dev / "usb/lp0").string());
  CHECK(list_devices(device_class::printer, m.roots).at(0).name == "TM-T20");
}

TEST_CASE("a machine without such devices has none, and names are checked", "[devices][find]") {
  machine m;
  CHECK(list_devices(device_class::printer, m.roots).empty());
  CHECK(list_devices(device_class::keyboard, {"/nowhere", "/nowhere"}).empty());
  CHECK(is_device_name("/dev/ttyS0"));
  CHECK(is_device_name("usb:0c2e:0720"));
  CHECK(is_device_name("name:x"));
  for (const char* bad : {"", "usb:0c2e", "usb:0c2e:072", "usb:0c2e-0720", "usb:0c2g:0720", "name:"})
    CHECK_FALSE(is_device_name(bad));
}
