#include "sync/message.hpp"

namespace tally {
namespace {

enum class tag : std::uint8_t {
  hello = 1,
  heads,
  want,
  segment,
  have,
  cosign,
  time,
  ask,
  told,
  refuse,
  below,
  brief_segment,
  brief_cosign,
  alive,
  renew,
  letter,
  fetch,
  fetched
};

struct encoder {
  byte_writer& w;
  void head(tag t) { w.u8(static_cast<std::uint8_t>(t)); }
  void operator()(const hello_message& m) {
    head(tag::hello);
    w.uv(m.version_min);
    w.uv(m.version_max);
    write_writer(w, m.writer);
    w.u8(m.greeted ? 1 : 0);
    w.uv(m.quiet_s);
    if (m.version_max >= protocol_topics) w.uv(m.skips);
    if (m.version_max >= protocol_process) w.uv(m.process);
  }
  void operator()(const heads_message& m) {
    head(tag::heads);
    w.uv(m.items.size());
    for (const auto& i : m.items) {
      write_stream(w, i.stream);
      w.uv(i.size);
    }
  }
  void operator()(const want_message& m) {
    head(tag::want);
    write_stream(w, m.stream);
    w.uv(m.from);
    w.u8(m.proof ? 1 : 0);
    if (m.proof) {
      w.fixed(m.proof->root);
      w.fixed(m.proof->sign);
    }
  }
  void operator()(const segment_message& m) {
    head(tag::segment);
    w.raw(encode_segment(m.seg));
  }
  void operator()(const have_message& m) {
    head(tag::have);
    write_stream(w, m.stream);
    w.uv(m.size);
  }
  void operator()(const cosign_message& m) {
    head(tag::cosign);
    write_stream(w, m.stream);
    w.uv(m.size);
    w.fixed(m.root);
    w.uv(m.by.value);
    w.sv(m.time);
    w.fixed(m.sign);
  }
  void operator()(const time_message& m) {
    head(tag::time);
    w.sv(m.time);
    w.fixed(m.sign);
  }
  void operator()(const ask_message& m) {
    head(tag::ask);
    w.uv(m.id);
    w.uv(m.account.value);
    w.uv(m.purse);
    w.sv(m.amount);
    w.uv(m.wait_ms);
  }
  void operator()(const told_message& m) {
    head(tag::told);
    w.uv(m.id);
    w.sv(m.granted);
    w.sv(m.elsewhere);
    w.sv(m.as_of);
    w.uv(static_cast<std::uint64_t>(m.code));
    for (const auto& u : m.units) {
      w.uv(u.purse);
      w.sv(u.units);
    }
  }
  void operator()(const refuse_message& m) {
    head(tag::refuse);
    w.uv(static_cast<std::uint64_t>(m.code));
    w.str(byte_view(m.text).substr(0, 500));
  }
  void operator()(const below_message& m) {
    head(tag::below);
    w.uv(m.items.size());
    for (const auto& i : m.items) {
      w.uv(i.node.value);
      w.u8(i.up ? 1 : 0);
      w.sv(i.last_contact);
      w.uv(i.entries);
    }
  }
  void operator()(const brief_segment_message& m) {
    head(tag::brief_segment);
    w.uv(m.first);
    w.uv(m.entries);
    w.fixed(m.sign);
    w.raw(m.payload);
  }
  void operator()(const alive_message& m) {
    head(tag::alive);
    w.u8(m.asks ? 1 : 0);
  }
  void operator()(const renew_message& m) {
    head(tag::renew);
    w.uv(m.node.value);
    w.uv(m.serial);
    w.fixed(m.signing);
    w.fixed(m.curve);
    w.fixed(m.epoch.value);
    w.fixed(m.by_old);
    w.fixed(m.by_new);
  }
  void operator()(const letter_message& m) {
    head(tag::letter);
    w.uv(m.from.value);
    w.uv(m.to.value);
    w.raw(m.body);
  }
  void operator()(const fetch_message& m) {
    head(tag::fetch);
    write_stream(w, m.stream);
    w.uv(m.from);
    w.uv(m.entries);
  }
  void operator()(const fetched_message& m) {
    head(tag::fetched);
    write_stream(w, m.stream);
    w.uv(m.first);
    w.uv(m.entries);
    w.raw(m.payload);
  }
  void operator()(const brief_cosign_message& m) {
    head(tag::brief_cosign);
    w.uv(m.size);
    w.uv(m.by.value);
    w.sv(m.time);
    w.fixed(m.sign);
  }
};

node_id read_node(byte_reader& r) { return {static_cast<std::uint32_t>(r.uv(UINT32_MAX))}; }

message read_heads(byte_reader& r) {
  heads_message m;
  auto n = r.uv(heads_max);
  for (std::uint64_t i = 0; i < n && r.ok(); ++i) {
    auto stream = read_stream(r);
    m.items.push_back({stream, r.uv()});
  }
  return m;
}

message read_below(byte_reader& r) {
  below_message m;
  auto n = r.uv(heads_max);
  for (std::uint64_t i = 0; i < n && r.ok(); ++i) {
    below_message::item item;
    item.node = read_node(r);
    auto up = r.u8();
    if (up > 1) r.fail();
    item.up = up == 1;
    item.last_contact = r.sv();
    item.entries = r.uv();
    m.items.push_back(item);
  }
  return m;
}

message read_want(byte_reader& r) {
  want_message m;
  m.stream = read_stream(r);
  m.from = r.uv();
  if (r.u8() == 1) {
    m.proof.emplace();
    r.fixed(m.proof->root);
    r.fixed(m.proof->sign);
  }
  return m;
}

message read_cosign(byte_reader& r) {
  cosign_message m;
  m.stream = read_stream(r);
  m.size = r.uv();
  r.fixed(m.root);
  m.by = read_node(r);
  m.time = r.sv();
  r.fixed(m.sign);
  return m;
}

message read_told(byte_reader& r) {
  told_message m;
  m.id = r.uv();
  m.granted = r.sv();
  m.elsewhere = r.sv();
  m.as_of = r.sv();
  m.code = static_cast<errc>(r.uv(255));
  // Up to the end: a sender without other purses says nothing of them.
  while (r.ok() && !r.at_end() && m.units.size() <= told_units_max) {
    auto purse = static_cast<std::uint32_t>(r.uv(UINT32_MAX));
    m.units.push_back({purse, r.sv()});
  }
  if (m.units.size() > told_units_max) r.fail();
  return m;
}

message read_ask(byte_reader& r) {
  ask_message m;
  m.id = r.uv();
  m.account.value = r.uv();
  m.purse = static_cast<std::uint32_t>(r.uv(UINT32_MAX));
  m.amount = r.sv();
  m.wait_ms = static_cast<std::uint32_t>(r.uv(600'000));
  return m;
}

brief_segment_message read_brief_segment(byte_reader& r) {
  brief_segment_message m;
  m.first = r.uv(UINT64_MAX / 2);
  m.entries = static_cast<std::uint32_t>(r.uv(segment_entries_max));
  r.fixed(m.sign);
  m.payload = r.raw(r.remaining());
  if (m.entries == 0 || m.payload.size() > payload_bytes_max) r.fail();
  return m;
}

renew_message read_renew(byte_reader& r) {
  renew_message m;
  m.node = read_node(r);
  m.serial = r.uv();
  r.fixed(m.signing);
  r.fixed(m.curve);
  r.fixed(m.epoch.value);
  r.fixed(m.by_old);
  r.fixed(m.by_new);
  return m;
}

brief_cosign_message read_brief_cosign(byte_reader& r) {
  brief_cosign_message m;
  m.size = r.uv();
  m.by = read_node(r);
  m.time = r.sv();
  r.fixed(m.sign);
  return m;
}

fetch_message read_fetch(byte_reader& r) {
  fetch_message m;
  m.stream = read_stream(r);
  m.from = r.uv(UINT64_MAX / 2);
  m.entries = r.uv(fetch_entries_max);
  if (m.entries == 0) r.fail();
  return m;
}

fetched_message read_fetched(byte_reader& r) {
  fetched_message m;
  m.stream = read_stream(r);
  m.first = r.uv(UINT64_MAX / 2);
  m.entries = static_cast<std::uint32_t>(r.uv(fetch_entries_max));
  m.payload = r.raw(r.remaining());
  if (m.entries == 0 || m.payload.size() > payload_bytes_max) r.fail();
  return m;
}

std::optional<message> read_body(tag t, byte_reader& r) {
  switch (t) {
    case tag::hello: {
      hello_message m;
      m.version_min = static_cast<std::uint32_t>(r.uv(UINT32_MAX));
      m.version_max = static_cast<std::uint32_t>(r.uv(UINT32_MAX));
      m.writer = read_writer(r);
      m.greeted = r.u8() == 1;
      m.quiet_s = static_cast<std::uint32_t>(r.uv(UINT32_MAX));
      if (m.version_max >= protocol_topics) m.skips = static_cast<topic_set>(r.uv(UINT32_MAX));
      if (m.version_max >= protocol_process) m.process = r.uv();
      return m;
    }
    case tag::heads: return read_heads(r);
    case tag::want: return read_want(r);
    case tag::segment: {
      auto s = decode_segment(r.raw(r.remaining()));
      if (!s) return std::nullopt;
      return segment_message{std::move(*s)};
    }
    case tag::have: {
      have_message m;
      m.stream = read_stream(r);
      m.size = r.uv();
      return m;
    }
    case tag::cosign: return read_cosign(r);
    case tag::time: {
      time_message m;
      m.time = r.sv();
      r.fixed(m.sign);
      return m;
    }
    case tag::ask: return read_ask(r);
    case tag::told: return read_told(r);
    case tag::refuse: {
      refuse_message m;
      m.code = static_cast<errc>(r.uv(255));
      m.text = r.str(500);
      return m;
    }
    case tag::below: return read_below(r);
    case tag::brief_segment: return read_brief_segment(r);
    case tag::brief_cosign: return read_brief_cosign(r);
    case tag::renew: return read_renew(r);
    case tag::alive: return alive_message{r.u8() == 1};
    case tag::fetch: return read_fetch(r);
    case tag::fetched: return read_fetched(r);
    case tag::letter: {
      letter_message m;
      m.from = read_node(r);
      m.to = read_node(r);
      if (r.remaining() > letter_bytes_max) return std::nullopt;
      m.body = r.raw(r.remaining());
      return m;
    }
  }
  return std::nullopt;
}

}  // namespace

bytes encode_message(const message& m) {
  byte_writer w;
  std::visit(encoder{w}, m);
  return w.take();
}

result<message> decode_message(byte_view data) {
  error bad{errc::malformed, "a message"};
  if (data.empty() || data.size() > message_bytes_max) return bad;
  byte_reader r(data.substr(1));
  auto m = read_body(static_cast<tag>(data[0]), r);
  if (!m || !r.ok()) return bad;
  auto read = encode_message(*m);
  // What a later version says in its greeting beyond this one is not for us.
  const auto* hello = std::get_if<hello_message>(&*m);
  bool later = hello && hello->version_max > protocol_version;
  if (later ? !data.starts_with(read) : data != read) return bad;
  return std::move(*m);
}

bytes time_text(unix_seconds t) { return "tallystick time v1\n" + std::to_string(t) + "\n"; }

}  // namespace tally
