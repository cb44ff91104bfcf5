#include "devices/driver_cups.hpp"

#include <atomic>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "devices/driver_cups_library.hpp"
#include "devices/driver_fd.hpp"

namespace tally {

namespace {

/// A connection to CUPS and what is asked over it. One thread.
class connection {
public:
  connection(const cups_library& cups, const cups_options& o)
      : cups_(cups),
        queue_(o.name.queue),
        uri_("ipp://localhost/printers/" + o.name.queue),
        http_(cups_.httpConnect2(o.name.server.c_str(), o.name.port, nullptr, AF_UNSPEC, HTTP_ENCRYPTION_IF_REQUESTED,
                                 1, o.connect_timeout_ms, nullptr)) {
    // Without it a server that takes a request and dies, or never answers, is waited for for ever.
    const auto limit_s = static_cast<double>(o.answer_timeout_ms) / 1000;
    if (http_ != nullptr) cups_.httpSetTimeout(http_, limit_s, give_up, nullptr);
  }
  ~connection() {
    if (http_ != nullptr) cups_.httpClose(http_);
  }
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;
  [[nodiscard]] bool ok() const { return http_ != nullptr; }

  result<cups_queue> state() {
    static const char* const wanted[] = {"printer-state", "printer-state-reasons", "printer-is-accepting-jobs"};
    ipp_t* request = cups_.ippNewRequest(IPP_OP_GET_PRINTER_ATTRIBUTES);
    cups_.ippAddString(request, IPP_TAG_OPERATION, IPP_TAG_URI, "printer-uri", nullptr, uri_.c_str());
    cups_.ippAddStrings(request, IPP_TAG_OPERATION, IPP_TAG_KEYWORD, "requested-attributes", 3, nullptr, wanted);
    const answer a(cups_, cups_.cupsDoRequest(http_, request, "/"));
    if (cups_.cupsLastError() == IPP_STATUS_ERROR_NOT_FOUND)
      return error{errc::not_found, "CUPS has no queue " + queue_};
    if (a.ipp == nullptr || cups_.cupsLastError() > IPP_STATUS_OK_EVENTS_COMPLETE) return failed();
    std::vector<std::string> reasons;
    ipp_attribute_t* list = cups_.ippFindAttribute(a.ipp, "printer-state-reasons", IPP_TAG_KEYWORD);
    for (int i = 0; list != nullptr && i < cups_.ippGetCount(list); ++i)
      reasons.emplace_back(cups_.ippGetString(list, i, nullptr));
    ipp_attribute_t* number = cups_.ippFindAttribute(a.ipp, "printer-state", IPP_TAG_ENUM);
    ipp_attribute_t* takes = cups_.ippFindAttribute(a.ipp, "printer-is-accepting-jobs", IPP_TAG_BOOLEAN);
    const bool accepting = takes == nullptr || cups_.ippGetBoolean(takes, 0) != 0;
    return judge_cups_queue(number != nullptr ? cups_.ippGetInteger(number, 0) : 0, reasons, accepting);
  }

  /// The server's number of the newest job of that title; 0: there is none.
  result<int> find(const std::string& title) {
    return newest(CUPS_WHICHJOBS_ALL, [&](const cups_job_t& j) { return title == j.title; });
  }

  /// Its number. Without one, either CUPS said that it does not take it, or it broke off in the middle: then nobody
  /// knows what is there.
  struct submission {
    int id = 0;
    bool refused = false;
  };
  submission submit(const std::string& title, byte_view data) {
    const auto created = create(title);
    const int id = created.id;
    if (id == 0) return created;
    bool good =
        cups_.cupsStartDocument(http_, queue_.c_str(), id, title.c_str(), CUPS_FORMAT_RAW, 1) == HTTP_STATUS_CONTINUE;
    good = good && cups_.cupsWriteRequestData(http_, data.data(), data.size()) == HTTP_STATUS_CONTINUE;
    good = good && cups_.cupsFinishDocument(http_, queue_.c_str()) <= IPP_STATUS_OK_EVENTS_COMPLETE;
    if (good) return created;
    (void)cups_.cupsCancelJob2(http_, queue_.c_str(), id, 0);
    return {};
  }

  /// How the job of that title stands; failed when CUPS has forgotten it. One that is stuck is cancelled.
  result<cups_job> follow(int id, const std::string& title) {
    static const char* const wanted[] = {"job-state", "job-hold-until", "job-name"};
    ipp_t* request = cups_.ippNewRequest(IPP_OP_GET_JOB_ATTRIBUTES);
    cups_.ippAddString(request, IPP_TAG_OPERATION, IPP_TAG_URI, "printer-uri", nullptr, uri_.c_str());
    cups_.ippAddInteger(request, IPP_TAG_OPERATION, IPP_TAG_INTEGER, "job-id", id);
    cups_.ippAddString(request, IPP_TAG_OPERATION, IPP_TAG_NAME, "requesting-user-name", nullptr, cups_.cupsUser());
    cups_.ippAddStrings(request, IPP_TAG_OPERATION, IPP_TAG_KEYWORD, "requested-attributes", 3, nullptr, wanted);
    const answer a(cups_, cups_.cupsDoRequest(http_, request, "/"));
    if (cups_.cupsLastError() == IPP_STATUS_ERROR_NOT_FOUND) return cups_job::failed;
    ipp_attribute_t* number = a.ipp != nullptr ? cups_.ippFindAttribute(a.ipp, "job-state", IPP_TAG_ENUM) : nullptr;
    if (number == nullptr) return failed();
    cups_job_facts facts{cups_.ippGetInteger(number, 0), text(a.ipp, "job-hold-until"), text(a.ipp, "job-name")};
    if (judge_cups_job(facts, title) == cups_job::waiting) {
      // Should it end between the two questions, it cannot be cancelled any more, and the next look says how it ended.
      const auto active = newest(CUPS_WHICHJOBS_ACTIVE, [&](const cups_job_t& j) { return j.id == id; });
      if (!active) return active.error();
      facts.listed = *active != 0;
    }
    const auto how = judge_cups_job(facts, title);
    if (how != cups_job::stuck) return how;
    // Once it is cancelled, or finished in spite of all, the next look says so.
    (void)cups_.cupsCancelJob2(http_, queue_.c_str(), id, 0);
    return cups_job::waiting;
  }

private:
  /// The greatest number among our jobs of the queue that `fits`; 0: there is none.
  template <class F>
  result<int> newest(int which, F fits) {
    cups_job_t* jobs = nullptr;
    const int n = cups_.cupsGetJobs2(http_, &jobs, queue_.c_str(), 1, which);
    if (n < 0) return failed();
    int found = 0;
    for (int i = 0; i < n; ++i)
      if (fits(jobs[i])) found = std::max(found, jobs[i].id);
    cups_.cupsFreeJobs(n, jobs);
    return found;
  }

  /// By hand: cupsCreateJob first looks for the queue among all printers of the network, and may miss it.
  submission create(const std::string& title) {
    ipp_t* request = cups_.ippNewRequest(IPP_OP_CREATE_JOB);
    cups_.ippAddString(request, IPP_TAG_OPERATION, IPP_TAG_URI, "printer-uri", nullptr, uri_.c_str());
    cups_.ippAddString(request, IPP_TAG_OPERATION, IPP_TAG_NAME, "requesting-user-name", nullptr, cups_.cupsUser());
    cups_.ippAddString(request, IPP_TAG_OPERATION, IPP_TAG_NAME, "job-name", nullptr, title.c_str());
    const answer a(cups_, cups_.cupsDoRequest(http_, request, ("/printers/" + queue_).c_str()));
    ipp_attribute_t* number = a.ipp != nullptr ? cups_.ippFindAttribute(a.ipp, "job-id", IPP_TAG_INTEGER) : nullptr;
    const bool good = cups_.cupsLastError() <= IPP_STATUS_OK_EVENTS_COMPLETE;
    if (good && number != nullptr) return {cups_.ippGetInteger(number, 0), false};
    return {0, a.ipp != nullptr && cups_.ippGetStatusCode(a.ipp) >= IPP_STATUS_ERROR_BAD_REQUEST};
  }

  /// A keyword or name; empty when CUPS does not tell it.
  std::string text(ipp_t* ipp, const char* name) const {
    ipp_attribute_t* found = cups_.ippFindAttribute(ipp, name, IPP_TAG_ZERO);
    const char* value = found != nullptr ? cups_.ippGetString(found, 0, nullptr) : nullptr;
    return value != nullptr ? value : std::string();
  }

  struct answer {
    answer(const cups_library& c, ipp_t* i) : cups(c), ipp(i) {}
    ~answer() {
      if (ipp != nullptr) cups.ippDelete(ipp);
    }
    answer(const answer&) = delete;
    answer& operator=(const answer&) = delete;
    const cups_library& cups;
    ipp_t* ipp;
  };
  static int give_up(http_t*, void*) { return 0; }
  error failed() const { return {errc::offline, std::string("CUPS: ") + cups_.cupsLastErrorString()}; }

  const cups_library& cups_;
  std::string queue_, uri_;
  http_t* http_;
};

}  // namespace

struct cups_printer::inner {
  cups_options options;
  callbacks calls;
  wakeup wake;
  std::atomic<bool> stopping{false};
  std::mutex mutex;
  std::optional<job> current;  // guarded
  int server_id = 0;           // thread only: its number at CUPS
  bool again_sent = false;     // thread only: what has that number is `again`
  std::optional<printer_state> told;
  std::thread thread;

  void run() {
    const auto* cups = load_cups();
    // As if nobody answered; `tallystick devices` says what is wrong.
    if (cups == nullptr) return report(printer_state::offline);
    while (!stopping) {
      connection c(*cups, options);
      if (!c.ok()) report(printer_state::offline);
      while (c.ok() && !stopping) {
        const auto state = c.state();
        report(state ? state->state : printer_state::offline);
        if (!state && state.code() != errc::not_found) break;
        if (!state || !step(c)) break;
        poll_one(-1, 0, wake, static_cast<int>(options.poll_interval_ms));
      }
      if (!stopping) poll_one(-1, 0, wake, static_cast<int>(options.poll_interval_ms));
    }
  }

  /// Brings the job on. False: the connection is of no use any more.
  bool step(connection& c) {
    std::optional<job> now;
    {
      const std::lock_guard lock(mutex);
      now = current;
    }
    if (!now) return true;
    if (server_id == 0 && now->maybe_there) {
      const auto found = c.find(now->title);
      if (!found) return false;
      server_id = *found;
    }
    if (server_id == 0) {
      const auto sent = c.submit(now->title, now->maybe_there ? now->again : now->ticket);
      if (sent.refused) return true;
      server_id = sent.id;
      again_sent = now->maybe_there;
      const std::lock_guard lock(mutex);
      current->maybe_there = true;
      return server_id != 0;
    }
    const auto how = c.follow(server_id, now->title);
    if (!how) return false;
    if (*how == cups_job::waiting) return true;
    {
      const std::lock_guard lock(mutex);
      current.reset();
    }
    server_id = 0;
    calls.on_job(now->id, *how == cups_job::printed, std::exchange(again_sent, false));
    return true;
  }

  void report(printer_state s) {
    if (told == s) return;
    told = s;
    calls.on_state(s);
  }
};

cups_printer::cups_printer(cups_options options, callbacks calls) : inner_(std::make_unique<inner>()) {
  inner_->options = std::move(options);
  inner_->calls = std::move(calls);
}

cups_printer::~cups_printer() { stop(); }

status cups_printer::start() {
  invariant(!inner_->thread.joinable(), "a queue is started once");
  inner_->thread = std::thread([in = inner_.get()] { in->run(); });
  return done();
}

void cups_printer::stop() {
  if (!inner_->thread.joinable()) return;
  inner_->stopping = true;
  inner_->wake.signal();
  inner_->thread.join();
}

status cups_printer::print(job j) {
  {
    const std::lock_guard lock(inner_->mutex);
    if (inner_->current) return {errc::busy, "the queue has a ticket that is not finished"};
    inner_->current = std::move(j);
  }
  inner_->wake.signal();
  return done();
}

result<cups_queue> ask_cups(const cups_options& options) {
  const auto* cups = load_cups();
  if (cups == nullptr) return error{errc::unsupported, "this machine lacks libcups.so.2: install CUPS, or its library"};
  connection c(*cups, options);
  if (!c.ok()) return error{errc::offline, "CUPS does not answer at " + options.name.server};
  return c.state();
}

}  // namespace tally
