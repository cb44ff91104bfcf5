#pragma once
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

namespace tally::http {

/// Who is connected, and who makes room when all places are taken: of the address that has most connections, the one
/// that has waited for longest (nothing received, or a request not complete). One that works is never pushed out, and
/// nobody who has more than everybody else pushes out others. All calls in logarithmic time of the places; from any
/// thread.
class http_places {
public:
  using number = std::uint64_t;
  struct place {
    number id = 0;
    std::size_t home = 0;  ///< as the newcomer said: by whom it is served
  };
  struct arrival {
    number id = 0;
    std::optional<place> pushed_out;  ///< has no place any more; its connection is to be closed
  };

  explicit http_places(std::size_t places_max) : places_max_(places_max) {}

  /// A newcomer of this address, which waits. Nothing: there is no place for it.
  std::optional<arrival> arrive(const std::string& from, std::size_t home);
  /// From now on it waits, as the newest of its address that does. Nothing when it was pushed out before.
  void waits(number id);
  /// It works until it waits again. False: it was pushed out meanwhile, and must end without doing anything.
  bool works(number id);
  void leave(number id);

private:
  using moment = std::uint64_t;  // counts up: a clock that never stands still
  struct waiting {
    number id;
    moment since;
  };
  struct address {
    std::string name;
    std::size_t places = 0;
    std::list<waiting> waits;  // the longest first
  };
  struct guest {
    address* from;
    std::size_t home;
    std::optional<std::list<waiting>::iterator> wait;
  };
  /// Addresses of which somebody waits: the first is the one with most places, then the one whose wait is longest.
  struct rank {
    std::size_t places;
    moment since;
    address* of;
    bool operator<(const rank& b) const {
      return places != b.places ? places > b.places : since != b.since ? since < b.since : of < b.of;
    }
  };

  static rank rank_of(address& a) { return {a.places, a.waits.front().since, &a}; }
  template <class Change>
  void change(address& a, Change c);
  void wait_anew(number id, guest& g);
  void remove(std::unordered_map<number, guest>::iterator at);

  const std::size_t places_max_;
  std::mutex mutex_;
  std::unordered_map<std::string, address> addresses_;
  std::unordered_map<number, guest> guests_;
  std::set<rank> ranks_;
  number next_ = 1;
  moment now_ = 0;
};

}  // namespace tally::http
