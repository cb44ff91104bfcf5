#include "node/proof_files.hpp"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <iostream>

#include "node/log_data.hpp"
#include "node/public_files.hpp"
#include "node/terminal.hpp"
#include "node/ticket.hpp"
#include "sync/entry_walk.hpp"
#include "sync/tlog_proof.hpp"

namespace tally {
namespace fs = std::filesystem;
namespace {

/// A number, or the id of a receipt of this stream.
result<sequence> entry_number(const stream_log& log, const std::string& text) {
  if (auto name = parse_receipt_id(text)) {
    if (name->writer != log.id().writer || log.id().sub != sub_stream::journal)
      return error{errc::not_found,
                   "receipt " + text + " is not in " + stream_name(log.id()) + "; name its journal with --stream"};
    return name->seq;
  }
  sequence n = 0;
  auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (code != std::errc{} || end != text.data() + text.size())
    return error{errc::not_found, text + " is neither the number of an entry nor the id of a receipt"};
  return n;
}

status write_keys(const stream_log& log, const std::vector<cosign_message>& cosigned, const fs::path& out) {
  TALLY_TRY(write_public_file(out / "log.vkey", verifier_key(log.key()) + "\n"));
  for (const auto& m : cosigned)
    if (auto by = log.cosigner_key(m.by))
      TALLY_TRY(
          write_public_file(out / ("cosigner-" + std::to_string(m.by.value) + ".vkey"), verifier_key(*by) + "\n"));
  return done();
}

status write_inclusions(const stream_log& log, const prove_options& o, std::uint64_t size, const std::string& note) {
  for (const auto& text : o.entries) {
    auto seq = entry_number(log, text);
    if (!seq) return seq.error();
    auto data = log.entry(*seq);
    if (!data) return data.error();
    if (*seq >= size)
      return error{errc::not_found,
                   "entry " + std::to_string(*seq) + " lies behind the head of size " + std::to_string(size)};
    auto proof = log.inclusion(*seq, size);
    if (!proof) return error{errc::corrupt, proof.error().detail};
    auto name = "entry-" + std::to_string(*seq);
    TALLY_TRY(write_public_file(o.out / name, *data));
    TALLY_TRY(write_public_file(o.out / (name + ".tlog-proof"), to_text(inclusion_file{{}, *seq, *proof, note})));
    std::cout << name << ", " << name << ".tlog-proof: entry " << *seq << " is in it\n";
  }
  return done();
}

status write_consistency(const stream_log& log, const prove_options& o, const signed_head& head,
                         const std::string& note) {
  auto old = o.from_size;
  if (!o.from.empty()) {
    auto text = read_public_file(o.from, note_bytes_max);
    if (!text) return text.error();
    auto parsed = parse_note(*text);
    auto before = parsed ? parse_checkpoint_body(parsed->body) : result<checkpoint>(parsed.error());
    if (!before) return error{errc::malformed, o.from.string() + ": " + before.error().detail};
    if (before->origin != log.origin())
      return error{errc::not_found, o.from.string() + " is a checkpoint of " + before->origin};
    old = before->size;
  }
  if (!old) return done();
  if (*old > head.head.size)
    return error{errc::not_found,
                 "size " + std::to_string(*old) + " lies behind the head of size " + std::to_string(head.head.size)};
  auto proof = log.consistency(*old, head.head.size);
  if (!proof) return error{errc::corrupt, proof.error().detail};
  auto name = "from-" + std::to_string(*old) + ".consistency";
  TALLY_TRY(write_public_file(o.out / name, to_text(consistency_file{*old, *proof, note})));
  std::cout << name << ": it begins with the log of size " << *old << "\n";
  if (!o.from.empty() || *old == 0) return done();
  auto before = log.head(*old);
  if (before) {
    auto file = "checkpoint-" + std::to_string(*old);
    TALLY_TRY(write_public_file(o.out / file, log.note(*before, log.cosignatures(before->head))));
    std::cout << file << ": the older checkpoint\n";
  } else {
    std::cerr << "tallystick: no checkpoint of size " << *old << " was written: " << before.error().detail << "\n";
  }
  return done();
}

/// The stream that is asked for: by name, else the journal of the first receipt that is named, else the node's own.
std::string stream_wanted(const prove_options& o) {
  if (!o.stream.empty()) return o.stream;
  for (const auto& text : o.entries)
    if (auto name = parse_receipt_id(text)) return stream_name({name->writer, sub_stream::journal, {}});
  return {};
}

/// Head office keeps no cosignatures of its own. It says that it holds the log up to there, which the snapshot does.
cosign_message cosign_here(const log_data& data, const stream_log& log, const signed_head& head) {
  cosign_message m{log.id(), head.head.size, head.head.root, head_office, ::time(nullptr), {}};
  m.sign = sign_cosignature(*data.key(), head.head, m.time);
  return m;
}

status prove(const log_data& data, const prove_options& o) {
  auto log = data.open_stream(stream_wanted(o));
  if (!log) return log.error();
  auto size = o.size;
  const bool cosigns = o.cosigned && data.identity().role == node_role::hq && log->id().writer.node != head_office;
  if (cosigns && !data.key()) return error{errc::not_allowed, "head office's cosignature: " + data.no_key()};
  if (o.cosigned && !cosigns) {
    size = log->cosigned_size(head_office);
    if (!size)
      return error{errc::not_found, "head office's cosignature over " + stream_name(log->id()) + " is not here yet"};
  }
  auto head = log->head(size);
  if (!head) {
    if (head.code() == errc::not_allowed) return error{errc::not_allowed, head.error().detail + ": " + data.no_key()};
    return head.error();
  }
  if (auto key = read_public_file(o.out / "log.vkey", 1'000); key && *key != verifier_key(log->key()) + "\n")
    return error{errc::not_allowed,
                 o.out.string() + " holds proofs of another log than " + log->origin() + "; choose another directory"};
  auto cosigned = log->cosignatures(head->head);
  if (cosigns) cosigned.push_back(cosign_here(data, *log, *head));
  auto note = log->note(*head, cosigned);
  TALLY_TRY(write_inclusions(*log, o, head->head.size, note));
  TALLY_TRY(write_consistency(*log, o, *head, note));
  TALLY_TRY(write_public_file(o.out / "checkpoint", note));
  TALLY_TRY(write_keys(*log, cosigned, o.out));
  std::cout << "checkpoint, log.vkey: " << log->origin() << " at size " << head->head.size;
  for (const auto& m : cosigned)
    std::cout << ", cosigned by node " << m.by.value;
  std::cout << "\n";
  return sync_files(o.out);
}

/// Refuses a place that holds anything but an earlier export of this log. Its files are compared when they are written.
status check_place(const stream_log& log, const fs::path& out) {
  std::error_code ec;
  if (!fs::exists(out, ec) || fs::is_empty(out, ec)) return done();
  error other{errc::not_allowed,
              out.string() + " is not empty and holds no export of " + log.origin() + "; choose another directory"};
  auto text = read_public_file(out / "checkpoint", note_bytes_max);
  if (!text) {
    // An export that broke off has its key already.
    auto key = read_public_file(out / "log.vkey", 1'000);
    if (key && *key == verifier_key(log.key()) + "\n") return done();
    return other;
  }
  if (!fs::is_directory(out / "tile", ec)) return other;  // proofs
  auto parsed = parse_note(*text);
  auto before = parsed ? parse_checkpoint_body(parsed->body) : result<checkpoint>(parsed.error());
  if (!before || before->origin != log.origin()) return other;
  auto root = before->size <= log.size() ? root_at(before->size, log.nodes()) : result<hash256>(errc::not_found);
  if (!root || *root != before->root)
    return error{errc::not_allowed, out.string() + " holds an export of another history of " + log.origin() +
                                        "; choose another directory"};
  return done();
}

status export_one(const log_data& data, const stream_id& id, const fs::path& out) {
  auto log = stream_log::open(data.parts(), id);
  if (!log) return log.error();
  auto head = log->head();
  if (!head) {
    if (head.code() == errc::not_allowed) return error{errc::not_allowed, head.error().detail + ": " + data.no_key()};
    return head.error();
  }
  TALLY_TRY(check_place(*log, out));
  auto cosigned = log->cosignatures(head->head);
  TALLY_TRY(write_keys(*log, cosigned, out));
  file_tiles files(out);
  auto done_so_far = [&](std::uint64_t n, std::uint64_t total) {
    if (total >= 16'384)
      cmd::show_progress(stream_name(id), static_cast<std::size_t>(n), static_cast<std::size_t>(total));
  };
  auto written = write_tiles(*log, data.store(), data.identity().node, head->head, files, done_so_far);
  if (!written) return written.error();
  // The checkpoint last: whoever reads it finds every file that it needs.
  TALLY_TRY(sync_files(out));
  TALLY_TRY(write_public_file(out / "checkpoint", log->note(*head, cosigned)));
  TALLY_TRY(sync_files(out));
  std::cout << out.string() << ": " << log->origin() << ", " << written->size << " entries, " << files.written()
            << " files written\n";
  return done();
}

}  // namespace

int cmd_prove(const prove_options& o) {
  auto data = log_data::open(o.data, o.key_file);
  if (!data) return cmd::fail(data.error());
  auto ok = prove(**data, o);
  return ok ? cmd::exit_ok : cmd::fail(ok.error());
}

int cmd_export_tiles(const tiles_options& o) {
  auto data = log_data::open(o.data, o.key_file);
  if (!data) return cmd::fail(data.error());
  if (!o.all) {
    auto id = (*data)->find_stream(o.stream);
    if (!id) return cmd::fail(id.error());
    auto ok = export_one(**data, *id, o.out);
    return ok ? cmd::exit_ok : cmd::fail(ok.error());
  }
  auto list = stream_reader((*data)->store()).list();
  if (!list) return cmd::fail(list.error());
  for (const auto& id : *list)
    if (auto ok = export_one(**data, id, o.out / stream_name(id)); !ok) return cmd::fail(ok.error());
  return cmd::exit_ok;
}

}  // namespace tally
