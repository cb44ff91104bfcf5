#include "node/cmd.hpp"
#include "node/proof_files.hpp"
#include "node/receipt_files.hpp"

namespace tally::cmd {

void add_prove(CLI::App& app, int& status) {
  auto o = std::make_shared<prove_options>();
  auto* c =
      app.add_subcommand("prove", "Write a signed checkpoint and proofs from a node's data, for anybody to check");
  c->add_option("--data", o->data, "data directory; its node may run meanwhile, nothing in it is changed")->required();
  c->add_option("--out", o->out, "directory for the files; made if it is not there")->required();
  c->add_option(
      "--stream", o->stream,
      "which log, e.g. 3.5f0c1a2b3c4d5e6f/journal, 3/journal or directory; without it the journal of a receipt that is "
      "named, else the node's own");
  c->add_option("--entry", o->entries,
                "prove that this entry is in it: its number, or a receipt's id; may be repeated");
  auto* from =
      c->add_option("--from", o->from, "prove that it begins with the log of this earlier checkpoint (a file)");
  c->add_option("--from-size", o->from_size, "the same from a size")->excludes(from)->check(CLI::PositiveNumber);
  auto* size =
      c->add_option("--size", o->size, "of the checkpoint; without it the newest head")->check(CLI::PositiveNumber);
  c->add_flag("--cosigned", o->cosigned, "the newest head that head office cosigned")->excludes(size);
  c->add_option("--key-file", o->key_file, "the node's signing key, when it is not in the data directory");
  c->footer(
      "Status: 0 written; 1 not there, or it cannot be signed; 2 data or files could not be read or written.\n"
      "Formats: C2SP signed-note, tlog-checkpoint, tlog-cosignature, tlog-proof; consistency as in tlog-witness.\n"
      "Examples:\n"
      "  tallystick prove --data /srv/tally --entry 3.5f0c1a2b3c4d5e6f.8 --out proof\n"
      "  tallystick prove --data /srv/tally --from last-month/checkpoint --cosigned --out proof\n"
      "  tallystick verify --key proof/log.vkey --proof proof/entry-8.tlog-proof --entry proof/entry-8");
  c->callback([o, &status] { status = cmd_prove(*o); });
}

void add_verify(CLI::App& app, int& status) {
  auto o = std::make_shared<verify_options>();
  auto* c = app.add_subcommand("verify", "Check a checkpoint, an inclusion or a consistency proof from files alone");
  c->add_option("--key", o->key, "the log's verifier key: name+hash+key, or a file that holds it")->required();
  c->add_option("--origin", o->origin, "the log's origin line, when it is not the name of the key");
  c->add_option("--cosigner", o->cosigners, "a verifier key that must have cosigned; may be repeated");
  c->add_option("--checkpoint", o->checkpoint, "a signed checkpoint");
  c->add_option("--proof", o->proof, "a .tlog-proof: that the entry is in the log");
  c->add_option("--entry", o->entry, "the octets of that entry");
  c->add_option("--consistency", o->consistency, "a proof that the log of --old is the beginning of a newer one");
  c->add_option("--old", o->old, "the older signed checkpoint");
  c->add_option(
      "--receipt", o->receipt,
      "text of a receipt's QR code, or a file that holds it: that its store signed it; with --consistency and "
      "without --old: that the log goes on from it");
  c->add_option("--note", o->note, "write the receipt's signed checkpoint to this file, for other people's verifiers");
  c->footer(
      "Needs no node and no data. Status: 0 all holds; 1 something does not; 2 a file could not be read.\n"
      "Examples:\n"
      "  tallystick verify --key proof/log.vkey --checkpoint proof/checkpoint --cosigner proof/cosigner-1.vkey\n"
      "  tallystick verify --key proof/log.vkey --proof proof/entry-8.tlog-proof --entry proof/entry-8\n"
      "  tallystick verify --key proof/log.vkey --consistency proof/from-5.consistency --old proof/checkpoint-5\n"
      "  tallystick verify --key proof/log.vkey --receipt TALLYR2.AwECAwQFBgcI… ");
  c->callback([o, &status] { status = cmd_verify(*o); });
}

void add_receipt(CLI::App& app, int& status) {
  auto o = std::make_shared<receipt_check_options>();
  auto* c = app.add_subcommand("receipt", "Check a receipt's QR code against the ledger that a node holds");
  c->add_option("--data", o->data, "data directory of any node, or a copy; its node may run meanwhile")->required();
  c->add_option("code", o->code, "text of the code: TALLYR2.…")->required();
  c->add_flag("--json", o->raw, "as JSON");
  c->footer(
      "Status: 0 genuine; 1 forged, or the ledger says something else; 2 the data could not be read.\n"
      "Without any data: tallystick verify --receipt. Of a running node: POST /api/v1/receipts/check.\n"
      "Example:\n  tallystick receipt --data /srv/tally TALLYR2.AwECAwQFBgcI…");
  c->callback([o, &status] { status = cmd_receipt(*o); });
}

}  // namespace tally::cmd
