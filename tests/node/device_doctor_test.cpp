#include "node/device_doctor.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

using namespace tally;

namespace {

node_config configured(const std::vector<std::string>& settings) {
  auto all = settings;
  all.push_back("node.data_dir=data");
  auto c = load_config("", all, [](const std::string&) { return std::nullopt; });
  REQUIRE(c);
  return *c;
}

device_finding only(const std::vector<device_finding>& list) {
  REQUIRE(list.size() == 1);
  return list.front();
}

bool says(const device_finding& f, const std::string& part) {
  INFO(f.device << ": " << f.text);
  CHECK(f.text.find(part) != std::string::npos);
  return f.good;
}

}  // namespace

TEST_CASE("the doctor finds what would stop the node, or never work", "[node][doctor]") {
  auto file = (std::filesystem::temp_directory_path() / "tally-doctor-XXXXXX").string();
  REQUIRE(mkdtemp(file.data()) != nullptr);
  const std::filesystem::path folder = file;
  file += "/no-keyboard";
  std::ofstream(file) << "text";
  CHECK_FALSE(says(only(examine_devices(configured({"wedge.device=" + file}))), "is no keyboard"));
  CHECK_FALSE(says(only(examine_devices(configured({"reader.path=" + file}))), "is no serial line"));
  CHECK_FALSE(says(only(examine_devices(configured({"printer.logo=" + file + "-gone"}))), "printer.logo = "));
  CHECK_FALSE(says(only(examine_devices(configured({"printer.address=127.0.0.1:9", "printer.path=" + file}))),
                   "more than one of printer.address"));
  CHECK_FALSE(says(only(examine_devices(configured({"printer.path=" + file}))), "is a file and no device"));
  CHECK(examine_devices(configured({})).empty());
  std::filesystem::remove_all(folder);
}

TEST_CASE("beside a running node the doctor says what that sees", "[node][doctor]") {
  const auto config = configured({"reader.path=/dev/null/none"});
  const auto with = [](const node_config& c, const std::string& device, const std::string& state) {
    return only(examine_devices(c, seen_devices{{device, state}}));
  };
  CHECK(says(with(config, "reader", "ready"), "in use by the running node: ready"));
  CHECK_FALSE(says(with(config, "reader", "none"), "another configuration"));
  CHECK_FALSE(says(with(config, "scanner", "ready"), "another configuration"));
  CHECK_FALSE(says(with(config, "reader", "unplugged"), "is not there"));  // the node has not opened it: a look is free
  // Nobody listens at that port, and it is not tried.
  const auto printer = configured({"printer.address=127.0.0.1:9"});
  CHECK(says(with(printer, "printer", "ready"), "127.0.0.1:9 is ready. (As the running node sees it.)"));
  CHECK(says(with(printer, "printer", "paper_low"), "its paper ends soon"));
  CHECK_FALSE(says(with(printer, "printer", "paper_out"), "is out of paper"));
  CHECK_FALSE(says(with(printer, "printer", "offline"), "does not answer"));
}
