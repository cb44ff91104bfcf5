#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

#include "ledger/cards.hpp"
#include "node/cmd.hpp"
#include "node/code_picture.hpp"
#include "node/identity.hpp"
#include "node/office_vouchers.hpp"
#include "sync/driver_keyfile.hpp"
#include "sync/voucher_code.hpp"

namespace tally::cmd {
namespace {

constexpr std::uint64_t vouchers_max = 100'000, pictures_max = 10'000;
constexpr std::string_view csv_head = "account,purse,units,good_until,code\r\n";
/// A field of a CSV (RFC 4180, section 2): in quotes where it has a comma, a quote or an end of line in it.
std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == text.npos) return text;
  std::string out = "\"";
  for (char c : text)
    out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

constexpr std::string_view sent_head = "number,account,voucher,state,why,detail\r\n";
constexpr std::size_t sends_at_once = 50;

struct voucher_options {
  std::string data, batch, money, tender = "transfer", until, csv, pictures, to_cards;
  std::vector<std::string> cards;
  std::uint64_t issue = 0;
  std::uint32_t purse = 0;
  std::int64_t units = 1;
  bool codes = false, end = false, no_csv = false, send = false;
};

/// The list of codes, and a picture of each if wanted. Whoever has a code has what is behind it: private files.
class code_list {
public:
  static result<std::unique_ptr<code_list>> create(const voucher_options& o, const node_identity& id) {
    auto key = read_signing_key(data_layout{o.data}.signing_key());
    if (!key) return key.error();
    if (std::filesystem::exists(o.csv)) return error{errc::bad_config, o.csv + " is there already; name a new file"};
    if (auto ok = write_private_file(o.csv, csv_head); !ok) return ok.error();
    std::error_code bad;
    if (!o.pictures.empty()) std::filesystem::create_directories(o.pictures, bad);
    if (bad) return error{errc::io, "cannot make " + o.pictures + ": " + bad.message()};
    return std::make_unique<code_list>(std::move(*key), id.believes.chain, o);
  }
  code_list(signing_key key, std::string chain, const voucher_options& o)
      : signer_(std::move(key)),
        chain_(std::move(chain)),
        path_(o.csv),
        pictures_(o.pictures),
        file_(o.csv, std::ios::binary | std::ios::app) {}

  status add(const std::vector<granted_voucher>& part) {
    for (const auto& v : part) {
      const auto code = make_voucher_code(signer_, chain_, {{v.account}, v.face});
      file_ << v.account << "," << v.face.purse << "," << v.face.units << ","
            << (v.face.until == 0 ? "" : date_text(v.face.until)) << "," << code << "\r\n";
      if (pictures_.empty()) continue;
      auto picture = qr_svg(code);
      if (!picture) return picture.error();
      TALLY_TRY(write_private_file((std::filesystem::path(pictures_) / (std::to_string(v.account) + ".svg")).string(),
                                   *picture));
    }
    return file_.flush() ? done() : status(error{errc::io, "cannot write " + path_});
  }

private:
  ed25519_signer signer_;
  std::string chain_, path_, pictures_;
  std::ofstream file_;
};

int list_batches(const admin_client& hq) {
  auto batches = voucher_batches(hq);
  if (!batches) return fail(batches.error());
  if (batches->empty()) {
    std::cout << "There are no vouchers with codes; --issue makes some.\n";
    return exit_ok;
  }
  auto state = hq.get("status");
  if (!state) return fail(state.error());
  const auto unit = state->value("unit", nlohmann::json::object());
  auto worth = [&](const voucher_batch& b, amount n) {
    return b.purse == purse_paid ? format_amount(n, unit.value("exponent", 2)) + " " + unit.value("code", "")
                                 : std::to_string(n);
  };
  std::vector<std::vector<std::string>> rows{{"BATCH", "PURSE", "COUNT", "UNITS", "NOT TAKEN", "VOID", "UNTIL"}};
  for (const auto& b : *batches)
    rows.push_back({b.name, b.purse == purse_paid ? "money" : std::to_string(b.purse), std::to_string(b.count),
                    worth(b, b.units), worth(b, b.left), std::to_string(b.voided),
                    b.until == 0 ? "-" : date_text(b.until)});
  std::cout << table(rows);
  return exit_ok;
}

result<voucher_order> order_from(const voucher_options& o, const admin_client& hq) {
  voucher_order out;
  out.batch = o.batch;
  if ((o.purse != 0) == !o.money.empty())
    return error{errc::bad_config, "say what is behind each: --purse for a voucher of the rules, or --money"};
  if (!o.until.empty()) {
    auto day = day_from(o.until);
    if (!day || *day == 0) return error{errc::bad_config, "--until is a date to come, as 2027-12-31"};
    out.face.until = *day;
  }
  if (o.money.empty()) {
    out.face.purse = o.purse;
    out.face.units = o.units;
    return out;
  }
  auto state = hq.get("status");
  if (!state) return state.error();
  const int exponent = state->value("unit", nlohmann::json::object()).value("exponent", 2);
  auto sum = parse_amount(o.money, exponent);
  if (!sum || *sum <= 0)
    return error{errc::bad_config, "--money is a sum of money, as " + format_amount(1'000'000, exponent)};
  out.face.purse = purse_paid;
  out.face.units = *sum;
  out.tender = o.tender;
  return out;
}

int issue(const voucher_options& o, const node_identity& id, const admin_client& hq) {
  if (o.batch.empty() || o.csv.empty() != o.no_csv)
    return fail(exit_usage, "--batch names them, and --csv is the file that gets their codes, or --no-csv: none does");
  if (o.no_csv && !o.pictures.empty()) return fail(exit_usage, "--pictures are of codes in a file");
  if (!o.pictures.empty() && o.issue > pictures_max)
    return fail(exit_usage, "pictures of at most " + std::to_string(pictures_max) + " at once");
  auto known = voucher_batches(hq);
  if (!known) return fail(known.error());
  if (std::ranges::any_of(*known, [&](const voucher_batch& b) { return b.name == o.batch; }))
    return fail(exit_refused, "there is a batch \"" + o.batch + "\" already; take another name");
  auto order = order_from(o, hq);
  if (!order) return fail(exit_usage, order.error().detail);
  std::unique_ptr<code_list> file;
  if (!o.no_csv) {
    auto opened = code_list::create(o, id);
    if (!opened) return fail(opened.error());
    file = std::move(*opened);
  }
  std::uint64_t made = 0;
  auto ok = grant_vouchers(
      hq, *order, o.issue,
      [&](const std::vector<granted_voucher>& part) {
        made += part.size();
        return file ? file->add(part) : done();
      },
      [](std::size_t done, std::size_t total) { show_progress("issuing", done, total); });
  if (!ok && made == 0) {
    std::error_code gone;
    if (file) std::filesystem::remove(o.csv, gone);
    return fail(ok.error());
  }
  if (!ok) {
    std::cerr << "\n"
              << made << " vouchers are issued. --codes --batch \"" << o.batch << "\" writes their codes anew.\n";
    return fail(ok.error());
  }
  if (!file) {
    std::cout << made << " vouchers are issued; no file has their codes. --send --batch \"" << o.batch
              << "\" sends them to members.\n";
    return exit_ok;
  }
  std::cout << made << " vouchers are issued; their codes are in " << o.csv
            << ". Whoever shows one gets what is behind "
            << "it, once.\n";
  return exit_ok;
}

int codes_or_end(const voucher_options& o, const node_identity& id, const admin_client& hq) {
  if (o.batch.empty()) return fail(exit_usage, "--batch says which vouchers");
  auto list = vouchers_of(hq, o.batch);
  if (!list) return fail(list.error());
  if (list->empty()) return fail(exit_refused, "there is no batch \"" + o.batch + "\"; see 'tallystick voucher'");
  if (o.end) {
    auto ended =
        void_vouchers(hq, *list, [](std::size_t done, std::size_t total) { show_progress("voiding", done, total); });
    if (!ended) return fail(ended.error());
    std::cout << *ended << " vouchers of \"" << o.batch
              << "\" are void. Each store refuses them from when it hears of that.\n";
    return exit_ok;
  }
  if (o.csv.empty()) return fail(exit_usage, "--csv is the file that gets the codes");
  std::erase_if(*list, [](const granted_voucher& v) { return v.is_void; });
  // A code that is somebody's is on no list that somebody else is given.
  const auto sent = std::erase_if(*list, [](const granted_voucher& v) { return v.sent; });
  auto file = code_list::create(o, id);
  if (!file) return fail(file.error());
  if (auto ok = (*file)->add(*list); !ok) return fail(ok.error());
  std::cout << "The codes of " << list->size() << " vouchers are in " << o.csv << ".\n";
  if (sent != 0) std::cout << sent << " more were sent to members, and are left out.\n";
  return exit_ok;
}

constexpr std::size_t to_cards_bytes_max = vouchers_max * 64;

/// The first column of each line; a heading without digits is left out.
result<std::vector<std::string>> listed_cards(const voucher_options& o) {
  auto out = o.cards;
  if (!o.to_cards.empty()) {
    auto text = read_small_file(o.to_cards, to_cards_bytes_max);
    if (!text) return text.error();
    std::istringstream in(*text);
    std::size_t at = 0;
    for (std::string line; std::getline(in, line);) {
      ++at;
      line = line.substr(0, line.find_first_of(",;\r\t"));
      std::erase_if(line, [](char c) { return c == ' ' || c == '"'; });
      if (line.empty() || (at == 1 && line.find_first_of("0123456789") == std::string::npos)) continue;
      const bool number = line.size() <= 32 && line.find_first_not_of("0123456789") == std::string::npos;
      if (!number)
        return error{errc::malformed, o.to_cards + ":" + std::to_string(at) + ": a line begins with a card's number"};
      out.push_back(std::move(line));
      if (out.size() > vouchers_max)
        return error{errc::malformed, o.to_cards + ": at most " + std::to_string(vouchers_max) + " cards at once"};
    }
  }
  if (out.empty()) return error{errc::malformed, "name a card with --card, or a file of them with --to-cards"};
  return out;
}

/// Whether one row and those behind it are to be asked for again later: nothing more goes into the outbox now.
bool is_full(const voucher_outcome& v) { return v.state == "refused" && v.why == errc_name(errc::full); }

int send(const voucher_options& o, const node_identity& id, const admin_client& hq) {
  if (o.batch.empty() || o.csv.empty())
    return fail(exit_usage, "--batch says which vouchers, and --csv is the file that says what became of each number");
  auto numbers = listed_cards(o);
  if (!numbers) return fail(exit_usage, numbers.error().detail);
  if (std::filesystem::exists(o.csv)) return fail(exit_usage, o.csv + " is there already; name a new file");
  if (auto ok = write_private_file(o.csv, sent_head); !ok) return fail(ok.error());
  std::ofstream file(o.csv, std::ios::binary | std::ios::app);
  std::map<std::string, std::size_t> counts;
  bool full = false;
  for (std::size_t at = 0; at < numbers->size();) {
    const auto end = std::min(numbers->size(), at + sends_at_once);
    const std::vector<std::string> part(numbers->begin() + static_cast<std::ptrdiff_t>(at),
                                        numbers->begin() + static_cast<std::ptrdiff_t>(end));
    std::vector<voucher_outcome> rows(part.size(),
                                      {0, 0, "refused", std::string(errc_name(errc::full)), "the outbox is full"});
    if (!full) {
      auto a = send_vouchers(hq, id.believes.chain, o.batch, part);
      if (!a) {
        std::cerr << "\n"
                  << at << " of " << numbers->size() << " numbers are in " << o.csv
                  << ". The same command with another --csv goes on, and sends nobody a second one.\n";
        return fail(a.error());
      }
      rows = std::move(*a);
    }
    for (std::size_t i = 0; i < part.size(); ++i) {
      const auto& v = rows[i];
      file << part[i] << "," << v.account << "," << (v.voucher == 0 ? "" : std::to_string(v.voucher)) << "," << v.state
           << "," << v.why << "," << quoted(v.detail) << "\r\n";
      ++counts[v.state];
      full = full || is_full(v);
    }
    if (!file.flush()) return fail(error{errc::io, "cannot write " + o.csv});
    at = end;
    show_progress("sending", at, numbers->size());
  }
  for (const auto& [state, n] : counts)
    std::cout << n << " " << state << "\n";
  std::cout << o.csv << " says what became of each number. The same command again, with another --csv, sends nobody a "
            << "second one and says what became of it.\n";
  return full ? fail(error{errc::full, "the outbox is full: have messages delivered, and send the rest then"})
              : exit_ok;
}

int run_voucher(const voucher_options& o) {
  auto id = read_identity(o.data);
  if (!id) return fail(id.error());
  auto hq = admin_client::open(o.data);
  if (!hq) return fail(hq.error());
  if (o.issue != 0) return issue(o, *id, *hq);
  if (o.send) return send(o, *id, *hq);
  if (o.codes || o.end) return codes_or_end(o, *id, *hq);
  return list_batches(*hq);
}

}  // namespace

void add_voucher(CLI::App& app, int& status) {
  auto o = std::make_shared<voucher_options>();
  auto* c = app.add_subcommand("voucher", "Head office: vouchers and gift certificates with codes");
  c->add_option("--data", o->data, "head office's data directory; its node must run")->required();
  auto* issue = c->add_option("--issue", o->issue, "make so many")->check(CLI::Range(std::uint64_t{1}, vouchers_max));
  c->add_option("--batch", o->batch, "what they are called together, at most 30 octets");
  c->add_option("--purse", o->purse, "each is worth units of this purse, which takes a sum off")
      ->check(CLI::Range(2, 255))
      ->needs(issue);
  c->add_option("--units", o->units, "so many of them")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000}))
      ->capture_default_str()
      ->needs(issue);
  c->add_option("--money", o->money, "or each is a gift certificate of this sum, which was paid for")->needs(issue);
  c->add_option("--tender", o->tender, "how")
      ->check(CLI::IsMember({"cash", "bank", "transfer"}))
      ->capture_default_str()
      ->needs("--money");
  c->add_option("--until", o->until, "last day on which they are good, as 2027-12-31")->needs(issue);
  c->add_option("--csv", o->csv, "a new file for the codes");
  c->add_option("--pictures", o->pictures, "a directory for an SVG picture of each code");
  auto* codes = c->add_flag("--codes", o->codes, "write the codes of a batch once more")->excludes(issue);
  c->add_flag("--void", o->end, "no code of the batch counts any more")->excludes(issue)->excludes(codes);
  c->add_flag("--no-csv", o->no_csv, "no file gets their codes: they are for --send")->needs(issue);
  auto* send = c->add_flag("--send", o->send, "send the members of cards a voucher of the batch each, by the outbox")
                   ->excludes(issue)
                   ->excludes(codes);
  c->add_option("--card", o->cards, "to the member of this card")->needs(send);
  c->add_option("--to-cards", o->to_cards, "to those of the cards in this file, a number at the start of each line")
      ->needs(send);
  c->footer(
      "A code is signed by head office: a store without a line takes it within its risk_budget of the rules, and a\n"
      "code that was taken twice so is a case at head office ('tallystick cases').\n"
      "Examples:\n  tallystick voucher --data /srv/tally\n"
      "  tallystick voucher --data /srv/tally --issue 500 --batch spring --purse 4 --until 2027-03-31 --csv "
      "spring.csv\n"
      "  tallystick voucher --data /srv/tally --issue 20 --batch acme --money 100.00 --csv acme.csv --pictures acme\n"
      "  tallystick voucher --data /srv/tally --issue 500 --batch may --purse 4 --until 2027-05-31 --no-csv\n"
      "  tallystick voucher --data /srv/tally --send --batch may --to-cards members.csv --csv sent.csv\n"
      "  tallystick voucher --data /srv/tally --void --batch spring\n"
      "--send is for members that agreed to offers and to SMS; 'tallystick outbox' hands the messages out.");
  c->callback([o, &status] { status = run_voucher(*o); });
}

}  // namespace tally::cmd
