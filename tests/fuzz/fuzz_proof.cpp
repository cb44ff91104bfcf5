// Proof files from anywhere: read, written as they were read, and never believed without a signature.
#include "fuzz/fuzz.hpp"
#include "sync/stream_log.hpp"
#include "sync/tlog_proof.hpp"

using namespace tally;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto in = fuzz::view(data, size);
  static const ed25519_verifier with;
  const log_trust trust{{"log", note_algorithm::ed25519, {}}, {}, {}};
  if (auto f = parse_inclusion(in)) {
    fuzz::expect(to_text(*f) == in, "a tlog-proof is written as it was read");
    fuzz::expect(!verify_inclusion_file(trust, *f, "entry", with).ok(), "nobody's key signed it");
    // The tree's arithmetic alone, for any size.
    if (auto n = parse_note(f->note))
      if (auto head = parse_checkpoint_body(n->body))
        (void)verify_inclusion({}, f->index, head->size, f->proof, head->root);
  }
  if (auto f = parse_consistency(in)) {
    fuzz::expect(to_text(*f) == in, "a consistency proof is written as it was read");
    fuzz::expect(!verify_consistency_file(trust, *f, f->note, with).ok(), "nobody's key signed it");
    if (auto n = parse_note(f->note))
      if (auto head = parse_checkpoint_body(n->body)) {
        bool holds = verify_consistency(f->old_size, {}, head->size, head->root, f->proof);
        fuzz::expect(!holds, "no log has a root of zeros");
      }
  }
  if (auto id = parse_stream_name(in, "chain")) fuzz::expect(!in.empty(), "a name says something");
  return 0;
}
