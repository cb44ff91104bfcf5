#pragma once
#include <cassert>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <variant>

#include "ledger/errc.hpp"

namespace tally {

/// A failure: a code, and a detail for the person who has to act on it.
struct error {
  errc code = errc::internal;
  std::string detail;

  friend bool operator==(const error&, const error&) = default;
};

/// A value or an error; must be looked at. Refusal and absence are values of `errc`, never exceptions.
template <class T>
class [[nodiscard]] result {
public:
  result(T value) : v_(std::move(value)) {}
  result(tally::error e) : v_(std::move(e)) {}
  result(errc code, std::string detail = {}) : v_(tally::error{code, std::move(detail)}) {}

  explicit operator bool() const { return v_.index() == 0; }
  bool ok() const { return v_.index() == 0; }
  /// REQUIRES: ok().
  T& value() & { return std::get<0>(v_); }
  const T& value() const& { return std::get<0>(v_); }
  T&& value() && { return std::get<0>(std::move(v_)); }
  T& operator*() & { return std::get<0>(v_); }
  const T& operator*() const& { return std::get<0>(v_); }
  T&& operator*() && { return std::get<0>(std::move(v_)); }
  T* operator->() { return &std::get<0>(v_); }
  const T* operator->() const { return &std::get<0>(v_); }
  /// REQUIRES: !ok().
  const tally::error& error() const { return std::get<1>(v_); }
  errc code() const { return ok() ? errc::ok : std::get<1>(v_).code; }

private:
  std::variant<T, tally::error> v_;
};

struct unit_t {
  friend bool operator==(unit_t, unit_t) = default;
};
/// Success or an error.
using status = result<unit_t>;
inline status done() { return unit_t{}; }

/// A programmer's error: stops the process, in every build. Never for input.
inline void invariant(bool holds, const char* what) {
  if (!holds) [[unlikely]] {
    std::fprintf(stderr, "tallystick: invariant broken: %s\n", what);
    std::abort();
  }
}

}  // namespace tally

/// Returns the error of `expr` from the enclosing function, if it is one.
#define TALLY_TRY(expr)                                                      \
  do {                                                                       \
    if (auto try_ = (expr); !try_.ok()) return ::tally::error(try_.error()); \
  } while (false)
