#include "sync/tlog_proof.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "storage/merkle.hpp"
#include "storage/sha256.hpp"
#include "sync/text.hpp"

namespace tally {
namespace {

constexpr std::string_view inclusion_header = "c2sp.org/tlog-proof@v1", extra_word = "extra ", index_word = "index ",
                           old_word = "old ";

/// Decimal without leading zeroes, all of the text.
std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t n = 0;
  auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (code != std::errc{} || end != text.data() + text.size() || (text.size() > 1 && text[0] == '0'))
    return std::nullopt;
  return n;
}

class line_reader {
public:
  explicit line_reader(std::string_view text) : rest_(text) {}
  /// The next line without its newline; nothing at the end and for a line without one.
  std::optional<std::string_view> next() {
    auto end = rest_.find('\n');
    if (end == rest_.npos) return std::nullopt;
    auto line = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return line;
  }
  std::string_view rest() const { return rest_; }

private:
  std::string_view rest_;
};

std::string lines_of(const merkle_proof& proof) {
  std::string out;
  for (const auto& hash : proof)
    out += to_base64(view_of(hash)) + '\n';
  return out;
}

/// Hashes up to an empty line; what follows is the checkpoint.
std::optional<merkle_proof> hashes_in(line_reader& in) {
  merkle_proof out;
  for (;;) {
    auto line = in.next();
    if (!line) return std::nullopt;
    if (line->empty()) return out;
    hash256 hash;
    auto octets = from_base64(*line, hash.size());
    if (!octets || octets->size() != hash.size() || out.size() == proof_hashes_max) return std::nullopt;
    std::memcpy(hash.data(), octets->data(), hash.size());
    out.push_back(hash);
  }
}

error no_inclusion(const char* what) { return {errc::malformed, std::string("not a tlog-proof: ") + what}; }
error no_consistency(const char* what) { return {errc::malformed, std::string("not a consistency proof: ") + what}; }

}  // namespace

std::string to_text(const inclusion_file& f) {
  std::string out(inclusion_header);
  out += '\n';
  if (f.extra) out += std::string(extra_word) + to_base64(*f.extra) + '\n';
  out += std::string(index_word) + std::to_string(f.index) + '\n' + lines_of(f.proof) + '\n' + f.note;
  return out;
}

result<inclusion_file> parse_inclusion(std::string_view text) {
  if (text.size() > proof_bytes_max) return no_inclusion("too long");
  line_reader in(text);
  if (in.next() != inclusion_header) return no_inclusion("the first line is another");
  inclusion_file out;
  auto line = in.next();
  if (line && line->starts_with(extra_word)) {
    auto octets = from_base64(line->substr(extra_word.size()), proof_extra_max);
    if (!octets) return no_inclusion("the extra data");
    out.extra = std::move(*octets);
    line = in.next();
  }
  if (!line || !line->starts_with(index_word)) return no_inclusion("there is no index");
  auto index = number_of(line->substr(index_word.size()));
  if (!index) return no_inclusion("the index");
  out.index = *index;
  auto proof = hashes_in(in);
  if (!proof) return no_inclusion("the hashes");
  out.proof = std::move(*proof);
  out.note = in.rest();
  return out;
}

std::string to_text(const consistency_file& f) {
  return std::string(old_word) + std::to_string(f.old_size) + '\n' + lines_of(f.proof) + '\n' + f.note;
}

result<consistency_file> parse_consistency(std::string_view text) {
  if (text.size() > proof_bytes_max) return no_consistency("too long");
  line_reader in(text);
  auto line = in.next();
  if (!line || !line->starts_with(old_word)) return no_consistency("the first line is another");
  consistency_file out;
  auto size = number_of(line->substr(old_word.size()));
  if (!size) return no_consistency("the old size");
  out.old_size = *size;
  auto proof = hashes_in(in);
  if (!proof) return no_consistency("the hashes");
  out.proof = std::move(*proof);
  out.note = in.rest();
  return out;
}

result<open_checkpoint> verify_note_of(const log_trust& trust, std::string_view text, const verifier& with) {
  auto parsed = parse_note(text);
  if (!parsed) return parsed.error();
  std::vector<note_key> keys{trust.log};
  keys.insert(keys.end(), trust.cosigners.begin(), trust.cosigners.end());
  auto held = verify_note(*parsed, keys, with);
  if (!held) return held.error();
  auto line_of = [&](std::size_t key) {
    return std::ranges::find_if(*held, [&](const verified_signature& v) { return v.key_index == key; });
  };
  if (line_of(0) == held->end()) return error{errc::bad_signature, trust.log.name + " did not sign this checkpoint"};
  open_checkpoint out;
  for (std::size_t i = 0; i < trust.cosigners.size(); ++i) {
    auto line = line_of(i + 1);
    if (line == held->end())
      return error{errc::bad_signature, trust.cosigners[i].name + " did not cosign this checkpoint"};
    out.cosigned.push_back(line->time);
  }
  auto head = parse_checkpoint_body(parsed->body);
  if (!head) return head.error();
  out.head = std::move(*head);
  const auto& origin = trust.origin.empty() ? trust.log.name : trust.origin;
  if (out.head.origin != origin)
    return error{errc::bad_proof, "this is a checkpoint of " + out.head.origin + ", not of " + origin};
  // RFC 6962 section 2.1: of no entries there is one root.
  if (out.head.size == 0 && out.head.root != merkle_frontier{}.root())
    return error{errc::bad_proof, "a log without entries has another root"};
  return out;
}

result<open_checkpoint> verify_inclusion_file(const log_trust& trust, const inclusion_file& f, byte_view entry,
                                              const verifier& with) {
  auto open = verify_note_of(trust, f.note, with);
  if (!open) return open.error();
  const auto& head = open->head;
  if (f.index >= head.size)
    return error{errc::bad_proof, "there is no entry " + std::to_string(f.index) + " in a log of " +
                                      std::to_string(head.size) + " entries"};
  if (!verify_inclusion(merkle_leaf(entry), f.index, head.size, f.proof, head.root))
    return error{errc::bad_proof, "these octets are not entry " + std::to_string(f.index) + " of " + head.origin};
  return open;
}

result<open_checkpoint> verify_consistency_file(const log_trust& trust, const consistency_file& f,
                                                std::string_view old_note, const verifier& with) {
  auto open = verify_note_of(trust, f.note, with);
  if (!open) return open.error();
  // A cosigner of the newer head need not have seen the older one.
  auto before = verify_note_of({trust.log, trust.origin, {}}, old_note, with);
  if (!before) return error{before.code(), "the older checkpoint: " + before.error().detail};
  if (before->head.size != f.old_size)
    return error{errc::bad_proof, "the proof begins at size " + std::to_string(f.old_size) +
                                      ", the older checkpoint has size " + std::to_string(before->head.size)};
  if (!verify_consistency(f.old_size, before->head.root, open->head.size, open->head.root, f.proof))
    return error{errc::bad_proof, "the log at size " + std::to_string(open->head.size) +
                                      " does not begin with the log at size " + std::to_string(f.old_size)};
  return open;
}

}  // namespace tally
