#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/result.hpp"

namespace tally {

/// Everything that an operator can set of one node. A value; read once at the start by `load_config`, whose table of
/// keys (`config_keys`) holds the bounds. Defaults stand here. Actors receive their own small part, never the whole.
struct node_config {
  struct node_part {
    std::string data_dir;
    std::string log_level = "info";
  } node;
  struct http_part {
    std::string listen = "127.0.0.1:8080";
    std::string web_dir;
    std::string names;
    bool open_network = false;
    std::int64_t threads = 2;
  } http;
  struct link_part {
    std::string listen;
    std::string door;
    std::string parent;
    std::int64_t heartbeat_ms = 0;
    std::int64_t batch_ms = 0;
    std::int64_t quiet_s = 300;
    std::int64_t month_mb = 0;
    std::string head_office;
    std::int64_t silent_s = 600;
    std::string skip = "none";
  } link;
  struct serial_part {
    std::string path;
    std::int64_t baud = 9600;
  } reader;
  struct scanner_part {
    std::string path;
    std::int64_t baud = 9600;
    std::string card_prefix;
  } scanner;
  struct wedge_part {
    std::string device;
  } wedge;
  struct chip_part {
    std::string reader;
  } chip;
  struct display_part {
    std::string path;
    std::int64_t baud = 9600;
    std::string charset = "auto";
  } display;
  struct rewriter_part {
    std::string path;
    std::int64_t baud = 9600;
    std::int64_t columns = 22;
    std::string charset = "auto";
  } rewriter;
  struct printer_part {
    std::string address;
    std::string queue;
    std::string path;
    std::int64_t baud = 9600;
    std::string flow = "xonxoff";
    std::int64_t columns = 42;
    std::string charset = "auto";
    std::string qr = "native";
    bool cutter = true;
    std::string drawer = "pin2";
    std::string drawer_command = "realtime";
    std::string logo;
    bool process_ids = true;
  } printer;
  struct receipt_part {
    std::string language = "en";
    bool qr = false;
  } receipt;
  struct ledger_part {
    std::int64_t customer_wait_ms = 1'500;
    std::int64_t reserve_mb = 64;
    std::string used_lost = "ask";
    std::int64_t used_lost_minutes = 60;
  } ledger;
  struct network_part {
    std::int64_t exposure_days = 7;
    std::int64_t close_wait_hours = 24;
    std::int64_t doubt_days = 7;
    std::int64_t certificate_days = 365;
    std::int64_t quarantine_after = 0;
  } network;
  struct sweep_part {
    std::int64_t quiet_minutes = 10;
    std::int64_t dust = 100;
    std::int64_t transit_max = 1'000'000;
  } sweep;
  struct notice_part {
    bool levels = false;
    std::int64_t fee_days = 0, expiry_days = 0;
  } notice;
  struct mirror_part {
    std::string path;
    std::int64_t mb = 256;
  } mirror;
  struct demo_part {
    std::string control;
  } demo;
  /// Where each key that is no default was set: "store.toml:7", "environment variable TALLY_…", "--set".
  std::map<std::string, std::string, std::less<>> places;
};

/// What the text of a key must look like. Empty text is allowed where `may_be_empty` says so.
enum class text_shape : std::uint8_t {
  folder,
  device,
  log_level,
  ip_port,
  host_port,
  tcp,
  digits,
  http_base,
  plain,
  choice,
  queue,
  names
};

/// One row of the table of keys. Exactly one of `text`, `number`, `flag` is set and reaches the value.
struct config_key {
  std::string_view name;  ///< "section.key"
  std::string& (*text)(node_config&) = nullptr;
  std::int64_t& (*number)(node_config&) = nullptr;
  bool& (*flag)(node_config&) = nullptr;
  std::int64_t min = 0, max = 0;          ///< of a number; of a text, its length in octets
  text_shape shape = text_shape::folder;  ///< of a text
  bool may_be_empty = true;
  std::span<const std::int64_t> allowed{};      ///< of a number: only these, when not empty
  std::span<const std::string_view> choices{};  ///< of a text with shape `choice`: only these
  std::string_view help;
};
std::span<const config_key> config_keys();

/// "TALLY_HTTP_LISTEN" for "http.listen".
std::string environment_name(std::string_view key);
/// The default of a key as it would be written in a file.
std::string default_text(const config_key& key);
/// What values a key takes, for people: "0 to 10000", "true or false", "tcp://host:port, or empty".
std::string limit_text(const config_key& key);

using environment = std::function<std::optional<std::string>(const std::string& name)>;
/// The process's own environment.
environment process_environment();

/// Reads the configuration of a node: command line (`overrides`, each "section.key=value") beats the environment
/// (TALLY_SECTION_KEY), which beats the file, which beats the default. `file` may be empty: then there is none.
/// Relative paths in the file are relative to the file's folder, others to the working directory.
///
/// Errors: `bad_config` with key, value, limit and where it stands (file and line, variable, or argument); unknown keys
/// and sections are refused, and two devices on one line (`check_devices`). `not_found`, `io` for the file.
result<node_config> load_config(const std::filesystem::path& file, const std::vector<std::string>& overrides,
                                const environment& env = process_environment());

/// A key with its value and where it stands, for a sentence about what came of it: `store.toml:7: http.listen =
/// "127.0.0.1:80"`. REQUIRES: `name` is a key.
std::string setting_text(const node_config& config, std::string_view name);
/// What went wrong with a setting, after the setting and where it stands.
error at_setting(const node_config& config, std::string_view key, const std::string& why);

/// The table of keys for people (`tallystick config --explain`).
std::string explain_config();

}  // namespace tally
