#include "sync/receipt_signer.hpp"

#include "storage/entry_codec.hpp"
#include "storage/sha256.hpp"

namespace tally {

result<receipt_code> receipt_signer::sign(const writer_id& writer, sequence seq) {
  const auto data = reader_.own_entry(writer, seq);
  if (!data) return data.error();
  const auto kind = peek_kind(*data);
  bool receipt = sells(kind) || kind == entry_kind::top_up || kind == entry_kind::reverse ||
                 kind == entry_kind::authorise || kind == entry_kind::void_hold || kind == entry_kind::gift ||
                 kind == entry_kind::adjust;
  if (!receipt) return error{errc::not_found, "that entry is no receipt"};
  const auto root = root_after(writer, seq);
  if (!root) return root.error();
  return sign_receipt(key_, chain_, writer, seq, *root, *data);
}

result<hash256> receipt_signer::root_after(const writer_id& writer, sequence seq) {
  const auto nodes = reader_.nodes({writer, sub_stream::journal, {}}, {writer.node, {}});
  const std::lock_guard lock(mutex_);
  // An old receipt is asked for again: rare, and rebuilt from the tiles.
  if (writer == writer_ && seq < base_.size()) return root_at(seq + 1, nodes);
  if (writer != writer_ || seq >= base_.size() + 4 * kept_max) {
    auto before =
        seq < kept_max / 2 ? result<merkle_frontier>(merkle_frontier{}) : frontier_at(seq - kept_max / 2, nodes);
    if (!before) return before.error();
    writer_ = writer;
    base_ = *before;
    leaves_.clear();
  }
  while (base_.size() + leaves_.size() <= seq) {
    const auto data = reader_.own_entry(writer, base_.size() + leaves_.size());
    if (!data) return data.error();
    leaves_.push_back(merkle_leaf(*data));
  }
  auto edge = base_;
  for (std::size_t n = 0; n + base_.size() <= seq; ++n)
    edge.append(leaves_[n]);
  const auto root = edge.root();
  // Answers overtake each other by a few entries, so the last ones stay.
  if (leaves_.size() >= kept_max) {
    const auto settled = leaves_.end() - kept_max / 2;
    for (auto leaf = leaves_.begin(); leaf != settled; ++leaf)
      base_.append(*leaf);
    leaves_.erase(leaves_.begin(), settled);
  }
  return root;
}

}  // namespace tally
