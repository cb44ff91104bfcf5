#include "devices/driver_evdev.hpp"

#include <fcntl.h>
#include <libevdev/libevdev.h>
#include <poll.h>

#include <cerrno>
#include <memory>

#include "devices/driver_find.hpp"

namespace tally {

namespace {

using device = std::unique_ptr<libevdev, void (*)(libevdev*)>;

}  // namespace

std::string_view evdev_state_name(evdev_keyboard::state s) {
  switch (s) {
    case evdev_keyboard::state::ready: return "ready";
    case evdev_keyboard::state::unplugged: return "unplugged";
    case evdev_keyboard::state::denied: return "denied";
  }
  return "unplugged";
}

bool types_digits(int fd) {
  libevdev* raw = nullptr;
  if (::libevdev_new_from_fd(fd, &raw) < 0) return false;
  const device d(raw, ::libevdev_free);
  return ::libevdev_has_event_code(d.get(), EV_KEY, KEY_1) != 0 &&
         ::libevdev_has_event_code(d.get(), EV_KEY, KEY_0) != 0;
}

evdev_keyboard::evdev_keyboard(evdev_options options, callbacks calls)
    : options_(std::move(options)), calls_(std::move(calls)) {}

status evdev_keyboard::start() {
  invariant(!thread_.joinable(), "a keyboard is started once");
  if (!is_device_name(options_.device))
    return {errc::bad_config, "not an input device: " + options_.device + " (a path, usb:VENDOR:PRODUCT or name:TEXT)"};
  stopping_ = false;
  told_ = -1;
  thread_ = std::thread([this] { run(); });
  return done();
}

void evdev_keyboard::stop() {
  if (!thread_.joinable()) return;
  stopping_ = true;
  wake_.signal();
  thread_.join();
}

void evdev_keyboard::run() {
  while (!stopping_) {
    const auto why = serve();
    if (stopping_) break;
    report(why);
    poll_one(-1, 0, wake_, static_cast<int>(options_.retry_interval_ms));
  }
}

evdev_keyboard::state evdev_keyboard::serve() {
  const auto path = resolve_device(options_.device, device_class::keyboard);
  if (path.empty()) return state::unplugged;
  const unique_fd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return errno == EACCES || errno == EPERM ? state::denied : state::unplugged;
  libevdev* raw = nullptr;
  if (::libevdev_new_from_fd(fd.get(), &raw) < 0) return state::unplugged;
  const device keyboard(raw, ::libevdev_free);
  if (::libevdev_grab(keyboard.get(), LIBEVDEV_GRAB) < 0) return state::denied;
  report(state::ready);
  while (!stopping_) {
    input_event e{};
    const int rc = ::libevdev_next_event(keyboard.get(), LIBEVDEV_READ_FLAG_NORMAL, &e);
    if (rc == LIBEVDEV_READ_STATUS_SYNC) {
      // The kernel's buffer ran over. What the keys are now is of no use: the text is incomplete.
      calls_.on_key({EV_SYN, SYN_DROPPED, 0});
      while (::libevdev_next_event(keyboard.get(), LIBEVDEV_READ_FLAG_SYNC, &e) == LIBEVDEV_READ_STATUS_SYNC) {
      }
      calls_.on_key({EV_SYN, SYN_REPORT, 0});
    } else if (rc == LIBEVDEV_READ_STATUS_SUCCESS) {
      calls_.on_key({e.type, e.code, e.value});
    } else if (rc == -EAGAIN) {
      const short happened = poll_one(fd.get(), POLLIN, wake_, -1);
      if ((happened & (POLLHUP | POLLERR | POLLNVAL)) != 0 && (happened & POLLIN) == 0) break;
    } else if (rc != -EINTR) {
      break;  // ENODEV: the plug was pulled
    }
  }
  return state::unplugged;
}

void evdev_keyboard::report(state s) {
  if (told_.exchange(static_cast<int>(s)) != static_cast<int>(s)) calls_.on_state(s);
}

}  // namespace tally
