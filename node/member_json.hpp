#pragma once
#include "node/json_read.hpp"
#include "node/json_write.hpp"
#include "sync/members.hpp"

namespace tally {

// Members as JSON, the same for tills and for the command line; fields in docs/http-api.md.

/// What a form says; fields that are not there are not said. Names of other fields are left alone, so that a caller may
/// have its own. Errors: `malformed` with the field.
result<member_change> change_from_json(const json_value& object);
/// Fields without brackets.
void write_member(json_writer& w, const member_view& v, bool with_photo);
std::string member_text(const member_view& v);
std::string member_list_text(const member_list& l);
/// What a till's application came to: the application, and whether it was open before.
std::string applied_text(const applied_card& a);
std::string application_list_text(const application_list& l);

}  // namespace tally
