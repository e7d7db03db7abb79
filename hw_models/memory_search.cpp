#include "hw_models/memory_search.h"

#include <algorithm>
#include <limits>
#include <queue>
#include <unordered_set>

namespace hwnas {
namespace {

using Mask = std::uint64_t;
constexpr int kSource = -1;

// A layer and the free followers that run with it.
struct Node {
  int head = 0;
  std::vector<int> members;  // in the order of the indices
  std::vector<int> inputs;   // nodes, or kSource, whose tensors are read
  Mask needs = 0;
  Mask readers = 0;  // of its tensor
  std::int64_t bytes = 0;
};

class Search {
 public:
  Search(const MemoryGraph& graph, int first, int last);

  bool fits() const { return nodes_.size() <= 64; }
  // Lowers `peak` and fills `order` where a better order is found.
  void run(std::int64_t floor, std::int64_t& peak, std::vector<int>& order) const;

 private:
  struct State {
    Mask done = 0;
    std::int64_t live = 0, peak = 0;
    int parent = -1, node = -1;
  };
  static Mask bit(int node) { return Mask{1} << node; }

  State step(const State& from, int node) const;
  bool ready(const State& state, int node) const {
    const Node& n = nodes_[at(node)];
    return !(state.done & bit(node)) && (n.needs & ~state.done) == 0;
  }
  std::vector<int> greedy(std::int64_t& peak) const;
  std::vector<int> exact(std::int64_t floor, std::int64_t& peak) const;
  int count() const { return static_cast<int>(nodes_.size()); }

  const MemoryGraph& graph_;
  int first_;
  std::vector<Node> nodes_;
  Mask source_readers_ = 0;
  std::int64_t source_bytes_ = 0;
};

Search::Search(const MemoryGraph& graph, int first, int last) : graph_(graph), first_(first) {
  source_bytes_ = graph.bytes[at(graph.store[at(first)])];
  std::vector<int> owner(at(last - first + 1), kSource);
  for (int i = first + 1; i <= last; ++i) {
    const int from = graph.inputs(i)[0];
    const bool in_segment = from > first && owner[at(from - first)] != kSource;
    if (in_segment && graph.free_follower(i)) {
      Node& node = nodes_[at(owner[at(from - first)])];
      node.members.push_back(i);
      node.bytes = graph.bytes[at(graph.store[at(i)])];
      owner[at(i - first)] = owner[at(from - first)];
      continue;
    }
    const int id = count();
    Node node{i, {i}, {}, 0, 0, graph.bytes[at(i)]};
    for (const int input : graph.inputs(i)) {
      const int source = input <= first ? kSource : owner[at(input - first)];
      if (std::find(node.inputs.begin(), node.inputs.end(), source) != node.inputs.end()) continue;
      node.inputs.push_back(source);
      if (id >= 64) continue;
      if (source == kSource) {
        source_readers_ |= bit(id);
      } else {
        node.needs |= bit(source);
        nodes_[at(source)].readers |= bit(id);
      }
    }
    owner[at(i - first)] = id;
    nodes_.push_back(std::move(node));
  }
}

Search::State Search::step(const State& from, int node) const {
  const Node& n = nodes_[at(node)];
  State to = from;
  to.done |= bit(node);
  std::int64_t dying = 0, largest = 0;
  for (const int input : n.inputs) {
    const Mask readers = input == kSource ? source_readers_ : nodes_[at(input)].readers;
    if (readers & ~to.done) continue;
    const std::int64_t bytes = input == kSource ? source_bytes_ : nodes_[at(input)].bytes;
    dying += bytes;
    largest = std::max(largest, bytes);
  }
  to.peak = std::max(from.peak, graph_.running(n.head, from.live, dying, largest));
  to.live += (n.readers != 0 || node == count() - 1 ? n.bytes : 0) - dying;
  to.node = node;
  return to;
}

std::vector<int> Search::greedy(std::int64_t& peak) const {
  std::vector<int> order;
  State state{0, source_bytes_, 0, -1, -1};
  for (int done = 0; done < count(); ++done) {
    State best;
    best.peak = std::numeric_limits<std::int64_t>::max();
    for (int node = 0; node < count(); ++node) {
      if (!ready(state, node)) continue;
      const State next = step(state, node);
      if (std::pair(next.peak, next.live) < std::pair(best.peak, best.live)) best = next;
    }
    state = best;
    order.push_back(state.node);
  }
  peak = state.peak;
  return order;
}

// Bottleneck shortest path over sets of executed nodes: the state of least peak first, so the first
// complete state is optimal. Empty where nothing below `peak` exists or the limit is reached.
std::vector<int> Search::exact(std::int64_t floor, std::int64_t& peak) const {
  std::vector<State> states{{0, source_bytes_, floor, -1, -1}};
  std::unordered_set<Mask> seen;
  using Entry = std::pair<std::int64_t, int>;  // peak, minus index: newest first, to go deep
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> open;
  open.emplace(floor, 0);
  const Mask all = count() == 64 ? ~Mask{0} : bit(count()) - 1;
  while (!open.empty() && states.size() < kSearchStates) {
    const int index = -open.top().second;
    open.pop();
    const State state = states[at(index)];
    if (state.done == all) {
      std::vector<int> order;
      for (int i = index; states[at(i)].node >= 0; i = states[at(i)].parent)
        order.push_back(states[at(i)].node);
      std::reverse(order.begin(), order.end());
      peak = state.peak;
      return order;
    }
    // Of several ways to one set, the one of least peak is expanded; `live` is the same for all.
    if (!seen.insert(state.done).second) continue;
    for (int node = 0; node < count(); ++node) {
      if (!ready(state, node)) continue;
      State next = step(state, node);
      if (next.peak >= peak || seen.contains(next.done)) continue;
      next.parent = index;
      states.push_back(next);
      open.emplace(next.peak, -static_cast<int>(states.size() - 1));
    }
  }
  return {};
}

void Search::run(std::int64_t floor, std::int64_t& peak, std::vector<int>& order) const {
  std::int64_t greedy_peak = 0;
  std::vector<int> nodes = greedy(greedy_peak);
  if (greedy_peak >= peak) {
    nodes.clear();
  } else {
    peak = greedy_peak;
  }
  if (peak > floor) {
    if (std::vector<int> better = exact(floor, peak); !better.empty()) nodes = std::move(better);
  }
  for (const int node : nodes) {
    for (const int layer : nodes_[at(node)].members) order.push_back(layer - first_);
  }
}

// Whether the segments after layers a and b hold the same tensors joined in the same way.
bool same_shape(const MemoryGraph& graph, const SegmentOrder& known, int first, int last) {
  if (known.last - known.first != last - first) return false;
  const int shift = first - known.first;
  const auto source = [&graph](int layer) { return graph.bytes[at(graph.store[at(layer)])]; };
  if (source(first) != source(known.first)) return false;
  for (int i = known.first + 1; i <= known.last; ++i) {
    const int j = i + shift;
    const auto a = graph.inputs(i), b = graph.inputs(j);
    const bool same = graph.bytes[at(i)] == graph.bytes[at(j)] &&
                      graph.padded[at(i)] == graph.padded[at(j)] &&
                      graph.reuse[at(i)] == graph.reuse[at(j)] &&
                      (graph.store[at(i)] == i) == (graph.store[at(j)] == j) &&
                      std::equal(a.begin(), a.end(), b.begin(), b.end(),
                                 [shift](int x, int y) { return x + shift == y; });
    if (!same) return false;
  }
  return true;
}

}  // namespace

const SegmentOrder& best_order(const MemoryGraph& graph, int first, int last, std::int64_t peak,
                               std::int64_t floor, std::vector<SegmentOrder>& known) {
  for (const SegmentOrder& segment : known) {
    if (same_shape(graph, segment, first, last)) return segment;
  }
  SegmentOrder& found = known.emplace_back(SegmentOrder{first, last, peak, {}});
  const Search search(graph, first, last);
  if (search.fits()) search.run(floor, found.peak, found.order);
  return found;
}

}  // namespace hwnas
