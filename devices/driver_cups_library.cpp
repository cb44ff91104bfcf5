#include "devices/driver_cups_library.hpp"

#include <dlfcn.h>

#include <optional>

namespace tally {

namespace {

std::optional<cups_library> load() {
  // The name that Debian's headers belong to. Never closed: it has state of its own for each thread.
  void* const at = ::dlopen("libcups.so.2", RTLD_NOW | RTLD_LOCAL);
  if (at == nullptr) return std::nullopt;
  cups_library out{};
  bool all = true;
  const auto find = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(at, name));
    all = all && function != nullptr;
  };
  find(out.cupsCancelJob2, "cupsCancelJob2");
  find(out.cupsDoRequest, "cupsDoRequest");
  find(out.cupsFinishDocument, "cupsFinishDocument");
  find(out.cupsFreeJobs, "cupsFreeJobs");
  find(out.cupsGetJobs2, "cupsGetJobs2");
  find(out.cupsLastError, "cupsLastError");
  find(out.cupsLastErrorString, "cupsLastErrorString");
  find(out.cupsStartDocument, "cupsStartDocument");
  find(out.cupsUser, "cupsUser");
  find(out.cupsWriteRequestData, "cupsWriteRequestData");
  find(out.httpClose, "httpClose");
  find(out.httpConnect2, "httpConnect2");
  find(out.httpSetTimeout, "httpSetTimeout");
  find(out.ippAddInteger, "ippAddInteger");
  find(out.ippAddString, "ippAddString");
  find(out.ippAddStrings, "ippAddStrings");
  find(out.ippDelete, "ippDelete");
  find(out.ippFindAttribute, "ippFindAttribute");
  find(out.ippGetBoolean, "ippGetBoolean");
  find(out.ippGetCount, "ippGetCount");
  find(out.ippGetInteger, "ippGetInteger");
  find(out.ippGetStatusCode, "ippGetStatusCode");
  find(out.ippGetString, "ippGetString");
  find(out.ippNewRequest, "ippNewRequest");
  return all ? std::optional(out) : std::nullopt;
}

}  // namespace

const cups_library* load_cups() {
  static const auto loaded = load();
  return loaded ? &*loaded : nullptr;
}

}  // namespace tally
