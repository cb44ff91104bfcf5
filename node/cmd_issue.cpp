#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <iostream>

#include "devices/driver_fd.hpp"
#include "devices/luhn.hpp"
#include "node/admin.hpp"
#include "node/cmd.hpp"
#include "node/identity.hpp"
#include "node/office.hpp"
#include "sync/entropy_sodium.hpp"

namespace tally::cmd {
namespace {

struct options {
  std::string data, prefix, csv, kind = "stored_value";
  std::size_t count = 0;
};

/// The numbers as they were issued, for the card printer: mode 0600, on the disk before head office knows the cards.
class number_file {
public:
  static result<number_file> create(const std::string& path) {
    number_file out;
    out.path_ = path;
    if (path.empty()) return out;
    out.fd_.reset(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!out.fd_ && errno == EEXIST)
      return error{errc::not_allowed, path + " exists; card numbers are never overwritten"};
    if (!out.fd_) return error{errc::io, os_error("cannot create " + path, errno)};
    TALLY_TRY(out.write("number,account\n"));
    return out;
  }

  status add(const std::vector<issued_card>& cards) {
    std::string text;
    for (const auto& c : cards)
      text += c.number + "," + std::to_string(c.account) + "\n";
    if (fd_) return write(text);
    std::cout << text << std::flush;
    return done();
  }

private:
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

  std::string path_;
  unique_fd fd_;
};

int run(const options& o) {
  auto kind = card_kind_of(o.kind);
  if (!kind) return fail(exit_usage, "--kind " + o.kind + " is not known; use stored_value");
  if (o.prefix.empty() || o.prefix.size() > 8 || !all_digits(o.prefix))
    return fail(exit_usage, "--prefix is 1 to 8 digits, as 9704");
  auto id = read_identity(o.data);
  if (!id) return fail(id.error());
  auto hq = admin_client::open(o.data);
  if (!hq) return fail(hq.error());
  auto file = number_file::create(o.csv);
  if (!file) return fail(file.error());
  system_entropy random;
  std::size_t written = 0;
  auto issued = issue_cards(
      *hq, {id->believes.chain, o.prefix, *kind, o.count}, random,
      [&](const std::vector<issued_card>& cards) { return file->add(cards); },
      [&](std::size_t done, std::size_t total) {
        written = done;
        show_progress("issuing", done, total);
      });
  if (!issued) {
    std::cerr << "\n"
              << written << " of " << o.count << " cards are issued; of the numbers that follow them in the "
              << "list up to " << admin_cards_batch_max << " may be.\n";
    return fail(issued.error());
  }
  std::cerr << o.count << " cards are issued. Whoever has the numbers can print the cards: guard the list.\n";
  return exit_ok;
}

}  // namespace

void add_issue(CLI::App& app, int& status) {
  auto o = std::make_shared<options>();
  auto* c = app.add_subcommand("issue", "Head office: make new cards");
  c->add_option("--data", o->data, "head office's data directory; its node must run")->required();
  c->add_option("--count", o->count, "how many")->required()->check(CLI::Range(1, 1'000'000));
  c->add_option("--prefix", o->prefix, "first digits of each number, 1 to 8")->required();
  c->add_option("--csv", o->csv, "new file for the numbers, mode 0600; without it they are printed");
  c->add_option("--kind", o->kind, "kind of card: stored_value")->capture_default_str();
  c->footer(
      "A number has 16 digits: prefix, serial number, 4 random ones, check digit.\n"
      "Example:\n  tallystick issue --data /srv/tally --count 1000 --prefix 9704 --csv cards.csv");
  c->callback([o, &status] { status = run(*o); });
}

}  // namespace tally::cmd
