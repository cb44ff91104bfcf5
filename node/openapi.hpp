#pragma once
#include <string>

namespace tally {

/// The OpenAPI 3.1 document of the HTTP interface, which is node/openapi.json: `GET /api/v1/openapi.json`. Lives as
/// long as the program. Any thread. tests/node/openapi_test.cpp and tests/e2e/openapi_test.mjs hold it against the
/// handlers.
const std::string& openapi_document();

}  // namespace tally
