#include "node/receipt_config.hpp"

#include "devices/escpos.hpp"
#include "node/identity.hpp"

namespace tally {
namespace {

constexpr std::size_t logo_file_bytes_max = 1 << 20;

language language_named(std::string_view tag) {
  for (std::size_t i = 0; i < language_count; ++i)
    if (language_tag(static_cast<language>(i)) == tag) return static_cast<language>(i);
  return language::en;
}

charset usual_charset(language l) {
  switch (l) {
    case language::zh_hans: return charset::gb18030;
    case language::zh_hant: return charset::big5;
    case language::ko: return charset::euc_kr;
    case language::en: break;
  }
  return charset::cp437;
}

result<raster> read_logo(const std::string& file, std::size_t dots) {
  auto bad = [&](const std::string& why) { return error{errc::bad_config, "printer.logo = " + file + ": " + why}; };
  auto text = read_small_file(file, logo_file_bytes_max);
  if (!text) return bad(text.error().detail);
  auto logo = parse_pbm(*text);
  if (!logo) return bad(logo.error().detail);
  if (logo->width > dots)
    return bad("it is " + std::to_string(logo->width) + " dots wide, the paper has " + std::to_string(dots) +
               " (12 for each of printer.columns)");
  if (logo->rows.size() > escpos::ticket_bytes_max / 2) return bad("it is too large for a ticket");
  return logo;
}

}  // namespace

result<receipt_layout> make_receipt_layout(const node_config& config) {
  const auto& p = config.printer;
  if (!p.address.empty() + !p.path.empty() + !p.queue.empty() > 1)
    return error{errc::bad_config,
                 "more than one of printer.address, printer.queue and printer.path is set: a node has one printer"};
  receipt_layout out;
  out.lang = language_named(config.receipt.language);
  out.printer.text = charset_named(p.charset).value_or(usual_charset(out.lang));
  out.display = charset_named(config.display.charset).value_or(usual_charset(out.lang));
  out.rewriter = charset_named(config.rewriter.charset).value_or(usual_charset(out.lang));
  out.printer.columns = static_cast<std::size_t>(p.columns);
  out.qr = config.receipt.qr;
  out.printer.qr = p.qr == "dots" ? qr_printing::dots : qr_printing::native;
  out.printer.cutter = p.cutter;
  out.printer.drawer = p.drawer == "none"   ? drawer_pin::none
                       : p.drawer == "pin5" ? drawer_pin::pin_5
                                            : drawer_pin::pin_2;
  out.printer.opens_by = p.drawer_command == "pulse" ? drawer_command::pulse : drawer_command::realtime;
  if (!p.logo.empty()) {
    auto logo = read_logo(p.logo, out.printer.dots());
    if (!logo) return logo.error();
    out.printer.logo = std::move(*logo);
  }
  return out;
}

}  // namespace tally
