#pragma once
#include <filesystem>
#include <map>

#include "sync/member_keys.hpp"

namespace tally {

/// Keys of members on disk: one file of slots beside the database, which no backup, parcel or rescue takes along.
///
/// A key is destroyed by writing zeros over it where it lies. There is no log and no second copy, so afterwards no file
/// of the node has it: that is why this is no database. (What a copy-on-write file system or a flash chip keeps below
/// the file is beyond a program; docs/privacy.md.) A slot of 64 octets never crosses a sector, so a power cut leaves
/// the old or the new one. One owner, one thread. When `put` or `destroy` returns ok, it is on the disk.
class member_keystore final : public member_keys {
public:
  /// Opens or makes the file (0600; missing directory 0700). Slots that are damaged are wiped and counted: what they
  /// held cannot be used. Errors: io, not_allowed (a link, another user's file, readable for others), corrupt.
  static result<std::unique_ptr<member_keystore>> open(const std::filesystem::path& file, std::size_t keys_max);
  ~member_keystore() override;
  member_keystore(const member_keystore&) = delete;
  member_keystore& operator=(const member_keystore&) = delete;

  std::optional<member_key> find(account_id member) const override;
  std::optional<held> look(account_id member) const override;
  status put(account_id member, const member_key& key, unix_seconds until) override;
  status destroy(account_id member) override;
  std::vector<held> list() const override;
  std::size_t size() const override { return slots_.size(); }
  std::size_t damaged() const override { return damaged_; }

  unix_seconds latest() const override { return latest_; }
  /// Written when it is an hour beyond the stored one.
  status note_time(unix_seconds now) override;
  status correct_time(unix_seconds now) override;

private:
  struct slot {
    std::uint64_t at{};
    unix_seconds until{};
  };
  member_keystore(int fd, std::size_t keys_max) : fd_(fd), keys_max_(keys_max) {}
  status load();
  status write_at(std::uint64_t at, byte_view octets) const;

  int fd_;
  std::size_t keys_max_, damaged_ = 0;
  std::map<account_id, slot> slots_;
  std::vector<std::uint64_t> free_;
  std::uint64_t count_ = 1;  ///< slots in the file, the header among them
  unix_seconds latest_ = 0, latest_written_ = 0;
};

}  // namespace tally
