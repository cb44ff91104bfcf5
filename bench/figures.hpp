#pragma once
#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

namespace tally::bench {

/// Nanoseconds on the monotonic clock.
std::int64_t now_ns();

/// Times of single operations, kept whole so that percentiles are exact. Not thread-safe.
class latencies {
public:
  void reserve(std::size_t n) { ns_.reserve(n); }
  void add(std::int64_t ns) { ns_.push_back(ns); }
  void add(const latencies& other) { ns_.insert(ns_.end(), other.ns_.begin(), other.ns_.end()); }
  std::size_t count() const { return ns_.size(); }
  /// The smallest time that at least `percent` of the operations did not exceed, in microseconds; 0 without any.
  double percentile(double percent);

private:
  std::vector<std::int64_t> ns_;
};

/// Prints "name value" to stdout, one figure per line: what `bench/run` collects.
void report(std::string_view name, double value);
/// Prints `<name>_p50_us`, `<name>_p99_us` and, given how long it all took, `<name>_per_s`.
void report(std::string_view name, latencies& times, std::int64_t took_ns = 0);

/// Appends `count` records of `octets` to a file in `dir`, fdatasync after each, on this thread: the floor of a
/// durable answer. The file is removed at the end. Throws std::system_error when the disk does not take it.
latencies raw_append_sync(const std::filesystem::path& dir, std::size_t octets, std::size_t count);

/// Writes `text` to a file in `dir`, `step` octets at a time with an fdatasync behind each; the nanoseconds that it
/// took. The file is removed at the end. Throws std::system_error when the disk does not take it.
std::int64_t raw_write_sync(const std::filesystem::path& dir, std::string_view text, std::size_t step);

/// Processor time of this process so far, all threads, in microseconds. Unlike wall time it says the same on a machine
/// that others use too.
double cpu_us();

/// Resident memory of a process in KiB (`VmRSS` and `VmHWM` of /proc); 0 when it is gone.
struct memory_use {
  std::uint64_t resident = 0, highest = 0;
};
memory_use memory_of(int pid);

}  // namespace tally::bench
