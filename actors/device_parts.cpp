#include "actors/devices.hpp"

namespace tally {
namespace {

supervised printer_part(node_context& context, const device_options& o) {
  return {"the printer", [&context, o](caf::actor_system& sys) {
            printer_config c;
            c.queue = parse_cups_name(o.printer_queue);
            c.address.host = o.printer_host;
            c.address.port = o.printer_port;
            c.device.path = o.printer_path;
            c.device.baud = o.printer_baud;
            c.device.flow = o.printer_flow;
            c.machine.mark_every = o.printer_path.empty() ? 0 : printer_options::line_mark_every;
            c.machine.proof = o.printer_proves_ids ? print_proof::process_id : print_proof::taken;
            c.duplicate_head = o.duplicate_head;
            c.drawer_pulse = o.drawer_pulse;
            auto a = sys.spawn(printer, &context, c);
            context.set_handle(&node_context::printer, a);
            return caf::actor(a);
          }};
}

supervised input_part(node_context& context, const device_options& o, const char* device, const std::string& path,
                      unsigned baud) {
  input_config c;
  c.device = device;
  c.port.path = path;
  c.port.baud = baud;
  c.codes.card_prefixes = o.card_prefixes;
  return {std::string("the ") + device,
          [&context, c](caf::actor_system& sys) { return caf::actor(sys.spawn(input_device, &context, c)); }};
}

supervised chip_part(node_context& context, const device_options& o) {
  pcsc_options c;
  c.reader = o.chip_reader;
  return {"the chip reader",
          [&context, c](caf::actor_system& sys) { return caf::actor(sys.spawn(chip_device, &context, c)); }};
}

supervised wedge_part(node_context& context, const device_options& o) {
  wedge_config c;
  c.keyboard.device = o.wedge;
  c.codes.card_prefixes = o.card_prefixes;
  return {"the keyboard reader",
          [&context, c](caf::actor_system& sys) { return caf::actor(sys.spawn(wedge_device, &context, c)); }};
}

supervised display_part(node_context& context, const device_options& o) {
  display_config c;
  c.port.path = o.display_path;
  c.port.baud = o.display_baud;
  c.text = o.display_charset;
  return {"the display", [&context, c](caf::actor_system& sys) {
            auto a = sys.spawn(display_device, &context, c);
            context.set_handle(&node_context::display, a);
            return caf::actor(a);
          }};
}

supervised rewriter_part(node_context& context, const device_options& o) {
  rewriter_config c;
  c.port.path = o.rewriter_path;
  c.port.baud = o.rewriter_baud;
  c.machine.text = o.rewriter_charset;
  c.machine.columns = o.rewriter_columns;
  return {"the card rewriter", [&context, c](caf::actor_system& sys) {
            auto a = sys.spawn(rewriter_device, &context, c);
            context.set_handle(&node_context::rewriter, a);
            return caf::actor(a);
          }};
}

}  // namespace

std::vector<supervised> device_parts(node_context& context, const device_options& o) {
  std::vector<supervised> list;
  if (!o.printer_host.empty() || !o.printer_path.empty() || !o.printer_queue.empty())
    list.push_back(printer_part(context, o));
  if (!o.reader_path.empty()) list.push_back(input_part(context, o, "reader", o.reader_path, o.reader_baud));
  if (!o.scanner_path.empty()) list.push_back(input_part(context, o, "scanner", o.scanner_path, o.scanner_baud));
  if (!o.wedge.empty()) list.push_back(wedge_part(context, o));
  if (!o.display_path.empty()) list.push_back(display_part(context, o));
  if (!o.rewriter_path.empty()) list.push_back(rewriter_part(context, o));
  if (!o.chip_reader.empty()) list.push_back(chip_part(context, o));
  return list;
}

}  // namespace tally
