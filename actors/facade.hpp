#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>

#include "devices/barcode.hpp"
#include "devices/printer.hpp"
#include "storage/kv.hpp"
#include "sync/link_budget.hpp"
#include "sync/station.hpp"

namespace tally {

struct reexecution_report;

/// What a running node looks like from outside, as of the last durable group. Immutable; replaced as a whole.
struct node_snapshot {
  writer_id self;
  node_role role{};
  std::optional<std::uint32_t> owner = {};  ///< whose store it is; nothing at head office
  sequence entries{};                       ///< durable size of the current journal
  std::uint64_t hq_cosigned{};              ///< of it, how much head office holds and has cosigned
  unix_seconds hq_cosigned_at{};            ///< 0: never
  std::uint64_t parent_cosigned{};
  bool link_up = false;          ///< to the parent, or to head office in its place
  node_id parent = {};           ///< of the certificate
  node_id link_over = {};        ///< who the link goes to, up or not: the parent, or head office while that is silent
  link_budget::figures traffic;  ///< of this month with the parent
  unix_seconds last_contact{};   ///< with the parent; 0: never
  errc stopped = errc::ok;       ///< why card value is stopped
  bool disk_low = false;
  unix_seconds certified_until{};                                ///< end of the own certificate, by head office's clock
  bool waits_for_keys = false;                                   ///< new keys that are not certified yet
  std::shared_ptr<const rebuild_progress> rebuilding = nullptr;  ///< head office on a backup; null: it is at work
  bool sure = true;              ///< a region that started: its neighbours know no more of its journal than it does
  std::vector<node_id> unheard;  ///< for whose word it waits
  std::uint32_t business_date{};
  std::int64_t hq_time{};  ///< last time that head office signed; 0: never told
  tally::amount quota_left{};
  tally::amount held{};
  tally::amount exposure{};       ///< of a store: its own, as of half a second ago, without what is on its way to it
  std::string link_why;           ///< why the link to the parent is down, as far as somebody said so
  std::uint64_t sweeps{};         ///< sends of unused rights to the parent since the start of the process
  tally::amount swept{};          ///< their sum
  tally::amount sweeps_on_way{};  ///< of it, what the parent has not acknowledged
  std::uint64_t left_out{};       ///< entries of head office's directory that this store does not have (link.skip)
  bool skips_goods = false;
  bool goods_to_learn = false;  ///< some were left out, and are not all here, or not learnt again: none is sold
  std::shared_ptr<const catalogue> rules;  ///< never null
  struct neighbour {
    node_id node;
    bool up = false;
    bool ever = false;
    unix_seconds last_contact{};
  };
  std::vector<neighbour> children;
  /// What a region told of a node below it.
  struct hearsay {
    bool up = false;
    unix_seconds last_contact{};
    std::uint64_t entries{};
  };
  /// At a region or head office: every node below, as its journal says.
  struct remote {
    node_id node;
    std::string name;
    node_role role{};
    node_id parent;
    epoch_id epoch;
    std::uint64_t entries{};
    tally::amount held{}, in_transit{}, quota{};  ///< in transit: to it, from anyone, card value
    node_limits limits;
    tally::amount exposure{};  ///< most that can be lost with it (docs/ledger.md)
    std::uint64_t contested{}, hq_lacks{};  ///< hq_lacks: are here, and not known to be at head office
    std::optional<hearsay> told;  ///< of a node that is no child: by the child on its road
    tally::amount doubt{};        ///< value of its closed epochs that head office has not granted anew
    bool revoked = false;
    unix_seconds certified_until{};
    bool forked = false;       ///< two machines ran with its key: nothing is sent to it
    bool quarantined = false;  ///< too many contested entries that nobody ruled about: nothing is sent to it
    bool detour = false;       ///< it is no child, and connected here itself, because its parent is silent
  };
  std::vector<remote> below;
  /// At a region or head office: contested entries that head office has not ruled about.
  struct open_case {
    writer_id writer;
    sequence seq{};
    errc why = errc::ok;
    /// Of a voucher's code whose uses are one loss: the first of them. At that one alone, which they are, bounded, and
    /// how many in all.
    std::optional<std::pair<writer_id, sequence>> same_as = {};
    std::vector<std::pair<writer_id, sequence>> uses = {};
    std::size_t uses_all = 0;
    amount beyond = 0;  ///< of goods that came back too often: what those beyond cost; 0: nobody can say
  };
  struct case_list {
    std::vector<open_case> first;  ///< at most `cases_max`, by node, epoch and sequence
    std::size_t open = 0;          ///< all of them
  };
  static constexpr std::size_t cases_max = 200;
  std::shared_ptr<const case_list> cases = std::make_shared<case_list>();  ///< never null
};

// What happens at a node, for screens. Sent after it is durable.
struct card_event {
  std::string number;  ///< digits, "uid:…" of a chip without a number, or the text of a card's signed QR code
  std::string source;  ///< "reader", "scanner", "wedge", "chip"
  std::string kind{};  ///< of a chip: its type; else empty
};
struct card_removed_event {
  std::string source;
};
struct voucher_event {
  std::string code;
};
struct receipt_code_event {
  std::string id;
};  ///< a receipt's QR was scanned
struct product_event {
  std::string ean;
};
struct misread_event {
  std::string device, reason;
};
struct receipt_event {
  till_answer answer;
  std::string masked;  ///< the card's number as the request showed it; empty: none, or not known
};
struct print_event {
  std::string receipt;
  std::string state;
};  ///< "waiting", "printed", "possible_duplicate", "refused"
struct device_event {
  std::string device;
  std::string state;
};  ///< "printer"/"reader"/"scanner"/"chip", state as in docs/http-api.md
struct link_event {
  bool up;
};
struct rules_event {
  std::uint64_t version;
};
struct blocked_event {
  errc why;
};
struct alarm_event {
  errc code;
  std::string text;
};
struct hint_event {
  account_id account;
  elsewhere_hint hint;
};  ///< where value lies was learnt
using node_event = std::variant<card_event, card_removed_event, voucher_event, receipt_code_event, product_event,
                                misread_event, receipt_event, print_event, device_event, link_event, rules_event,
                                blocked_event, alarm_event, hint_event>;

/// Fan-out of events. `publish` calls subscribers on the publisher's thread: they must be quick and must not block.
/// Thread-safe.
class event_bus {
public:
  using subscriber = std::function<void(const node_event&)>;
  std::uint64_t subscribe(subscriber s);
  void unsubscribe(std::uint64_t id);
  void publish(const node_event& e) const;

private:
  mutable std::mutex mutex_;
  std::map<std::uint64_t, subscriber> subscribers_;
  std::uint64_t next_ = 1;
};

struct device_states {
  std::string printer = "none", reader = "none", scanner = "none", chip = "none";
  std::string wedge = "none", display = "none", rewriter = "none";
};

/// The running node, for the HTTP interface and the terminal protocol: thread-safe, free of CAF.
///
/// Callbacks run on an actor's thread: hand over to your own executor at once. What a callback receives is durable.
/// After a
/// fatal storage error no callback comes any more and the process ends; the caller's client repeats its request.
class node_facade {
public:
  virtual ~node_facade() = default;
  /// `masked` goes into the receipt's event: a ledger has no card numbers.
  virtual void till(till_command command, std::string masked, std::function<void(const till_answer&)> done) = 0;
  /// Head office's facts, dated and written in order.
  virtual void facts(std::vector<entry> list, std::function<void(const facts_answer&)> done) = 0;
  /// Takes in what came by hand (sync/station_io.hpp), or asks for cosignatures; answered when it is durable.
  virtual void carry(std::vector<message> what, std::function<void(const carried_answer&)> done) = 0;
  /// Refreshes the hint of where value of an account lies; nothing happens when the link is down.
  virtual void ask_elsewhere(account_id account) = 0;
  virtual std::optional<elsewhere_hint> elsewhere(account_id account) const = 0;
  /// A till returned a mark with a valid MAC of this node: `done(true)` if it shows that this node was rolled back.
  virtual void returned_mark(const writer_id& writer, sequence seq, std::function<void(bool)> done) = 0;
  /// Head office: asks a node how far its books go (sync/closing_talk.hpp). `done` is called once, within that time.
  virtual void ask_end(node_id node, closing_taker done) { (void)node, done(error{errc::not_entitled, ""}); }
  /// Asks head office for a certificate for new keys, until it comes.
  virtual void want_keys(next_keys keys) { (void)keys; }
  /// Queues the tickets of a receipt in the durable spool, all or none; `receipt` names them in events. False: there is
  /// no printer. A spool that is full (1,000 jobs) is told as an event.
  virtual bool print(const std::string& receipt, std::vector<bytes> tickets) = 0;
  /// Opens the cash drawer at once. False: there is none, or none that can be opened: no printer, or one behind CUPS.
  /// Not spooled: a printer that is away loses it.
  virtual bool open_drawer() { return false; }
  /// Two lines for the customer's display, in UTF-8. False: none is configured. The newest wins.
  virtual bool show_customer(const std::string& upper, const std::string& lower) {
    (void)upper, (void)lower;
    return false;
  }
  /// What a rewritable card is to say from now on, for the card that is put into its printer next; the newest text
  /// wins. False: none is configured. Nothing is kept: a card that is not put in keeps its old text.
  virtual bool rewrite_card(const std::vector<std::string>& lines) {
    (void)lines;
    return false;
  }
  /// Sends a letter to another node (sync/message.hpp): it may be lost, and is when the link is down.
  virtual void post(node_id to, bytes body) { (void)to, (void)body; }
  /// Who hears of letters and of erased members; empty: nobody. Called on an actor's thread.
  using member_news = std::variant<letter_effect, erased_effect>;
  virtual void on_member_news(std::function<void(const member_news&)> taker) { (void)taker; }
  /// Who hears of letters about PINs (sync/pin_seal.hpp), as above.
  virtual void on_pin_letters(std::function<void(const letter_effect&)> taker) { (void)taker; }
  /// Claims about members that head office did not publish yet, by writer and sequence, behind `after`; at most `max`.
  virtual void open_claims(claim_place after, std::size_t max, std::function<void(std::vector<claim_at>)> done) {
    (void)after, (void)max, done({});
  }
  virtual std::shared_ptr<const node_snapshot> snapshot() const = 0;
  /// At head office, once it began: how far prices were looked at again, and what did not fit. Null elsewhere.
  virtual std::shared_ptr<const reexecution_report> reexecuted() const { return nullptr; }
  /// Somebody dealt with what did not fit in that entry (`reexecution::acknowledge`); durable when it is answered.
  virtual void acknowledge_difference(const writer_id& writer, sequence seq, std::string reason, unix_seconds now,
                                      std::function<void(status)> done) {
    (void)writer, (void)seq, (void)reason, (void)now;
    done(error{errc::not_allowed, "only head office prices entries again"});
  }
  virtual device_states devices() const = 0;
  virtual event_bus& events() = 0;
  virtual const kv_store& store() const = 0;  ///< durable view; any thread
  /// Small durable records of the node layer (pairings, tokens), in the family `meta` under 'n'. `done` is called when
  /// it is durable. Without `done` nobody waits for it: it is written with whatever comes next, within 0.1 s, and a
  /// crash before that loses it.
  virtual void remember(std::string key, std::optional<bytes> value, std::function<void(bool)> done) = 0;
  virtual std::optional<bytes> recall(std::string_view key) const = 0;
};

}  // namespace tally
