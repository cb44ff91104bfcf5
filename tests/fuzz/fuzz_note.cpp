// Checkpoints, signed notes and verifier keys: texts that anybody may hand us.
#include "fuzz/fuzz.hpp"
#include "sync/checkpoint.hpp"

using namespace tally;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto in = fuzz::view(data, size);
  if (auto head = parse_checkpoint_body(in)) {
    fuzz::expect(checkpoint_body(*head) == in, "a checkpoint is written as it was read");
    static const ed25519_verifier with;
    fuzz::expect(!verify_checkpoint(with, {}, *head, {}), "nothing is signed by nobody");
  }
  if (auto key = parse_verifier_key(in)) fuzz::expect(verifier_key(*key) == in, "a key is written as it was read");
  auto n = parse_note(in);
  if (!n) return 0;
  fuzz::expect(!n->signatures.empty() && n->body.ends_with('\n'), "a note has a text and a signature");
  static const ed25519_verifier with;
  std::vector<note_key> keys;
  for (const auto& s : n->signatures)
    if (keys.size() < 4)
      keys.push_back({s.name, keys.size() % 2 ? note_algorithm::cosignature_v1 : note_algorithm::ed25519, {}});
  fuzz::expect(!verify_note(*n, keys, with).ok(), "no key of zeros signed it");
  return 0;
}
