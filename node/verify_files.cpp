#include <iostream>

#include "node/proof_files.hpp"
#include "node/public_files.hpp"
#include "node/receipt_files.hpp"
#include "node/terminal.hpp"
#include "sync/station.hpp"
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

/// The chain that the key's name says; nothing when it is not the key of that writer's journal.
std::optional<std::string> chain_of(const note_key& key, const receipt_code& code) {
  constexpr std::string_view start = "tallystick/";
  const auto end = stream_origin({}, code.stream()).substr(start.size());  // "/3/5f0c1a2b3c4d5e6f/journal"
  if (key.name.size() <= start.size() + end.size() || !key.name.starts_with(start) || !key.name.ends_with(end))
    return std::nullopt;
  return key.name.substr(start.size(), key.name.size() - start.size() - end.size());
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
    if (!o_.receipt.empty()) receipt();
    if (!o_.consistency.empty() && o_.receipt.empty()) consistency();
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
  void does_not_hold(const std::string& what, const error& why) {
    std::cout << "DOES NOT HOLD: " << what << ": " << cmd::sentence_of(why) << "\n";
    if (status_ == cmd::exit_ok) status_ = cmd::exit_refused;
  }
  void receipt() {
    auto text = o_.receipt;
    if (!text.starts_with(receipt_code_mark)) {
      auto file = content(text, 4'096);
      if (!file) return;
      text = trimmed(std::move(*file));
    }
    auto code = parse_receipt_code(text);
    if (!code) return does_not_hold("receipt", code.error());
    const auto chain = chain_of(trust_.log, *code);
    if (!chain)
      return does_not_hold("receipt", {errc::bad_proof, "it is of node " + std::to_string(code->writer.node.value) +
                                                            ", and the key is that of " + trust_.log.name});
    if (auto ok = verify_receipt(*code, *chain, trust_.log.key, with_); !ok)
      return does_not_hold("receipt", ok.error());
    const auto note = receipt_note(*code, *chain, trust_.log.key);
    std::cout << "holds: signed by " << trust_.log.name << ": " << receipt_code_text(*code, code->entry);
    if (!o_.note.empty()) {
      if (auto written = write_public_file(o_.note, note); !written) {
        std::cerr << "tallystick: " << written.error().detail << "\n";
        status_ = cmd::exit_usage;
      }
    }
    if (!o_.consistency.empty()) consistency(note);
  }
  void consistency() {
    if (auto old = content(o_.old, note_bytes_max)) consistency(*old);
  }
  void consistency(const std::string& old) {
    auto text = content(o_.consistency, proof_bytes_max);
    if (!text) return;
    auto f = parse_consistency(*text);
    if (!f) return outcome(o_.consistency, f.error(), "");
    outcome(o_.consistency, verify_consistency_file(trust_, *f, old, with_),
            "the log of size " + std::to_string(f->old_size) + " is the beginning of ");
  }

  const verify_options& o_;
  log_trust trust_;
  ed25519_verifier with_;
  int status_ = cmd::exit_ok;
};

}  // namespace

int cmd_verify(const verify_options& o) {
  if (o.checkpoint.empty() && o.proof.empty() && o.consistency.empty() && o.receipt.empty())
    return cmd::fail(cmd::exit_usage, "nothing to check: name a --checkpoint, --proof, --consistency or --receipt");
  if (!o.receipt.empty() && !o.old.empty())
    return cmd::fail(cmd::exit_usage, "--receipt is the older checkpoint itself: leave --old out");
  if (o.receipt.empty() && !o.note.empty()) return cmd::fail(cmd::exit_usage, "--note goes with --receipt");
  if (o.proof.empty() != o.entry.empty()) return cmd::fail(cmd::exit_usage, "--proof and --entry go together");
  if (o.receipt.empty() && o.consistency.empty() != o.old.empty())
    return cmd::fail(cmd::exit_usage, "--consistency and --old go together");
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
