#pragma once
#include <cups/cups.h>

namespace tally {

/// What is used of libcups, by its own names.
struct cups_library {
  decltype(&::cupsCancelJob2) cupsCancelJob2;
  decltype(&::cupsDoRequest) cupsDoRequest;
  decltype(&::cupsFinishDocument) cupsFinishDocument;
  decltype(&::cupsFreeJobs) cupsFreeJobs;
  decltype(&::cupsGetJobs2) cupsGetJobs2;
  decltype(&::cupsLastError) cupsLastError;
  decltype(&::cupsLastErrorString) cupsLastErrorString;
  decltype(&::cupsStartDocument) cupsStartDocument;
  decltype(&::cupsUser) cupsUser;
  decltype(&::cupsWriteRequestData) cupsWriteRequestData;
  decltype(&::httpClose) httpClose;
  decltype(&::httpConnect2) httpConnect2;
  decltype(&::httpSetTimeout) httpSetTimeout;
  decltype(&::ippAddInteger) ippAddInteger;
  decltype(&::ippAddString) ippAddString;
  decltype(&::ippAddStrings) ippAddStrings;
  decltype(&::ippDelete) ippDelete;
  decltype(&::ippFindAttribute) ippFindAttribute;
  decltype(&::ippGetBoolean) ippGetBoolean;
  decltype(&::ippGetCount) ippGetCount;
  decltype(&::ippGetInteger) ippGetInteger;
  decltype(&::ippGetStatusCode) ippGetStatusCode;
  decltype(&::ippGetString) ippGetString;
  decltype(&::ippNewRequest) ippNewRequest;
};

/// The library, loaded when somebody first asks for a queue and kept then: with what it needs itself for TLS, D-Bus and
/// the printers of a network it takes megabytes, of which a till without such a printer has no use. Null when this
/// machine does not have it. Any thread.
const cups_library* load_cups();

}  // namespace tally
