#pragma once
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace tally::test {

/// What was asked and what was answered, for those who hold both against the OpenAPI document
/// (tests/e2e/openapi_test.mjs): one line of JSON each, in the file that TALLY_EXCHANGES names. Any thread.
inline void note_exchange(const nlohmann::json& what) {
  static std::mutex mutex;
  static const char* const file = std::getenv("TALLY_EXCHANGES");
  if (!file) return;
  std::lock_guard lock(mutex);
  std::ofstream(file, std::ios::app) << what.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
}

inline void note_exchange(std::string_view method, std::string_view path, std::string_view body, int status,
                          std::string_view type, std::string_view answer) {
  note_exchange({{"method", method},
                 {"path", path.substr(0, path.find('?'))},
                 {"body", body},
                 {"status", status},
                 {"type", type},
                 {"answer", answer}});
}

/// An event as a till reads it: "event: NAME\ndata: JSON\n\n"; empty text is none.
inline void note_event(std::string_view frame) {
  if (!frame.empty()) note_exchange({{"event", frame}});
}

}  // namespace tally::test
