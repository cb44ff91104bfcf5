#include "devices/driver_pcsc.hpp"

#include <winscard.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <future>
#include <mutex>
#include <optional>
#include <thread>

#include "devices/driver_fd.hpp"

namespace tally {

namespace {

constexpr const char* plug_and_play = "\\\\?PnP?\\Notification";
// pcscd tells of new readers only while it is being asked, so it is asked anew this often.
constexpr DWORD watch_ms = 500;
constexpr int occupied_tries = 5;
constexpr int occupied_wait_ms = 60;

bool service_is_gone(LONG rc) {
  return rc == SCARD_E_NO_SERVICE || rc == SCARD_E_SERVICE_STOPPED || rc == SCARD_F_COMM_ERROR ||
         rc == SCARD_E_INVALID_HANDLE || rc == SCARD_F_INTERNAL_ERROR || rc == SCARD_P_SHUTDOWN;
}

chip_failure failure_of(LONG rc) {
  if (service_is_gone(rc) || rc == SCARD_E_READER_UNAVAILABLE || rc == SCARD_E_UNKNOWN_READER)
    return chip_failure::away;
  if (rc == SCARD_W_REMOVED_CARD || rc == SCARD_E_NO_SMARTCARD) return chip_failure::removed;
  if (rc == SCARD_W_UNRESPONSIVE_CARD || rc == SCARD_W_UNPOWERED_CARD || rc == SCARD_W_UNSUPPORTED_CARD)
    return chip_failure::silent;
  if (rc == SCARD_E_SHARING_VIOLATION) return chip_failure::occupied;
  return chip_failure::lost;
}

/// Over T=0 a command carries data or asks for some, not both: Le is left out and the card answers 61xx (ISO/IEC
/// 7816-3, 12.2.5).
byte_view command_for(DWORD protocol, byte_view apdu) {
  const bool both = apdu.size() > 6 && apdu.size() == 6U + static_cast<unsigned char>(apdu[4]);
  if (both && protocol == SCARD_PROTOCOL_T0) apdu.remove_suffix(1);
  return apdu;
}

/// A connection to pcscd.
class service {
public:
  service() { failed_ = ::SCardEstablishContext(SCARD_SCOPE_SYSTEM, nullptr, nullptr, &context_) != SCARD_S_SUCCESS; }
  ~service() {
    if (!failed_) ::SCardReleaseContext(context_);
  }
  service(const service&) = delete;
  service& operator=(const service&) = delete;
  [[nodiscard]] bool ok() const { return !failed_; }
  [[nodiscard]] SCARDCONTEXT context() const { return context_; }

  /// Names of all slots; nothing when the service is gone.
  [[nodiscard]] std::optional<std::vector<std::string>> slots() const {
    DWORD size = 0;
    LONG rc = ::SCardListReaders(context_, nullptr, nullptr, &size);
    if (rc == SCARD_E_NO_READERS_AVAILABLE) return std::vector<std::string>{};
    if (rc != SCARD_S_SUCCESS) return std::nullopt;
    // A reader may come between the two calls.
    std::string names(size + MAX_READERNAME, '\0');
    size = static_cast<DWORD>(names.size());
    rc = ::SCardListReaders(context_, nullptr, names.data(), &size);
    if (rc == SCARD_E_NO_READERS_AVAILABLE || rc == SCARD_E_INSUFFICIENT_BUFFER) return std::vector<std::string>{};
    if (rc != SCARD_S_SUCCESS) return std::nullopt;
    std::vector<std::string> out;
    for (const char* at = names.c_str(); *at != '\0'; at += out.back().size() + 1)
      out.emplace_back(at);
    return out;
  }

private:
  SCARDCONTEXT context_ = 0;
  bool failed_ = true;
};

struct slot {
  std::string name;
  chip_reader machine;
  DWORD state = SCARD_STATE_UNAWARE;  // as pcscd told it last
  bool present = false;
};

}  // namespace

std::string_view pcsc_state_name(pcsc_state state) {
  switch (state) {
    case pcsc_state::no_service: return "no_service";
    case pcsc_state::unplugged: return "unplugged";
    case pcsc_state::ready: return "ready";
  }
  return "no_service";
}

struct pcsc_reader::inner {
  inner(pcsc_options o, callbacks c) : options(std::move(o)), calls(std::move(c)) {}

  void run();
  void serve(const service& s);
  void choose(const std::vector<std::string>& names);
  LONG watch(const service& s);
  void changed(const service& s, slot& at, const SCARD_READERSTATE& now);
  void inserted(const service& s, slot& at, byte_view atr);
  void carry(slot& at, SCARDHANDLE card, DWORD protocol, chip_effects effects);
  LONG connect(const service& s, const slot& at, SCARDHANDLE& card, DWORD& protocol);
  void tell(const chip_effects& effects);
  void report(pcsc_state state);
  [[nodiscard]] bool fits(const std::string& name) const;

  pcsc_options options;
  callbacks calls;
  wakeup wake;
  std::atomic<bool> stopping{false};
  std::mutex gate;  // held around callbacks, and by `stop` when it closes them
  bool closed = false;
  std::mutex context_mutex;
  std::optional<SCARDCONTEXT> watched;  // cancelled by `stop`
  std::mutex end_mutex;
  std::condition_variable end;
  bool ended = false;
  std::thread thread;

  // The thread's own.
  std::vector<slot> slots;
  std::optional<pcsc_state> told;
};

void pcsc_reader::inner::run() {
  while (!stopping) {
    {
      const service s;
      if (s.ok()) serve(s);
    }
    for (auto& at : slots)
      tell(at.machine.on_failed(chip_failure::away));
    slots.clear();
    if (stopping) break;
    report(pcsc_state::no_service);
    poll_one(-1, 0, wake, static_cast<int>(options.retry_interval_ms));
  }
  const std::lock_guard lock(end_mutex);
  ended = true;
  end.notify_all();
}

void pcsc_reader::inner::serve(const service& s) {
  while (!stopping) {
    const auto names = s.slots();
    if (!names) return;
    choose(*names);
    report(slots.empty() ? pcsc_state::unplugged : pcsc_state::ready);
    const LONG rc = watch(s);
    if (service_is_gone(rc)) return;
    // Any other failure must not become a busy loop.
    if (rc != SCARD_S_SUCCESS && rc != SCARD_E_TIMEOUT && rc != SCARD_E_CANCELLED)
      poll_one(-1, 0, wake, static_cast<int>(options.retry_interval_ms));
  }
}

bool pcsc_reader::inner::fits(const std::string& name) const {
  if (options.reader != "any") return name.find(options.reader) != name.npos;
  return name.find("SAM") == name.npos;
}

void pcsc_reader::inner::choose(const std::vector<std::string>& names) {
  const auto gone = [&](const slot& at) { return std::find(names.begin(), names.end(), at.name) == names.end(); };
  for (auto& at : slots)
    if (gone(at)) tell(at.machine.on_failed(chip_failure::away));
  std::erase_if(slots, gone);
  for (const auto& name : names) {
    const bool known = std::any_of(slots.begin(), slots.end(), [&](const slot& at) { return at.name == name; });
    if (known || !fits(name) || slots.size() >= slots_max) continue;
    slot fresh;
    fresh.name = name;
    slots.push_back(std::move(fresh));
  }
}

LONG pcsc_reader::inner::watch(const service& s) {
  std::array<SCARD_READERSTATE, slots_max + 1> states{};
  for (std::size_t i = 0; i < slots.size(); ++i) {
    states[i].szReader = slots[i].name.c_str();
    states[i].dwCurrentState = slots[i].state;
  }
  states[slots.size()].szReader = plug_and_play;
  {
    const std::lock_guard lock(context_mutex);
    watched = s.context();
  }
  const LONG rc =
      stopping ? SCARD_E_CANCELLED : ::SCardGetStatusChange(s.context(), watch_ms, states.data(), slots.size() + 1);
  {
    const std::lock_guard lock(context_mutex);
    watched.reset();
  }
  if (rc != SCARD_S_SUCCESS) return rc;
  for (std::size_t i = 0; i < slots.size() && !stopping; ++i)
    changed(s, slots[i], states[i]);
  return rc;
}

void pcsc_reader::inner::changed(const service& s, slot& at, const SCARD_READERSTATE& now) {
  const DWORD before = at.state;
  at.state = now.dwEventState & ~static_cast<DWORD>(SCARD_STATE_CHANGED);
  if ((now.dwEventState & (SCARD_STATE_UNKNOWN | SCARD_STATE_UNAVAILABLE)) != 0) {
    tell(at.machine.on_failed(chip_failure::away));
    at.present = false;
    at.state = SCARD_STATE_UNAWARE;
    return;
  }
  // The upper half counts insertions and removals, so one that nobody watched is noticed too.
  const auto events = static_cast<std::uint16_t>((at.state >> 16) - (before >> 16));
  const bool first = before == SCARD_STATE_UNAWARE;
  const bool present = (at.state & SCARD_STATE_PRESENT) != 0;
  const bool other_card = !first && present == at.present && events >= 2;
  const bool was = std::exchange(at.present, present);
  if (was && (!present || other_card)) tell(at.machine.on_removed());
  if (present && (!was || other_card)) {
    const byte_view atr(reinterpret_cast<const char*>(now.rgbAtr), std::min<std::size_t>(now.cbAtr, MAX_ATR_SIZE));
    if ((at.state & SCARD_STATE_MUTE) != 0)
      tell(at.machine.on_failed(chip_failure::silent));
    else
      inserted(s, at, atr);
  } else if (!present && other_card) {
    tell(at.machine.on_failed(chip_failure::removed));  // came and went before anybody could look
  }
}

LONG pcsc_reader::inner::connect(const service& s, const slot& at, SCARDHANDLE& card, DWORD& protocol) {
  for (int tries = 1;; ++tries) {
    const LONG rc = ::SCardConnect(s.context(), at.name.c_str(), SCARD_SHARE_EXCLUSIVE,
                                   SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, &card, &protocol);
    if (rc != SCARD_E_SHARING_VIOLATION || tries == occupied_tries || stopping) return rc;
    poll_one(-1, 0, wake, occupied_wait_ms);
  }
}

void pcsc_reader::inner::inserted(const service& s, slot& at, byte_view atr) {
  SCARDHANDLE card = 0;
  DWORD protocol = 0;
  const LONG rc = connect(s, at, card, protocol);
  if (rc != SCARD_S_SUCCESS) {
    const auto why = failure_of(rc);
    // Without a connection there is nothing to reset.
    tell(at.machine.on_failed(why == chip_failure::lost ? chip_failure::removed : why));
    return;
  }
  carry(at, card, protocol, at.machine.on_inserted(atr));
  ::SCardDisconnect(card, SCARD_LEAVE_CARD);
}

void pcsc_reader::inner::carry(slot& at, SCARDHANDLE card, DWORD protocol, chip_effects effects) {
  while (!stopping) {
    tell(effects);
    if (effects.empty()) return;
    const auto last = std::exchange(effects, {}).back();
    if (const auto* t = std::get_if<chip_transmit>(&last)) {
      std::array<unsigned char, 512> answer{};
      DWORD size = answer.size();
      const auto* pci = protocol == SCARD_PROTOCOL_T1 ? SCARD_PCI_T1 : SCARD_PCI_T0;
      const auto apdu = command_for(protocol, t->apdu);
      const LONG rc = ::SCardTransmit(card, pci, reinterpret_cast<const unsigned char*>(apdu.data()), apdu.size(),
                                      nullptr, answer.data(), &size);
      effects = rc == SCARD_S_SUCCESS ? at.machine.on_answer({reinterpret_cast<const char*>(answer.data()), size})
                                      : at.machine.on_failed(failure_of(rc));
    } else if (std::holds_alternative<chip_reset>(last)) {
      LONG rc = ::SCardReconnect(card, SCARD_SHARE_EXCLUSIVE, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, SCARD_RESET_CARD,
                                 &protocol);
      std::array<unsigned char, MAX_ATR_SIZE> atr{};
      DWORD size = atr.size(), state = 0, name_size = 0;
      if (rc == SCARD_S_SUCCESS) rc = ::SCardStatus(card, nullptr, &name_size, &state, &protocol, atr.data(), &size);
      effects = rc == SCARD_S_SUCCESS ? at.machine.on_inserted({reinterpret_cast<const char*>(atr.data()), size})
                                      : at.machine.on_failed(failure_of(rc));
    } else {
      return;
    }
  }
}

void pcsc_reader::inner::tell(const chip_effects& effects) {
  for (const auto& e : effects) {
    const auto* event = std::get_if<reader_event>(&e);
    if (event == nullptr) continue;
    const std::lock_guard lock(gate);
    if (!closed) calls.on_event(*event);
  }
}

void pcsc_reader::inner::report(pcsc_state state) {
  if (told == state) return;
  told = state;
  const std::lock_guard lock(gate);
  if (!closed) calls.on_state(state);
}

pcsc_reader::pcsc_reader(pcsc_options options, callbacks calls)
    : inner_(std::make_shared<inner>(std::move(options), std::move(calls))) {}

pcsc_reader::~pcsc_reader() { stop(); }

status pcsc_reader::start() {
  invariant(!inner_->thread.joinable(), "a chip reader is started once");
  if (inner_->options.reader.empty()) return {errc::bad_config, "a chip reader needs a name, or any"};
  inner_->thread = std::thread([keep = inner_] { keep->run(); });
  return done();
}

void pcsc_reader::stop() {
  auto& in = *inner_;
  if (!in.thread.joinable()) return;
  in.stopping = true;
  in.wake.signal();
  {
    const std::lock_guard lock(in.context_mutex);
    if (in.watched) ::SCardCancel(*in.watched);
  }
  std::unique_lock lock(in.end_mutex);
  const bool ended = in.end.wait_for(lock, std::chrono::milliseconds(stop_wait_ms), [&] { return in.ended; });
  lock.unlock();
  {
    const std::lock_guard closing(in.gate);
    in.closed = true;
  }
  if (ended)
    in.thread.join();
  else
    in.thread.detach();  // it keeps `inner` alive and ends when pcscd answers or dies
}

result<std::vector<std::string>> pcsc_slots(tick_ms patience_ms) {
  using names = std::optional<std::vector<std::string>>;
  auto told = std::make_shared<std::promise<names>>();
  auto answer = told->get_future();
  std::thread([told] {
    const service s;
    told->set_value(s.ok() ? s.slots() : names());
  }).detach();
  if (answer.wait_for(std::chrono::milliseconds(patience_ms)) != std::future_status::ready)
    return error{errc::timeout, "pcscd hangs"};
  auto slots = answer.get();
  if (!slots) return error{errc::offline, "pcscd does not answer"};
  return std::move(*slots);
}

}  // namespace tally
