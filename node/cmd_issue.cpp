#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <iostream>
#include <memory>

#include "devices/chip.hpp"
#include "devices/driver_fd.hpp"
#include "devices/luhn.hpp"
#include "ledger/cards.hpp"
#include "node/cmd.hpp"
#include "node/identity.hpp"
#include "node/office.hpp"
#include "sync/card_qr.hpp"
#include "sync/driver_keyfile.hpp"
#include "sync/entropy_sodium.hpp"

namespace tally::cmd {
namespace {

struct issue_options {
  std::string data, prefix, csv, resume, uids, codes, batch, until, kind;
  std::size_t count = 0;
  std::uint32_t to = 0;
  bool scratch = false, stock = false;
};

// Lines as in every list that is written here (RFC 4180).
constexpr std::string_view csv_head = "number,account\r\n", codes_head = "account,code\r\n";
constexpr std::string_view older_csv_head = "number,account\n";
constexpr std::size_t csv_bytes_max = std::size_t{64} << 20;  // a million lines are half of it

/// The numbers as they were issued, for the card printer: mode 0600, on the disk before head office knows the cards.
class number_file {
public:
  static result<number_file> create(const std::string& path, std::string_view head = csv_head) {
    number_file out;
    out.path_ = path;
    if (path.empty()) return out;
    out.fd_.reset(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!out.fd_ && errno == EEXIST)
      return error{errc::not_allowed, path + " exists; card numbers are never overwritten"};
    if (!out.fd_) return error{errc::io, os_error("cannot create " + path, errno)};
    TALLY_TRY(out.write(head));
    return out;
  }

  /// When no number was drawn, so that the same command can be given again.
  void remove() const {
    if (fd_) ::unlink(path_.c_str());
  }

  status add(const std::vector<issued_card>& cards) {
    std::string text;
    for (const auto& c : cards)
      text += c.number + "," + std::to_string(c.account) + "\r\n";
    if (fd_) return write(text);
    std::cout << text << std::flush;
    return done();
  }

  status write(std::string_view text) {
    while (!text.empty()) {
      auto n = ::write(fd_.get(), text.data(), text.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return error{errc::io, os_error("cannot write " + path_, errno)};
      text.remove_prefix(static_cast<std::size_t>(n));
    }
    if (::fsync(fd_.get()) != 0) return error{errc::io, os_error("cannot write " + path_, errno)};
    return done();
  }

private:
  std::string path_;
  unique_fd fd_;
};

/// What the QR codes of cards say, signed with head office's own key, in a file of its own.
class code_file {
public:
  static result<std::unique_ptr<code_file>> create(const issue_options& o, const std::string& chain) {
    if (o.codes.empty()) return std::unique_ptr<code_file>();
    auto key = read_signing_key(data_layout{o.data}.signing_key());
    if (!key) return key.error();
    auto file = number_file::create(o.codes, codes_head);
    if (!file) return file.error();
    return std::make_unique<code_file>(std::move(*key), chain, std::move(*file));
  }
  code_file(signing_key key, std::string chain, number_file file)
      : signer_(std::move(key)), chain_(std::move(chain)), file_(std::move(file)) {}

  status add(const std::vector<issued_card>& cards) {
    std::string text;
    for (const auto& c : cards) {
      const auto number = c.number.substr(0, c.number.find('.'));  // covered digits are in no code
      const auto shown = mask_number(number);
      const auto tail = shown.size() == 9 ? shown.substr(5) : std::string();
      text += std::to_string(c.account) + "," + make_card_code(signer_, chain_, {{c.account}, tail}) + "\r\n";
    }
    return file_.write(text);
  }
  void remove() const { file_.remove(); }

private:
  ed25519_signer signer_;
  std::string chain_;
  number_file file_;
};

/// A list that `number_file` wrote, this version's or one whose lines end with a line feed alone. Its last line may be
/// half there: no card has that number.
result<std::vector<issued_card>> read_list(const std::string& path) {
  auto text = read_small_file(path, csv_bytes_max);
  if (!text) return text.error();
  const auto head = text->starts_with(older_csv_head) ? older_csv_head : csv_head;
  if (!text->starts_with(head)) return error{errc::bad_config, path + ":1: this is no list of 'tallystick issue'"};
  std::vector<issued_card> out;
  std::size_t number = 2, at = head.size();
  for (auto end = text->find('\n', at); end != text->npos; at = end + 1, end = text->find('\n', at), ++number) {
    auto line = std::string_view(*text).substr(at, end - at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    auto comma = line.find(',');
    issued_card c{std::string(line.substr(0, comma)), 0};
    auto account = comma == line.npos ? std::string_view{} : line.substr(comma + 1);
    auto [stop, bad] = std::from_chars(account.data(), account.data() + account.size(), c.account);
    const bool known =
        is_uid_medium(c.number) || (c.number.size() == 16 && luhn_valid(c.number)) || parse_scratch_number(c.number);
    if (!known || bad != std::errc{} || c.account == 0 || stop != account.data() + account.size())
      return error{errc::bad_config, path + ":" + std::to_string(number) + ": this is no card number with its account"};
    out.push_back(std::move(c));
  }
  if (at < text->size()) std::cerr << path << ": the last line is incomplete and no card; throw its number away.\n";
  return out;
}

/// Notes the batch of cards that are issued now. Status of the command.
int note_batch(const issue_options& o, const admin_client& hq, std::uint32_t kind, std::uint64_t first,
               std::size_t count) {
  if (o.batch.empty() && o.to == 0) return exit_ok;
  auto put = allot_run(hq, {first, count, kind, o.batch.empty() ? "cards " + std::to_string(first) : o.batch, {o.to}});
  if (put) return exit_ok;
  std::cerr << "The cards are issued, but their batch is not noted: tallystick stock --data " << o.data << " --first "
            << first << " --count " << count << " …\n";
  return fail(put.error());
}

int finish(const issue_options& o, const card_order& order, const admin_client& hq) {
  auto list = read_list(o.resume);
  if (!list) return fail_file(list.error());
  auto made = resume_cards(hq, order, *list,
                           [](std::size_t done, std::size_t total) { show_progress("issuing", done, total); });
  if (!made) return fail(made.error());
  std::cerr << "All " << list->size() << " cards of the list are issued; " << *made
            << " of them were missing. What was asked for beyond the list was never drawn: issue it anew.\n";
  return list->empty() ? exit_ok : note_batch(o, hq, order.kind, list->front().account, list->size());
}

/// What an operator does with a list that broke off.
void tell_rest(const issue_options& o, std::uint32_t kind, std::size_t count, std::size_t drawn, std::size_t written) {
  std::cerr << "\n"
            << written << " of " << count << " cards are issued; " << drawn - written
            << " numbers after them in the list may be cards or not. ";
  if (o.csv.empty())
    std::cerr << "Do not use those.\n";
  else
    std::cerr << "When what is said below is mended: tallystick issue --data " << o.data << " --resume " << o.csv
              << " --kind " << kind << (o.stock ? " --stock" : "") << (o.to != 0 ? " --to " + std::to_string(o.to) : "")
              << (o.batch.empty() ? "" : " --batch \"" + o.batch + "\"")
              << (o.until.empty() ? "" : " --valid-until " + o.until) << "\n";
}

/// Numbers to draw, or the chips of a list.
result<card_order> order_of(const issue_options& o) {
  card_order order{{}, o.prefix, 1, o.count, {}, o.scratch, o.stock || o.to != 0, std::nullopt};
  if (!o.until.empty()) {
    auto day = day_from(o.until);
    if (!day || *day == 0) return error{errc::malformed, "--valid-until is a date to come, as 2027-12-31"};
    order.expires = *day;
  }
  if (o.uids.empty()) return order;
  auto text = read_small_file(o.uids, csv_bytes_max);
  if (!text) return text.error();
  auto list = parse_uids(*text);
  if (!list) return error{errc::malformed, o.uids + ": " + list.error().detail};
  order.uids = std::move(*list);
  order.count = order.uids.size();
  return order;
}

int run_issue(const issue_options& o) {
  const bool draws = o.resume.empty() && o.uids.empty();
  if (draws && o.count == 0) return fail(exit_usage, "--count is missing: how many cards to make");
  if (draws && (o.prefix.empty() || o.prefix.size() > 8 || !all_digits(o.prefix)))
    return fail(exit_usage, "--prefix is 1 to 8 digits, as 9704");
  auto id = read_identity(o.data);
  if (!id) return fail(id.error());
  if (id->role != node_role::hq)
    return fail(exit_refused, "only head office issues cards, and " + o.data + " is of " +
                                  std::string(role_name(id->role)) + " \"" + id->name + "\"; no card was made");
  auto order = order_of(o);
  if (!order) return fail_file(order.error());
  order->chain = id->believes.chain;
  auto hq = admin_client::open(o.data);
  if (!hq) return fail(hq.error());
  auto known = check_order(*hq, o.kind, order->expires, o.resume.empty() ? o.batch : "", {o.to});
  if (!known && o.kind.empty() && known.code() == errc::malformed)
    return fail(exit_usage, "--kind is missing: " + known.error().detail + "; no card was made");
  if (!known) return fail(known.error());
  order->kind = known->kind;
  if (!o.resume.empty()) return finish(o, *order, *hq);
  auto codes = code_file::create(o, order->chain);
  if (!codes) return fail(codes.error());
  auto file = number_file::create(o.csv);
  if (!file) {
    if (*codes) (*codes)->remove();
    return fail(file.error());
  }
  system_entropy random;
  std::size_t drawn = 0, written = 0;
  std::uint64_t first = 0;
  auto issued = issue_cards(
      *hq, *order, random,
      [&](const std::vector<issued_card>& cards) -> status {
        drawn += cards.size();
        if (*codes) TALLY_TRY((*codes)->add(cards));
        return file->add(cards);
      },
      [&](std::size_t done, std::size_t total) {
        written = done;
        show_progress("issuing", done, total);
      },
      &first);
  if (!issued) {
    if (drawn == 0) file->remove();
    if (drawn == 0 && *codes) (*codes)->remove();
    if (drawn != 0) tell_rest(o, order->kind, order->count, drawn, written);
    return fail(issued.error());
  }
  if (auto code = note_batch(o, *hq, order->kind, first, order->count); code != exit_ok) return code;
  std::cerr << order->count << " cards of kind " << order->kind
            << (known->kind_name.empty() ? "" : " (" + known->kind_name + ")")
            << " are issued. Whoever has the numbers can print the cards: guard the list.\n";
  return exit_ok;
}

}  // namespace

void add_issue(CLI::App& app, int& status) {
  auto o = std::make_shared<issue_options>();
  auto* c = app.add_subcommand("issue", "Head office: make new cards");
  c->add_option("--data", o->data, "head office's data directory; its node must run")->required();
  auto* count = c->add_option("--count", o->count, "how many")->check(CLI::Range(1, 1'000'000));
  auto* prefix = c->add_option("--prefix", o->prefix, "first digits of each number, 1 to 8");
  auto* csv = c->add_option("--csv", o->csv, "new file for the numbers, mode 0600; without it they are printed");
  auto* uids = c->add_option("--uids", o->uids, "instead: a list of chips' UIDs, one a line; each becomes a card");
  uids->excludes(count)->excludes(prefix);
  auto* scratch =
      c->add_flag("--scratch", o->scratch,
                  "8 more digits for each number, to be printed under a coating; the card opens only with them");
  uids->excludes(scratch);
  auto* codes = c->add_option("--codes", o->codes,
                              "new file for what each card's QR code says, signed by head office, mode 0600");
  c->add_option("--resume", o->resume,
                "a list of an earlier --csv that broke off: make those of its cards that are none")
      ->excludes(count)
      ->excludes(prefix)
      ->excludes(csv)
      ->excludes(uids)
      ->excludes(scratch)
      ->excludes(codes);
  codes->excludes(scratch);
  c->add_option("--batch", o->batch, "a name for these cards, at most 60 bytes; 'tallystick stock' lists it");
  c->add_flag("--stock", o->stock, "not sold yet: each is opened when a store sells it");
  c->add_option("--to", o->to, "number of the store that sells them, also without a line; they are stock");
  c->add_option("--valid-until", o->until, "last day on which these are good, as 2027-12-31; else as their kind says");
  c->add_option("--kind", o->kind,
                "number or name of a [[card_kind]] of the rules; needed when they have more than one");
  c->footer(
      "A number has 16 digits: prefix, serial number, 4 random ones, check digit. The random ones are in the list and\n"
      "on the card; nothing shows, prints or exports them, and head office does not keep them.\n"
      "Example:\n  tallystick issue --data /srv/tally --count 1000 --prefix 9704 --csv cards.csv\n"
      "  tallystick issue --data /srv/tally --count 1000 --prefix 9704 --csv cards.csv --codes codes.csv\n"
      "  tallystick issue --data /srv/tally --count 10000 --prefix 9704 --kind 2 --batch \"spring\" --to 5 --csv "
      "s.csv\n"
      "  tallystick issue --data /srv/tally --count 50 --prefix 9704 --valid-until 2027-12-31 --csv guests.csv\n"
      "  tallystick issue --data /srv/tally --uids chips.txt --csv chips.csv\n"
      "  tallystick issue --data /srv/tally --count 1000 --prefix 9704 --scratch --csv scratch.csv\n"
      "  tallystick issue --data /srv/tally --resume cards.csv");
  c->callback([o, &status] { status = run_issue(*o); });
}

}  // namespace tally::cmd
