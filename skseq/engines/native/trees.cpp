// SPDX-License-Identifier: BSD-3-Clause
// The sum of what the trees of a forest say of rows: what a stream asks for at each row.
//
// A leaf leads to itself, so that every row takes as many steps down a tree as its
// deepest leaf lies deep: no step has to be guessed. Sums add one tree after the other.
#include <algorithm>
#include <limits>

#include "bindings.h"

using namespace skseq;

namespace {

using Ints = nb::ndarray<const std::int32_t, nb::c_contig, nb::device::cpu>;

// The left child of a row whose feature is not beyond the split, else the right one.
struct Node {
  float split;
  std::int32_t feature;
  std::int32_t children[2];
};

struct Tree {
  Size root, depth;
};

class SumOfTrees {
 public:
  SumOfTrees(Size columns, const Ints& roots, const Ints& features, const In& splits,
             const Ints& left, const Ints& right, const Doubles& values)
      : columns_(columns) {
    const Size n_nodes = Size(values.size());
    if (columns < 1 || n_nodes > std::numeric_limits<std::int32_t>::max())
      throw std::invalid_argument("columns must be positive, nodes fewer than 2**31.");
    const double* value = check("values", values, {n_nodes});
    values_.assign(value, value + n_nodes);
    const auto* feature = check("features", features, {n_nodes});
    const float* split = check("splits", splits, {n_nodes});
    const auto* first = check("left", left, {n_nodes});
    const auto* second = check("right", right, {n_nodes});
    const Size n_trees = Size(roots.size());
    const auto* root = check("roots", roots, {n_trees});
    for (Size k = 0; k < n_trees; k++) {
      const Size start = root[k], stop = k + 1 < n_trees ? root[k + 1] : n_nodes;
      if (start < 0 || start >= stop || stop > n_nodes)
        throw std::invalid_argument("roots must be places of nodes, in order.");
      add_tree(start, stop, feature, split, first, second);
    }
  }

  void add_up(const In& rows, const OutDoubles& out) const {
    const Size n_rows = rows.ndim() ? shape_of(rows)[0] : 0;
    const float* row = check("rows", rows, {n_rows, columns_});
    double* sums = check("out", out, {n_rows});
    std::fill(sums, sums + n_rows, 0.0);
    // All rows of a part go down a tree while that is in the cache.
    for (Size start = 0; start < n_rows; start += PART) {
      const Size stop = std::min(start + PART, n_rows);
      for (const Tree& tree : trees_)
        for (Size k = start; k < stop; k++)
          sums[k] += values_[leaf_of(tree, row + k * columns_)];
    }
  }

 private:
  static constexpr Size PART = 64;

  void add_tree(Size start, Size stop, const std::int32_t* feature, const float* split,
                const std::int32_t* left, const std::int32_t* right) {
    nodes_.resize(stop);
    std::vector<Size> depths(stop - start);
    for (Size node = 0; node < stop - start; node++) {
      const Size place = start + node;
      const auto self = std::int32_t(place);
      nodes_[place] = {std::numeric_limits<float>::infinity(), 0, {self, self}};
      if (left[place] < 0) continue;
      if (feature[place] < 0 || feature[place] >= columns_)
        throw std::invalid_argument("features must be columns.");
      nodes_[place].split = split[place], nodes_[place].feature = feature[place];
      for (const Size side : {0, 1}) {
        const Size child = (side ? right : left)[place];
        if (child <= node || child >= stop - start)
          throw std::invalid_argument("children must come after, in their tree.");
        depths[child] = depths[node] + 1;
        nodes_[place].children[side] = std::int32_t(start + child);
      }
    }
    trees_.push_back({start, *std::max_element(depths.begin(), depths.end())});
  }

  Size leaf_of(const Tree& tree, const float* row) const {
    Size place = tree.root;
    for (Size step = 0; step < tree.depth; step++) {
      const Node& node = nodes_[place];
      place = node.children[row[node.feature] > node.split];
    }
    return place;
  }

  Size columns_;
  std::vector<Tree> trees_;
  std::vector<Node> nodes_;
  std::vector<double> values_;
};

}  // namespace

namespace skseq {

void bind_trees(nb::module_& m) {
  using guard = nb::call_guard<nb::gil_scoped_release>;
  const auto array = [](const char* name) { return nb::arg(name).noconvert(); };
  nb::class_<SumOfTrees>(
      m, "SumOfTrees",
      "What trees say of rows, added up. The children of a node are places in its tree, "
      "negative of a leaf.")
      .def(nb::init<Size, const Ints&, const Ints&, const In&, const Ints&, const Ints&,
                    const Doubles&>(),
           nb::kw_only(), nb::arg("columns"), array("roots"), array("features"),
           array("splits"), array("left"), array("right"), array("values"))
      .def("add_up", &SumOfTrees::add_up, array("rows"), array("out"), guard(),
           "Write the sum of the values of the leaves of each row to out. A missing "
           "cell is beyond no split.");
}

}  // namespace skseq
