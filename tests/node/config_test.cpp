#include "node/config.hpp"

#include <catch2/catch.hpp>
#include <fstream>

#include "node/config_text.hpp"
#include "node/receipt_config.hpp"
#include "storage/temp_dir.hpp"

using namespace tally;

namespace {

const environment no_environment = [](const std::string&) { return std::nullopt; };
const std::vector<std::string> data_dir{"node.data_dir=data"};

struct config_file {
  test::temp_dir dir;
  std::filesystem::path path = dir.path() / "node.toml";
  explicit config_file(const std::string& text) { std::ofstream(path) << text; }
  result<node_config> load(std::vector<std::string> overrides = data_dir) const {
    return load_config(path, overrides, no_environment);
  }
};

result<node_config> set(const std::string& key, const std::string& value) {
  auto o = data_dir;
  o.push_back(key + "=" + value);
  return load_config("", o, no_environment);
}

std::string good_text(text_shape shape) {
  switch (shape) {
    case text_shape::folder: return "folder";
    case text_shape::device: return "/dev/ttyS0";
    case text_shape::log_level: return "warn";
    case text_shape::ip_port: return "127.0.0.1:0";
    case text_shape::host_port: return "192.168.1.20:9100";
    case text_shape::tcp: return "tcp://hq.example.com:7101";
    case text_shape::digits: return "9704";
    case text_shape::names: return "till.example.com,192.168.1.20";
    case text_shape::http_base: return "http://127.0.0.1:8080";
    case text_shape::plain: return "ACR122U";
    case text_shape::queue: return "receipts@print.local:631";
    case text_shape::choice: break;  // the key says which
  }
  return "";
}

}  // namespace

TEST_CASE("every key of the table takes its bounds and refuses what lies beyond", "[config]") {
  for (const auto& k : config_keys()) {
    std::string name(k.name);
    INFO(name);
    CHECK((k.text != nullptr) + (k.number != nullptr) + (k.flag != nullptr) == 1);
    CHECK(!k.help.empty());
    if (k.number) {
      std::vector<std::int64_t> good(k.allowed.begin(), k.allowed.end());
      if (good.empty()) good = {k.min, k.max};
      for (auto n : good) {
        auto c = set(name, std::to_string(n));
        REQUIRE(c);
        CHECK(k.number(*c) == n);
      }
      for (auto bad : {std::to_string(good.front() - 1), std::to_string(good.back() + 1), std::string("12x"),
                       std::string(""), std::string("99999999999999999999")}) {
        auto c = set(name, bad);
        REQUIRE_FALSE(c);
        CHECK(c.code() == errc::bad_config);
        CHECK(c.error().detail.find(name) != std::string::npos);
        CHECK(c.error().detail.find(limit_text(k)) != std::string::npos);
      }
    } else if (k.flag) {
      auto on = set(name, "true");
      CHECK(k.flag(*on));
      auto off = set(name, "false");
      CHECK_FALSE(k.flag(*off));
      CHECK(set(name, "1").code() == errc::bad_config);
    } else if (k.shape == text_shape::choice) {
      REQUIRE_FALSE(k.choices.empty());
      for (auto choice : k.choices) {
        auto c = set(name, std::string(choice));
        REQUIRE(c);
        CHECK(k.text(*c) == choice);
      }
      for (const char* bad : {"", "EN", "something else"})
        CHECK(set(name, bad).code() == errc::bad_config);
    } else {
      auto c = set(name, good_text(k.shape));
      REQUIRE(c);
      CHECK(k.text(*c) == good_text(k.shape));
      CHECK(set(name, std::string(static_cast<std::size_t>(k.max) + 1, '1')).code() == errc::bad_config);
      CHECK(set(name, "a\nb").code() == errc::bad_config);
      if (k.may_be_empty) CHECK(set(name, ""));
      if (!k.may_be_empty) CHECK(set(name, "").code() == errc::bad_config);
    }
  }
}

TEST_CASE("defaults pass their own checks and are what the table says", "[config]") {
  node_config c;
  for (const auto& k : config_keys()) {
    INFO(k.name);
    if (k.number && k.allowed.empty()) CHECK((k.number(c) >= k.min && k.number(c) <= k.max));
    if (k.text && !k.text(c).empty()) CHECK(has_shape(k.text(c), k.shape));
    CHECK(explain_config().find(std::string(k.name) + "   default " + default_text(k)) != std::string::npos);
  }
}

TEST_CASE("command line beats environment beats file beats default", "[config]") {
  config_file f("[node]\ndata_dir = \"/srv/x\"\n[http]\nthreads = 3\n");
  CHECK(load_config("", data_dir, no_environment)->http.threads == 2);
  CHECK(f.load({})->http.threads == 3);
  environment env = [](const std::string& name) -> std::optional<std::string> {
    if (name == "TALLY_HTTP_THREADS") return "4";
    return std::nullopt;
  };
  CHECK(load_config(f.path, {}, env)->http.threads == 4);
  CHECK(load_config(f.path, {"http.threads=5"}, env)->http.threads == 5);
  auto wrong = load_config(f.path, {}, [](const std::string& name) -> std::optional<std::string> {
    return name == "TALLY_HTTP_THREADS" ? std::optional<std::string>("17") : std::nullopt;
  });
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().detail ==
        "environment variable TALLY_HTTP_THREADS: http.threads = 17 is not allowed; it must be "
        "1 to 16");
}

TEST_CASE("a wrong file stops with file, line, key, value and limit", "[config]") {
  auto problem = [](const std::string& text) {
    config_file f(text);
    auto c = f.load();
    REQUIRE_FALSE(c);
    CHECK(c.code() == errc::bad_config);
    auto detail = c.error().detail;
    REQUIRE(detail.starts_with(f.path.string() + ":"));
    return detail.substr(f.path.string().size());
  };
  CHECK(problem("[ledger]\n\ncustomer_wait_ms = 10001\n") ==
        ":3: ledger.customer_wait_ms = 10001 is not allowed; it must be 0 to 10000");
  CHECK(problem("[http]\nlisten = \"nowhere\"\n").starts_with(":2: http.listen = \"nowhere\" is not allowed"));
  CHECK(problem("[http]\nthreads = \"4\"\n").starts_with(":2: http.threads = "));
  CHECK(problem("[http]\nthreads = 4.0\n").starts_with(":2: http.threads = "));
  CHECK(problem("[http]\nopen_network = 1\n").starts_with(":2: http.open_network = 1"));
  CHECK(problem("[http]\nport = 80\n").starts_with(":2: there is no key http.port"));
  CHECK(problem("\n[htp]\nlisten = \"127.0.0.1:1\"\n").starts_with(":2: there is no section htp"));
  CHECK(problem("http = 3\n").starts_with(":1: there is no section http"));
  CHECK(problem("[http\n").starts_with(":1: "));
  CHECK(problem("[http]\nthreads = 1\nthreads = 2\n").starts_with(":3: "));
}

TEST_CASE("a setting is told with its value and where it stands", "[config]") {
  config_file f("[node]\ndata_dir = \"/srv/x\"\n[http]\nthreads = 3\nopen_network = true\n");
  auto c = load_config(f.path, {"link.listen=tcp://127.0.0.1:1"}, [](const std::string& name) {
    return name == "TALLY_NETWORK_DOUBT_DAYS" ? std::optional<std::string>("4") : std::nullopt;
  });
  REQUIRE(c);
  auto file = f.path.string();
  CHECK(setting_text(*c, "http.threads") == file + ":4: http.threads = 3");
  CHECK(setting_text(*c, "http.open_network") == file + ":5: http.open_network = true");
  CHECK(setting_text(*c, "node.data_dir") == file + ":2: node.data_dir = \"/srv/x\"");
  CHECK(setting_text(*c, "link.listen") == "--set link.listen: link.listen = \"tcp://127.0.0.1:1\"");
  CHECK(setting_text(*c, "network.doubt_days") ==
        "environment variable TALLY_NETWORK_DOUBT_DAYS: network.doubt_days = 4");
  CHECK(setting_text(*c, "http.listen") == "the default: http.listen = \"127.0.0.1:8080\"");
}

TEST_CASE("missing and strange sources", "[config]") {
  CHECK(load_config("no/such/file.toml", {}, no_environment).code() == errc::not_found);
  CHECK(load_config("", {}, no_environment).code() == errc::bad_config);  // no data directory
  CHECK(load_config("", {"node.data_dir"}, no_environment).code() == errc::bad_config);
  CHECK(load_config("", {"node.data_dir=x", "no.such=1"}, no_environment).code() == errc::bad_config);
  config_file huge(std::string(2 << 20, '#'));
  CHECK(huge.load().code() == errc::malformed);
}

TEST_CASE("paths in a file are relative to the file", "[config]") {
  config_file f("[node]\ndata_dir = \"data\"\n[reader]\npath = \"/dev/ttyS0\"\n");
  auto c = f.load({});
  REQUIRE(c);
  CHECK(c->node.data_dir == (f.dir.path() / "data").string());
  CHECK(c->reader.path == "/dev/ttyS0");
  CHECK(f.load({"node.data_dir=other"})->node.data_dir == "other");
}

TEST_CASE("a device is named by a path or by kind, and a kind is no path", "[config]") {
  config_file f("[scanner]\npath = \"usb:0C2E:0720\"\n[wedge]\ndevice = \"name:PSC\"\n[reader]\npath = \"tty\"\n");
  auto c = f.load();
  REQUIRE(c);
  CHECK(c->scanner.path == "usb:0C2E:0720");
  CHECK(c->wedge.device == "name:PSC");
  CHECK(c->reader.path == (f.dir.path() / "tty").string());
  CHECK(set("scanner.path", "usb:0C2E").code() == errc::bad_config);
  CHECK(set("printer.queue", "no queue").code() == errc::bad_config);
}

TEST_CASE("two devices on one line are refused, under whatever names", "[config]") {
  const auto load = [](std::vector<std::string> o) {
    o.push_back("node.data_dir=data");
    return load_config("", o, no_environment);
  };
  const test::temp_dir dir;
  const auto line = (dir.path() / "line").string(), other = (dir.path() / "other").string();
  std::ofstream(line).flush();
  std::filesystem::create_symlink(line, other);
  const auto same = load({"reader.path=" + line, "scanner.path=" + line});
  REQUIRE_FALSE(same);
  CHECK(same.error().detail.find("scanner.path") != std::string::npos);
  CHECK(same.error().detail.find("reader.path") != std::string::npos);
  CHECK(same.error().detail.find("are one device") != std::string::npos);
  CHECK(load({"reader.path=" + line, "printer.path=" + other}).code() == errc::bad_config);
  CHECK(load({"display.path=usb:0C2E:0720", "rewriter.path=usb:0C2E:0720"}).code() == errc::bad_config);
  CHECK(load({"reader.path=" + line, "scanner.path=" + line + "2"}));
}

TEST_CASE("a printer has an address, as no name server is asked", "[config]") {
  const auto at = [](const std::string& address) {
    return load_config("", {"node.data_dir=data", "printer.address=" + address}, no_environment);
  };
  CHECK(at("192.168.1.20:9100"));
  CHECK(at("[fe80::1]:9100"));
  CHECK(at("localhost:9100"));
  const auto named = at("printer.example:9100");
  REQUIRE_FALSE(named);
  CHECK(named.error().detail.find("is no IP address") != std::string::npos);
}

TEST_CASE("what the printer and the receipt are configured to be", "[config]") {
  auto layout = [](std::vector<std::string> o) {
    o.push_back("node.data_dir=data");
    return make_receipt_layout(*load_config("", o, no_environment));
  };
  CHECK(layout({})->printer.text == charset::cp437);
  CHECK(layout({"receipt.language=zh-Hans"})->printer.text == charset::gb18030);
  CHECK(layout({"receipt.language=zh-Hant"})->printer.text == charset::big5);
  auto korean = layout({"receipt.language=ko", "printer.charset=gb18030", "printer.columns=32", "printer.qr=dots",
                        "printer.drawer=pin5", "printer.cutter=false"});
  REQUIRE(korean);
  CHECK(korean->lang == language::ko);
  CHECK(korean->printer.text == charset::gb18030);
  CHECK(korean->display == charset::euc_kr);
  CHECK(korean->printer.columns == 32);
  CHECK(korean->printer.qr == qr_printing::dots);
  CHECK(korean->printer.drawer == drawer_pin::pin_5);
  CHECK_FALSE(korean->printer.cutter);
  CHECK(layout({"printer.address=127.0.0.1:9100", "printer.path=/dev/usb/lp0"}).code() == errc::bad_config);
  CHECK(layout({"printer.queue=q", "printer.path=/dev/usb/lp0"}).code() == errc::bad_config);

  test::temp_dir dir;
  const auto logo = (dir.path() / "logo.pbm").string();
  CHECK(layout({"printer.logo=" + logo}).code() == errc::bad_config);
  std::ofstream(logo) << "P1 8 1 10101010";
  CHECK(layout({"printer.logo=" + logo})->printer.logo.width == 8);
  std::ofstream(logo) << "P4 400 1\n" << std::string(50, 'x');
  CHECK(layout({"printer.logo=" + logo})->printer.logo.width == 400);
  CHECK(layout({"printer.logo=" + logo, "printer.columns=32"}).code() == errc::bad_config);
}

TEST_CASE("addresses", "[config]") {
  CHECK(parse_host_port("[::1]:80")->host == "::1");
  CHECK(parse_host_port("a.b:65535")->port == 65535);
  for (const char* bad : {"", ":", "a", "a:", ":80", "a:65536", "a:-1", "a:1x", "a b:1", "::1:80", "[]:1", "[x]:1",
                          "[127.0.0.1]:1", "a:99999999999"})
    CHECK_FALSE(parse_host_port(bad));
  CHECK_FALSE(has_shape("localhost:80", text_shape::ip_port));
  CHECK(has_shape("tcp://*:7101", text_shape::tcp));
  CHECK_FALSE(has_shape("udp://a:1", text_shape::tcp));
  CHECK_FALSE(has_shape("*:9100", text_shape::host_port));
  CHECK_FALSE(has_shape("a:0", text_shape::host_port));
}

TEST_CASE("the samples in config/ are good", "[config]") {
  for (const char* name : {"hq.toml", "region.toml", "store.toml"}) {
    INFO(name);
    auto c = load_config(std::filesystem::path(TALLY_CONFIG_SAMPLES) / name, {}, no_environment);
    if (!c) INFO(c.error().detail);
    CHECK(c.ok());
  }
}
