#include "bench/figures.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <string>
#include <system_error>

namespace tally::bench {

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

double latencies::percentile(double percent) {
  if (ns_.empty()) return 0;
  auto rank = static_cast<std::size_t>(std::ceil(percent / 100 * static_cast<double>(ns_.size())));
  auto at = ns_.begin() + static_cast<std::ptrdiff_t>(std::clamp<std::size_t>(rank, 1, ns_.size()) - 1);
  std::nth_element(ns_.begin(), at, ns_.end());
  return static_cast<double>(*at) / 1000;
}

void report(std::string_view name, double value) {
  std::printf("%.*s %.3f\n", static_cast<int>(name.size()), name.data(), value);
  std::fflush(stdout);
}

void report(std::string_view name, latencies& times, std::int64_t took_ns) {
  report(std::string(name) + "_p50_us", times.percentile(50));
  report(std::string(name) + "_p99_us", times.percentile(99));
  if (took_ns > 0)
    report(std::string(name) + "_per_s", static_cast<double>(times.count()) * 1e9 / static_cast<double>(took_ns));
}

latencies raw_append_sync(const std::filesystem::path& dir, std::size_t octets, std::size_t count) {
  auto file = dir / "raw.append";
  int fd = ::open(file.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), file.string());
  latencies times;
  times.reserve(count);
  std::string record(octets, 'r');
  int failed = 0;
  for (std::size_t i = 0; i < count && failed == 0; ++i) {
    auto start = now_ns();
    if (::write(fd, record.data(), record.size()) != static_cast<ssize_t>(record.size()) || ::fdatasync(fd) != 0)
      failed = errno != 0 ? errno : EIO;
    times.add(now_ns() - start);
  }
  ::close(fd);
  std::error_code ignored;
  std::filesystem::remove(file, ignored);
  if (failed != 0) throw std::system_error(failed, std::generic_category(), file.string());
  return times;
}

std::int64_t raw_write_sync(const std::filesystem::path& dir, std::string_view text, std::size_t step) {
  auto file = dir / "raw.write";
  int fd = ::open(file.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), file.string());
  auto start = now_ns();
  bool ok = true;
  for (; ok && !text.empty(); text.remove_prefix(std::min(step, text.size()))) {
    auto part = text.substr(0, step);
    ok = ::write(fd, part.data(), part.size()) == static_cast<ssize_t>(part.size()) && ::fdatasync(fd) == 0;
  }
  auto took = now_ns() - start;
  int failed = ok ? 0 : errno;
  ::close(fd);
  std::error_code ignored;
  std::filesystem::remove(file, ignored);
  if (!ok) throw std::system_error(failed, std::generic_category(), file.string());
  return took;
}

double cpu_us() {
  rusage u{};
  ::getrusage(RUSAGE_SELF, &u);
  auto us = [](const timeval& t) { return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_usec); };
  return us(u.ru_utime) + us(u.ru_stime);
}

memory_use memory_of(int pid) {
  memory_use m;
  std::ifstream in("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("VmRSS:")) m.resident = std::stoull(line.substr(6));
    if (line.starts_with("VmHWM:")) m.highest = std::stoull(line.substr(6));
  }
  return m;
}

}  // namespace tally::bench
