#include <iostream>

#include "node/proof_files.hpp"
#include "node/public_files.hpp"
#include "node/terminal.hpp"
#include "sync/text.hpp"
#include "sync/tlog_proof.hpp"

namespace tally {
namespace fs = std::filesystem;
namespace {

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
    text.pop_back();
  return text;
}

/// A verifier key as text, or the file that holds it.
result<note_key> key_from(const std::string& text) {
  if (auto key = parse_verifier_key(text)) return key;
  auto file = read_public_file(text, 4'096);
  if (!file)
    return error{errc::malformed, text + " is neither a verifier key (name+hash+key) nor a file that can be read"};
  auto key = parse_verifier_key(trimmed(*file));
  if (!key) return error{errc::malformed, text + " holds no verifier key of Ed25519 (name+hash+key)"};
  return key;
}

std::string describe(const log_trust& trust, const open_checkpoint& c) {
  auto text = c.head.origin + ", size " + std::to_string(c.head.size) + ", root " + to_base64(view_of(c.head.root)) +
              ", signed by " + trust.log.name;
  for (std::size_t i = 0; i < c.cosigned.size(); ++i) {
    text += ", cosigned by " + trust.cosigners[i].name;
    if (c.cosigned[i]) text += " at " + std::to_string(*c.cosigned[i]);
  }
  return text;
}

class file_check {
public:
  file_check(const verify_options& o, log_trust trust) : o_(o), trust_(std::move(trust)) {}

  int run() {
    if (!o_.checkpoint.empty()) checkpoint_file();
    if (!o_.proof.empty()) inclusion();
    if (!o_.consistency.empty()) consistency();
    return status_;
  }

private:
  std::optional<bytes> content(const fs::path& file, std::size_t bytes_max) {
    auto text = read_public_file(file, bytes_max);
    if (text) return std::move(*text);
    std::cerr << "tallystick: " << text.error().detail << "\n";
    status_ = cmd::exit_usage;
    return std::nullopt;
  }
  void outcome(const fs::path& file, const result<open_checkpoint>& c, const std::string& what) {
    if (c) {
      std::cout << "holds: " << file.string() << ": " << what << describe(trust_, *c) << "\n";
      return;
    }
    std::cout << "DOES NOT HOLD: " << file.string() << ": " << cmd::sentence_of(c.error()) << "\n";
    if (status_ == cmd::exit_ok) status_ = cmd::exit_refused;
  }
  void checkpoint_file() {
    if (auto text = content(o_.checkpoint, note_bytes_max))
      outcome(o_.checkpoint, verify_note_of(trust_, *text, with_), "checkpoint of ");
  }
  void inclusion() {
    auto text = content(o_.proof, proof_bytes_max);
    auto entry = content(o_.entry, std::size_t{64} << 20);
    if (!text || !entry) return;
    auto f = parse_inclusion(*text);
    if (!f) return outcome(o_.proof, f.error(), "");
    outcome(o_.proof, verify_inclusion_file(trust_, *f, *entry, with_),
            o_.entry.string() + " is entry " + std::to_string(f->index) + " of ");
  }
  void consistency() {
    auto text = content(o_.consistency, proof_bytes_max);
    auto old = content(o_.old, note_bytes_max);
    if (!text || !old) return;
    auto f = parse_consistency(*text);
    if (!f) return outcome(o_.consistency, f.error(), "");
    outcome(o_.consistency, verify_consistency_file(trust_, *f, *old, with_),
            "the log of size " + std::to_string(f->old_size) + " is the beginning of ");
  }

  const verify_options& o_;
  log_trust trust_;
  ed25519_verifier with_;
  int status_ = cmd::exit_ok;
};

}  // namespace

int cmd_verify(const verify_options& o) {
  if (o.checkpoint.empty() && o.proof.empty() && o.consistency.empty())
    return cmd::fail(cmd::exit_usage, "nothing to check: name a --checkpoint, a --proof or a --consistency");
  if (o.proof.empty() != o.entry.empty()) return cmd::fail(cmd::exit_usage, "--proof and --entry go together");
  if (o.consistency.empty() != o.old.empty()) return cmd::fail(cmd::exit_usage, "--consistency and --old go together");
  auto log = key_from(o.key);
  if (!log) return cmd::fail(cmd::exit_usage, log.error().detail);
  log_trust trust{*log, o.origin, {}};
  for (const auto& text : o.cosigners) {
    auto key = key_from(text);
    if (!key) return cmd::fail(cmd::exit_usage, key.error().detail);
    trust.cosigners.push_back(std::move(*key));
  }
  return file_check(o, std::move(trust)).run();
}

}  // namespace tally
