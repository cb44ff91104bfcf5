#include "node/config.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <sstream>

#include "ledger/fee_notice.hpp"
#include "node/config_text.hpp"
#include "node/device_config.hpp"
#include "node/identity.hpp"
#include "node/toml.hpp"
#include "sync/notice.hpp"

namespace tally {
namespace {

namespace fs = std::filesystem;
using cfg = node_config;

constexpr std::int64_t path_max = 4'096, address_max = 200;
constexpr std::array<std::int64_t, 8> bauds{1'200, 2'400, 4'800, 9'600, 19'200, 38'400, 57'600, 115'200};

constexpr std::array<std::string_view, 4> languages{"en", "zh-Hans", "zh-Hant", "ko"};
constexpr std::array<std::string_view, 9> charsets{"auto",   "cp437",   "cp858", "cp852", "cp866",
                                                   "cp1252", "gb18030", "big5",  "euc-kr"};
constexpr std::array<std::string_view, 2> qr_kinds{"native", "dots"};
constexpr std::array<std::string_view, 3> used_lost_choices{"ask", "chain", "owner"};
constexpr std::array<std::string_view, 2> skip_choices{"none", "goods"};
constexpr std::array<std::string_view, 3> drawers{"none", "pin2", "pin5"};
constexpr std::array<std::string_view, 2> drawer_commands{"realtime", "pulse"};
constexpr std::array<std::string_view, 3> flows{"xonxoff", "hardware", "none"};

#define TALLY_TEXT [](cfg & c) -> std::string&
#define TALLY_NUMBER [](cfg & c) -> std::int64_t&
#define TALLY_FLAG [](cfg & c) -> bool&

// The one table of keys. Order is the order of `tallystick config --explain`.
// clang-format off
constexpr std::array keys{
    config_key{.name = "node.data_dir", .text = TALLY_TEXT { return c.node.data_dir; }, .min = 1, .max = path_max,
               .shape = text_shape::folder, .may_be_empty = false,
               .help = "folder that init-hq or enrol made: keys, identity, database"},
    config_key{.name = "node.log_level", .text = TALLY_TEXT { return c.node.log_level; }, .min = 1, .max = 8,
               .shape = text_shape::log_level, .may_be_empty = false, .help = "least severe message that is logged"},
    config_key{.name = "http.listen", .text = TALLY_TEXT { return c.http.listen; }, .min = 1, .max = address_max,
               .shape = text_shape::ip_port, .may_be_empty = false,
               .help = "where pages and the HTTP interface listen; port 0 takes a free one"},
    config_key{.name = "http.web_dir", .text = TALLY_TEXT { return c.http.web_dir; }, .max = path_max,
               .shape = text_shape::folder,
               .help = "folder of the built pages; empty: ../share/tallystick/web beside the program, or "
                       "those of its build tree"},
    config_key{.name = "http.names", .text = TALLY_TEXT { return c.http.names; }, .max = 1'000,
               .shape = text_shape::names,
               .help = "names and addresses by which tills reach this node, beside http.listen and this machine's own"},
    config_key{.name = "http.open_network", .flag = TALLY_FLAG { return c.http.open_network; },
               .help = "show the network page without pairing (demo)"},
    config_key{.name = "http.threads", .number = TALLY_NUMBER { return c.http.threads; }, .min = 1, .max = 16,
               .help = "threads that serve HTTP"},
    config_key{.name = "link.listen", .text = TALLY_TEXT { return c.link.listen; }, .max = address_max,
               .shape = text_shape::tcp, .help = "where children connect; empty: this node has none"},
    config_key{.name = "link.door", .text = TALLY_TEXT { return c.link.door; }, .max = address_max,
               .shape = text_shape::tcp, .help = "enrolment door, head office only; empty: nobody can enrol"},
    config_key{.name = "link.parent", .text = TALLY_TEXT { return c.link.parent; }, .max = address_max,
               .shape = text_shape::tcp, .help = "link.listen of the parent; empty at head office"},
    config_key{.name = "link.heartbeat_ms", .number = TALLY_NUMBER { return c.link.heartbeat_ms; }, .max = 600'000,
               .help = "milliseconds between heartbeats on the link; 0 sends none"},
    config_key{.name = "link.batch_ms", .number = TALLY_NUMBER { return c.link.batch_ms; }, .max = 3'600'000,
               .help = "milliseconds that sales wait for others to travel with, where each message costs money; what "
                       "somebody waits for goes at once"},
    config_key{.name = "link.quiet_s", .number = TALLY_NUMBER { return c.link.quiet_s; }, .min = 10, .max = 21'600,
               .help = "seconds without a word after which the parent is asked for a sign of life: where octets cost "
                       "money 900, where they do not 30"},
    config_key{.name = "link.month_mb", .number = TALLY_NUMBER { return c.link.month_mb; }, .max = 1'000'000,
               .help = "megabytes of a month, both ways, that the link to the parent may take: near that, sales wait "
                       "longer for others to travel with, at most an hour; 0: as many as it takes"},
    config_key{.name = "link.head_office", .text = TALLY_TEXT { return c.link.head_office; }, .max = address_max,
               .shape = text_shape::tcp,
               .help = "link.listen of head office: a store whose parent is a region connects there while the region "
                       "is silent; empty: it waits in the dark"},
    config_key{.name = "link.silent_s", .number = TALLY_NUMBER { return c.link.silent_s; }, .min = 5, .max = 86'400,
               .help = "seconds without a link to the parent after which link.head_office is used"},
    config_key{.name = "link.skip", .text = TALLY_TEXT { return c.link.skip; }, .max = 8,
               .shape = text_shape::choice, .may_be_empty = false, .choices = skip_choices,
               .help = "goods: a store that sells by amount alone does not take the price list of goods sold by the "
                       "piece, and sells none; changed back, it takes what it lacks. Profiles of members never come "
                       "unasked"},
    config_key{.name = "reader.path", .text = TALLY_TEXT { return c.reader.path; }, .max = path_max,
               .shape = text_shape::device,
               .help = "serial magnetic-stripe reader, which may scan as well: a path, usb:VENDOR:PRODUCT or "
                       "name:TEXT; empty: none"},
    config_key{.name = "reader.baud", .number = TALLY_NUMBER { return c.reader.baud; }, .allowed = bauds,
               .help = "its speed in bits per second"},
    config_key{.name = "scanner.path", .text = TALLY_TEXT { return c.scanner.path; }, .max = path_max,
               .shape = text_shape::device,
               .help = "serial barcode and QR scanner: a path, usb:VENDOR:PRODUCT or name:TEXT; empty: none"},
    config_key{.name = "scanner.baud", .number = TALLY_NUMBER { return c.scanner.baud; }, .allowed = bauds,
               .help = "its speed in bits per second"},
    config_key{.name = "scanner.card_prefix", .text = TALLY_TEXT { return c.scanner.card_prefix; }, .max = 8,
               .shape = text_shape::digits,
               .help = "a scanned number that starts so is a card, and one that starts with card_prefix of the rules"},
    config_key{.name = "wedge.device", .text = TALLY_TEXT { return c.wedge.device; }, .max = path_max,
               .shape = text_shape::device,
               .help = "reader or scanner that types like a keyboard: a path below /dev/input, usb:VENDOR:PRODUCT or "
                       "name:TEXT; nobody else receives what it types; empty: none"},
    config_key{.name = "display.path", .text = TALLY_TEXT { return c.display.path; }, .max = path_max,
               .shape = text_shape::device, .help = "customer display, two lines of 20, on a serial line; empty: none"},
    config_key{.name = "display.baud", .number = TALLY_NUMBER { return c.display.baud; }, .allowed = bauds,
               .help = "its speed in bits per second"},
    config_key{.name = "display.charset", .text = TALLY_TEXT { return c.display.charset; }, .max = 8,
               .shape = text_shape::choice, .may_be_empty = false, .choices = charsets,
               .help = "code of its characters; auto: the usual one of receipt.language"},
    config_key{.name = "rewriter.path", .text = TALLY_TEXT { return c.rewriter.path; }, .max = path_max,
               .shape = text_shape::device,
               .help = "printer of rewritable cards (Star TCP300 or TCP300II) on a serial line; empty: none"},
    config_key{.name = "rewriter.baud", .number = TALLY_NUMBER { return c.rewriter.baud; }, .allowed = bauds,
               .help = "its speed in bits per second"},
    config_key{.name = "rewriter.columns", .number = TALLY_NUMBER { return c.rewriter.columns; }, .min = 10, .max = 40,
               .help = "characters on a line of a card"},
    config_key{.name = "rewriter.charset", .text = TALLY_TEXT { return c.rewriter.charset; }, .max = 8,
               .shape = text_shape::choice, .may_be_empty = false, .choices = charsets,
               .help = "code of its characters; auto: the usual one of receipt.language"},
    config_key{.name = "chip.reader", .text = TALLY_TEXT { return c.chip.reader; }, .max = 120,
               .shape = text_shape::plain,
               .help = "chip and contactless readers behind pcscd: any, or a part of a reader's name; empty: none"},
    config_key{.name = "printer.address", .text = TALLY_TEXT { return c.printer.address; }, .max = address_max,
               .shape = text_shape::host_port, .help = "ESC/POS network printer; empty: none"},
    config_key{.name = "printer.queue", .text = TALLY_TEXT { return c.printer.queue; }, .max = address_max,
               .shape = text_shape::queue,
               .help = "instead: a raw queue of CUPS, as receipts or receipts@server:631; it opens no cash drawer"},
    config_key{.name = "printer.path", .text = TALLY_TEXT { return c.printer.path; }, .max = path_max,
               .shape = text_shape::device,
               .help = "instead: an ESC/POS printer on a serial line or a device file, as /dev/usb/lp0"},
    config_key{.name = "printer.baud", .number = TALLY_NUMBER { return c.printer.baud; }, .allowed = bauds,
               .help = "speed of a serial printer in bits per second"},
    config_key{.name = "printer.flow", .text = TALLY_TEXT { return c.printer.flow; }, .max = 8,
               .shape = text_shape::choice, .may_be_empty = false, .choices = flows,
               .help = "how a serial printer says that its buffer is full, as it is set: xonxoff, or hardware for "
                       "DTR/DSR or RTS/CTS over a cable that wires it to CTS; none loses lines of long receipts"},
    config_key{.name = "printer.columns", .number = TALLY_NUMBER { return c.printer.columns; }, .min = 24, .max = 64,
               .help = "characters on a line: 32 on 58 mm paper, 42 or 48 on 80 mm"},
    config_key{.name = "printer.charset", .text = TALLY_TEXT { return c.printer.charset; }, .max = 8,
               .shape = text_shape::choice, .may_be_empty = false, .choices = charsets,
               .help = "code of the printer's characters; auto: the usual one of receipt.language"},
    config_key{.name = "printer.qr", .text = TALLY_TEXT { return c.printer.qr; }, .max = 8,
               .shape = text_shape::choice, .may_be_empty = false, .choices = qr_kinds,
               .help = "whether the printer draws QR codes and barcodes itself or gets them as dots"},
    config_key{.name = "printer.cutter", .flag = TALLY_FLAG { return c.printer.cutter; },
               .help = "it cuts the paper; else the paper is fed to the tear bar"},
    config_key{.name = "printer.drawer", .text = TALLY_TEXT { return c.printer.drawer; }, .max = 8,
               .shape = text_shape::choice, .may_be_empty = false, .choices = drawers,
               .help = "where the cash drawer is plugged in; it opens when cash is taken"},
    config_key{.name = "printer.drawer_command", .text = TALLY_TEXT { return c.printer.drawer_command; }, .max = 8,
               .shape = text_shape::choice, .may_be_empty = false, .choices = drawer_commands,
               .help = "how it opens: realtime (DLE DC4) at once; pulse (ESC p), for printers that lack that, behind "
                       "the ticket in their buffer"},
    config_key{.name = "printer.logo", .text = TALLY_TEXT { return c.printer.logo; }, .max = path_max,
               .shape = text_shape::folder, .help = "a black and white picture (PBM) on top of receipts; empty: none"},
    config_key{.name = "printer.process_ids", .flag = TALLY_FLAG { return c.printer.process_ids; },
               .help = "it answers process IDs (GS ( H), as Epson's do; false, for most others: a ticket counts as "
                       "printed once the printer has taken it. 'tallystick devices doctor' finds out"},
    config_key{.name = "receipt.language", .text = TALLY_TEXT { return c.receipt.language; }, .max = 8,
               .shape = text_shape::choice, .may_be_empty = false, .choices = languages,
               .help = "language of what this store prints"},
    config_key{.name = "receipt.qr", .flag = TALLY_FLAG { return c.receipt.qr; },
               .help = "print a receipt's number as a QR code under it, which a scanner at the till reads"},
    config_key{.name = "ledger.customer_wait_ms", .number = TALLY_NUMBER { return c.ledger.customer_wait_ms; },
               .max = 10'000, .help = "longest that a customer waits for value that lies elsewhere, milliseconds"},
    config_key{.name = "ledger.reserve_mb", .number = TALLY_NUMBER { return c.ledger.reserve_mb; }, .min = 1,
               .max = 1'000'000, .help = "with less free disk than this, MiB, new business is refused"},
    config_key{.name = "ledger.used_lost", .text = TALLY_TEXT { return c.ledger.used_lost; }, .max = 8,
               .shape = text_shape::choice, .may_be_empty = false, .choices = used_lost_choices,
               .help = "head office: who bears a use of a card that it knew as lost or frozen when it heard of it: "
                       "chain, owner (of the store), or ask: an operator rules"},
    config_key{.name = "ledger.used_lost_minutes", .number = TALLY_NUMBER { return c.ledger.used_lost_minutes; },
               .max = 7 * 1'440,
               .help = "head office: how long such a case is open before ledger.used_lost rules about it, so that what "
                       "the store takes back meanwhile costs nobody anything"},
    config_key{.name = "network.exposure_days", .number = TALLY_NUMBER { return c.network.exposure_days; }, .min = 1,
               .max = 365, .help = "days until a stolen node is noticed, for the exposure on the network page"},
    config_key{.name = "network.close_wait_hours", .number = TALLY_NUMBER { return c.network.close_wait_hours; },
               .max = 24 * 60, .help = "head office: how long the missing end of an epoch is waited for, hours"},
    config_key{.name = "network.doubt_days", .number = TALLY_NUMBER { return c.network.doubt_days; }, .max = 365,
               .help = "head office: days until value that lay at a lost disk is granted anew, if its end is missing"},
    config_key{.name = "network.certificate_days", .number = TALLY_NUMBER { return c.network.certificate_days; },
               .min = 1, .max = 3'650,
               .help = "head office: how long a node's certificate is good; it is renewed by itself in its last third"},
    config_key{.name = "notice.levels", .flag = TALLY_FLAG { return c.notice.levels; },
               .help = "head office: the outbox tells members that agreed to SMS of a card's new level"},
    config_key{.name = "notice.fee_days", .number = TALLY_NUMBER { return c.notice.fee_days; },
               .max = fee_notice_days_max,
               .help = "head office: it tells them so many days before the first fee of an unused card; 0: never"},
    config_key{.name = "notice.expiry_days", .number = TALLY_NUMBER { return c.notice.expiry_days; },
               .max = expiry_notice_days_max,
               .help = "head office: it tells them so many days before units of their cards expire; 0: never"},
    config_key{.name = "network.quarantine_after", .number = TALLY_NUMBER { return c.network.quarantine_after; },
               .max = 1'000'000,
               .help = "a node with so many contested entries that nobody has ruled about is sent no rights and no "
                       "quota from here; 0: whatever happens"},
    config_key{.name = "sweep.quiet_minutes", .number = TALLY_NUMBER { return c.sweep.quiet_minutes; }, .max = 525'600,
               .help = "card value that was asked for from elsewhere and is not used here for long goes up; 0: never"},
    config_key{.name = "sweep.dust", .number = TALLY_NUMBER { return c.sweep.dust; }, .max = 1'000'000'000,
               .help = "less than this, minor units of the currency, stays where it lies"},
    config_key{.name = "sweep.transit_max", .number = TALLY_NUMBER { return c.sweep.transit_max; }, .min = 1,
               .max = 1'000'000'000'000, .help = "most that may be on its way up unused, minor units of the currency"},
    config_key{.name = "mirror.path", .text = TALLY_TEXT { return c.mirror.path; }, .max = path_max,
               .shape = text_shape::folder,
               .help = "a directory on a second disk or stick, which has all that head office lacks about a second "
                       "after it was written: 'tallystick ship --from' takes it; empty: none"},
    config_key{.name = "mirror.mb", .number = TALLY_NUMBER { return c.mirror.mb; }, .min = 16, .max = 1'000'000,
               .help = "most that it may take, MiB, for moments twice that; what head office has goes first"},
    config_key{.name = "demo.control", .text = TALLY_TEXT { return c.demo.control; }, .max = address_max,
               .shape = text_shape::http_base, .help = "address of the demo's control interface; empty: no demo"},
};

// clang-format on
#undef TALLY_TEXT
#undef TALLY_NUMBER
#undef TALLY_FLAG

const config_key* find_key(std::string_view name) {
  auto it = std::ranges::find(keys, name, &config_key::name);
  return it == keys.end() ? nullptr : &*it;
}

error refuse(const std::string& where, const config_key& key, std::string_view value) {
  return {errc::bad_config, where + ": " + std::string(key.name) + " = " + std::string(value) + " is not allowed; " +
                                "it must be " + limit_text(key)};
}

void placed(node_config& c, const config_key& key, std::string where) {
  c.places.insert_or_assign(std::string(key.name), std::move(where));
}

status set_text(node_config& c, const config_key& key, const std::string& value, const std::string& where) {
  auto length = static_cast<std::int64_t>(value.size());
  bool fits = value.empty() ? key.may_be_empty : length <= key.max && has_shape(value, key.shape);
  if (key.shape == text_shape::choice) fits = std::ranges::find(key.choices, value) != key.choices.end();
  if (!fits) return refuse(where, key, '"' + value.substr(0, 200) + '"');
  key.text(c) = value;
  placed(c, key, where);
  return done();
}

status set_number(node_config& c, const config_key& key, std::int64_t value, const std::string& where) {
  bool fits = key.allowed.empty() ? value >= key.min && value <= key.max
                                  : std::ranges::find(key.allowed, value) != key.allowed.end();
  if (!fits) return refuse(where, key, std::to_string(value));
  key.number(c) = value;
  placed(c, key, where);
  return done();
}

/// A value from the command line or the environment: text without quotes.
status set_from_text(node_config& c, std::string_view name, const std::string& value, const std::string& where) {
  const auto* key = find_key(name);
  if (!key)
    return error{errc::bad_config,
                 where + ": there is no key " + std::string(name) + "; 'tallystick config --explain' lists them"};
  if (key->text) return set_text(c, *key, value, where);
  if (key->number) {
    std::int64_t n = 0;
    auto end = value.data() + value.size();
    auto [at, bad] = std::from_chars(value.data(), end, n);
    if (bad != std::errc{} || at != end) return refuse(where, *key, value.substr(0, 200));
    return set_number(c, *key, n, where);
  }
  if (value != "true" && value != "false") return refuse(where, *key, value.substr(0, 200));
  key->flag(c) = value == "true";
  placed(c, *key, where);
  return done();
}

bool is_path(const config_key& key) { return key.shape == text_shape::folder || key.shape == text_shape::device; }

std::string listed(const auto& values) {
  std::ostringstream out;
  out << "one of";
  for (const auto& v : values)
    out << " " << v;
  return out.str();
}

class file_reader {
public:
  file_reader(node_config& out, const fs::path& file) : out_(out), file_(file) {}

  status read(const std::string& text) {
    auto parsed = toml::parse(text, file_.string());
    if (!parsed) {
      const auto& e = parsed.error();
      return error{errc::bad_config, where(e.source()) + ": " + std::string(e.description())};
    }
    for (const auto& [section, node] : parsed.table()) {
      const auto* table = node.as_table();
      bool known = std::ranges::any_of(
          keys, [&](const config_key& k) { return k.name.substr(0, k.name.find('.')) == section.str(); });
      if (!table || !known)
        return error{errc::bad_config, where(section.source()) + ": there is no section " + std::string(section.str()) +
                                           "; 'tallystick config --explain' lists all keys"};
      for (const auto& [key, value] : *table)
        TALLY_TRY(set(std::string(section.str()) + "." + std::string(key.str()), key, value));
    }
    return done();
  }

private:
  std::string where(const toml::source_region& at) const {
    return file_.string() + ":" + std::to_string(at.begin.line);
  }

  status set(const std::string& name, const toml::key& at, const toml::node& value) {
    const auto* key = find_key(name);
    auto place = where(at.source());
    if (!key)
      return error{errc::bad_config,
                   place + ": there is no key " + name + "; 'tallystick config --explain' lists them"};
    auto wrong_type = [&] { return refuse(place, *key, written(value)); };
    if (key->number) {
      auto n = value.value_exact<std::int64_t>();
      return n ? set_number(out_, *key, *n, place) : wrong_type();
    }
    if (key->flag) {
      auto b = value.value_exact<bool>();
      if (!b) return wrong_type();
      key->flag(out_) = *b;
      placed(out_, *key, place);
      return done();
    }
    auto s = value.value_exact<std::string>();
    if (!s) return wrong_type();
    TALLY_TRY(set_text(out_, *key, *s, place));
    fs::path p = *s;
    bool by_kind = s->starts_with("usb:") || s->starts_with("name:");
    if (is_path(*key) && !s->empty() && !by_kind && p.is_relative())
      key->text(out_) = (file_.parent_path() / p).lexically_normal().string();
    return done();
  }

  static std::string written(const toml::node& value) {
    std::ostringstream out;
    value.visit([&](const auto& v) { out << v; });
    return out.str().substr(0, 200);
  }

  node_config& out_;
  fs::path file_;
};

}  // namespace

std::span<const config_key> config_keys() { return keys; }

std::string environment_name(std::string_view key) {
  std::string out = "TALLY_";
  for (char c : key)
    out += c == '.' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return out;
}

std::string default_text(const config_key& key) {
  node_config c;
  if (key.number) return std::to_string(key.number(c));
  if (key.flag) return key.flag(c) ? "true" : "false";
  return '"' + key.text(c) + '"';
}

std::string limit_text(const config_key& key) {
  if (key.flag) return "true or false";
  if (key.number && key.allowed.empty()) return std::to_string(key.min) + " to " + std::to_string(key.max);
  if (key.number) return listed(key.allowed);
  if (key.shape == text_shape::choice) return listed(key.choices);
  auto out = std::string(shape_text(key.shape)) + " of at most " + std::to_string(key.max) + " bytes";
  return key.may_be_empty ? out + ", or empty" : out;
}

environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* v = std::getenv(name.c_str());
    return v ? std::optional<std::string>(v) : std::nullopt;
  };
}

result<node_config> load_config(const fs::path& file, const std::vector<std::string>& overrides,
                                const environment& env) {
  node_config c;
  if (!file.empty()) {
    auto text = read_small_file(file);
    if (!text) return text.error();
    TALLY_TRY(file_reader(c, file).read(*text));
  }
  for (const auto& key : keys) {
    auto name = environment_name(key.name);
    if (auto v = env(name)) TALLY_TRY(set_from_text(c, key.name, *v, "environment variable " + name));
  }
  for (const auto& o : overrides) {
    auto at = o.find('=');
    if (at == std::string::npos) return error{errc::bad_config, "--set " + o + ": write it as --set section.key=value"};
    TALLY_TRY(set_from_text(c, o.substr(0, at), o.substr(at + 1), "--set " + o.substr(0, at)));
  }
  if (c.node.data_dir.empty())
    return error{errc::bad_config, (file.empty() ? std::string("configuration") : file.string()) +
                                       ": node.data_dir is missing; it names the folder that 'tallystick init-hq' or "
                                       "'tallystick enrol' made"};
  TALLY_TRY(check_devices(c));
  return c;
}

std::string setting_text(const node_config& config, std::string_view name) {
  const auto* key = find_key(name);
  invariant(key != nullptr, "a key of the table");
  auto copy = config;  // the table reaches values that may be changed
  std::string value = key->text     ? '"' + key->text(copy) + '"'
                      : key->number ? std::to_string(key->number(copy))
                                    : (key->flag(copy) ? "true" : "false");
  auto where = config.places.find(name);
  return (where == config.places.end() ? std::string("the default") : where->second) + ": " + std::string(name) +
         " = " + value;
}

error at_setting(const node_config& config, std::string_view key, const std::string& why) {
  return {errc::bad_config, setting_text(config, key) + ": " + why};
}

std::string explain_config() {
  std::string out =
      "Each key may stand in the file as [section] key = value, in the environment as TALLY_SECTION_KEY, or on the\n"
      "command line as --set section.key=value. The command line beats the environment, which beats the file.\n"
      "A relative path in the file is relative to the folder of the file; elsewhere, to the working directory.\n";
  for (const auto& k : keys) {
    out += "\n" + std::string(k.name) + "   default " + default_text(k) + "\n    " + std::string(k.help) +
           "\n    allowed: " + limit_text(k) + "\n";
  }
  return out;
}

}  // namespace tally
