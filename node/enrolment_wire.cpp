#include "node/enrolment_wire.hpp"

#include "storage/varint.hpp"
#include "sync/zmq_door.hpp"

namespace tally {
namespace {

constexpr std::uint8_t wire_version = 1;
constexpr std::uint8_t with_owner = 1;  // behind a stored invitation that names one
constexpr std::size_t certificates_max = 10, detail_max = 300;

void write_limits(byte_writer& w, const node_limits& l) {
  for (auto v : {l.ceiling, l.daily_inflow, l.quota_target, l.daily_quota})
    w.sv(v);
}

node_limits read_limits(byte_reader& r) {
  node_limits l;
  for (auto* v : {&l.ceiling, &l.daily_inflow, &l.quota_target, &l.daily_quota})
    *v = r.sv();
  return l;
}

bytes proof_message(byte_view body) { return "tallystick enrolment v1\n" + bytes(body); }
bytes answer_message(byte_view request, byte_view body) {
  byte_writer w;
  w.raw("tallystick enrolment answer v1\n");
  w.str(request);
  w.raw(body);
  return w.take();
}

}  // namespace

std::string invitation_key(const token_id& id) { return "enrol/" + to_hex(view_of(id)); }

bytes encode(const invitation_record& r) {
  byte_writer w;
  w.u8(wire_version);
  w.uv(r.what.node.value);
  w.str(r.what.name);
  w.u8(static_cast<std::uint8_t>(r.what.role));
  w.uv(r.what.parents.size());
  for (auto p : r.what.parents)
    w.uv(p.value);
  write_limits(w, r.what.limits);
  w.sv(r.what.expiry);
  w.fixed(r.hash);
  w.u8(r.used ? 1 : 0);
  w.fixed(r.used_by);
  w.str(r.certificate);
  if (r.what.owner != 0) {
    w.u8(with_owner);
    w.uv(r.what.owner);
  }
  return w.take();
}

result<invitation_record> decode_invitation(byte_view data) {
  byte_reader r(data);
  invitation_record out;
  if (r.u8() != wire_version) return error{errc::unsupported, "an invitation of another version"};
  out.what.node = node_id{static_cast<std::uint32_t>(r.uv(0xffffffff))};
  out.what.name = r.str(60);
  out.what.role = static_cast<node_role>(r.u8());
  for (auto n = r.uv(8); n > 0 && r.ok(); --n)
    out.what.parents.push_back(node_id{static_cast<std::uint32_t>(r.uv(0xffffffff))});
  out.what.limits = read_limits(r);
  out.what.expiry = r.sv();
  r.fixed(out.hash);
  auto used = r.u8();
  out.used = used != 0;
  r.fixed(out.used_by);
  out.certificate = r.str(certificate_bytes_max + 100);
  bool more = !r.at_end(), known = !more || r.u8() == with_owner;
  if (more) out.what.owner = static_cast<std::uint32_t>(r.uv(0xffffffff));
  known = known && more == (out.what.owner != 0);
  if (!r.at_end() || !r.ok() || !known || used > 1) return error{errc::corrupt, "a stored invitation is damaged"};
  return out;
}

bytes make_enrolment_request(const enrolment_token& token, const signer& own, const public_key& curve,
                             const epoch_id& epoch) {
  byte_writer w;
  w.u8(wire_version);
  w.fixed(token.id);
  w.fixed(token.secret);
  w.fixed(own.key());
  w.fixed(curve);
  w.fixed(epoch.value);
  auto proof = own.sign(proof_message(w.view()));
  w.fixed(proof);
  return w.take();
}

result<enrolment_request> read_enrolment_request(byte_view data, const verifier& with) {
  byte_reader r(data);
  enrolment_request q;
  if (r.u8() != wire_version)
    return error{errc::unsupported, "this node and head office run versions that cannot enrol with each other"};
  r.fixed(q.id);
  r.fixed(q.secret);
  r.fixed(q.signing);
  r.fixed(q.curve);
  r.fixed(q.epoch.value);
  r.fixed(q.proof);
  if (!r.at_end()) return error{errc::malformed, "the question is damaged"};
  if (!with.verify(q.signing, proof_message(data.substr(0, data.size() - q.proof.size())), q.proof))
    return error{errc::bad_signature, "the new node did not prove that it holds its signing key"};
  return q;
}

bytes make_enrolment_answer(byte_view request, const public_key& root, const signer& keys,
                            const result<std::vector<signed_certificate>>& outcome) {
  byte_writer w;
  w.u8(wire_version);
  w.u8(static_cast<std::uint8_t>(outcome.code()));
  if (outcome) {
    w.fixed(root);
    w.uv(outcome->size());
    for (const auto& c : *outcome)
      w.str(encode(c));
  } else {
    w.str(outcome.error().detail.substr(0, detail_max));
  }
  auto sig = keys.sign(answer_message(request, w.view()));
  w.fixed(sig);
  return w.take();
}

namespace {

struct raw_answer {
  public_key root{};
  std::vector<signed_certificate> certificates;
};

result<raw_answer> read_raw(byte_view answer, byte_view request, const enrolment_token& token, const verifier& with) {
  error damaged{errc::malformed, "head office's answer is damaged"};
  signature sig{};
  if (answer.size() < sig.size() + 2 || answer.size() > door_message_bytes_max) return damaged;
  auto body = answer.substr(0, answer.size() - sig.size());
  byte_reader(answer.substr(body.size())).fixed(sig);
  if (!with.verify(token.hq, answer_message(request, body), sig))
    return error{errc::bad_signature, "the answer was not signed by the head office that made this token"};
  byte_reader r(body);
  if (r.u8() != wire_version) return error{errc::unsupported, "head office runs another version"};
  auto code = static_cast<errc>(r.u8());
  if (code != errc::ok) {
    std::string detail(r.str(detail_max));
    if (!r.at_end() || code > errc_last) return damaged;
    return error{code, std::move(detail)};
  }
  raw_answer out;
  r.fixed(out.root);
  for (auto n = r.uv(certificates_max); n > 0 && r.ok(); --n) {
    auto c = decode_signed_certificate(r.str(certificate_bytes_max + 100));
    if (!c) return damaged;
    out.certificates.push_back(std::move(*c));
  }
  if (!r.at_end() || out.certificates.size() < 2) return damaged;
  return out;
}

}  // namespace

result<enrolled> read_enrolment_answer(byte_view answer, byte_view request, const enrolment_token& token,
                                       const verifier& with) {
  auto asked = read_enrolment_request(request, with);
  if (!asked) return asked.error();
  auto raw = read_raw(answer, request, token, with);
  if (!raw) return raw.error();
  auto lies = [](const char* what) { return error{errc::not_certified, std::string("head office's answer: ") + what}; };

  certificate_book book(token.chain, raw->root, with);
  for (const auto& c : raw->certificates)
    if (auto added = book.add(c); !added) return added.error();
  auto hq = book.find(head_office);
  if (!hq || (*hq)->signing != token.hq) return lies("its certificate carries another key than the token pins");
  auto own = decode_certificate(raw->certificates[1].body);
  if (!own) return own.error();
  if (own->signing != asked->signing || own->curve != asked->curve || own->epoch != asked->epoch)
    return lies("the certificate is not for the keys of this node");
  if (own->role == node_role::hq) return lies("a new node cannot be head office");
  for (auto p : own->parents)
    if (!book.find(p)) return lies("the certificate of a parent is missing");

  enrolled out;
  out.identity = {{token.chain, raw->root}, own->node, own->role, own->name, own->epoch};
  out.certificates = std::move(raw->certificates);
  return out;
}

}  // namespace tally
