// SPDX-License-Identifier: BSD-3-Clause
// The errors of windows, from their cells: what a stream asks for at each row.
//
// All that NumPy does to whole batches in Preparation, LinearPath, FittedNetwork and
// Judge, in the same order and as exactly rounded, so that no bit of a score differs.
// Two steps are left to NumPy, whose own way to the last bit they are: the tanh of the
// levels, between prepare and finish, and the sums of the errors, after it. Compiled
// without contraction: NumPy rounds a product before it adds it.
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "bindings.h"
#include "cell_errors.h"

using namespace skseq;

namespace {

// Memory that begins at a cache line: a load that spans two costs double.
class Floats {
 public:
  explicit Floats(Size size) : memory_(size + LANES) {
    const auto address = reinterpret_cast<std::uintptr_t>(memory_.data());
    start_ = memory_.data() + (64 - address % 64) % 64 / sizeof(float);
  }
  Floats(Floats&&) = default;
  float* data() { return start_; }

 private:
  std::vector<float> memory_;
  float* start_;
};

class WindowErrors {
 public:
  WindowErrors(Size steps, In fill, bool indicator, std::optional<std::vector<In>> path,
               std::vector<In> weights, Size last, const std::string& activation,
               const std::string& rule, std::optional<std::vector<Doubles>> distance,
               const std::string& score_on, const Name& isa)
      : steps_(steps),
        indicator_(indicator),
        last_(last),
        activation_(activation_of(activation)),
        kernels_(kernels(isa)),
        held_{std::move(fill)},
        weights_(std::move(weights)) {
    if (held_[0].ndim() != 1 || !held_[0].size() || steps < 1)
      throw std::invalid_argument("fill must have 1 axis, and cells and steps.");
    features_ = shape_of(held_[0])[0];
    cells_ = steps * features_;
    fill_ = data_of("fill", held_[0]);
    if (path) set_path(*path);
    rule_.emplace(steps, features_, rule, std::move(distance), score_on, kernels_);
    set_layers();
    for_one_ = std::make_unique<Scratch>(*this, 1);
  }

  // Takes windows in. With a path, writes to levels what the network sees through a
  // tanh.
  void prepare(const In& windows, const Out& levels) {
    const Size n = windows.ndim() ? shape_of(windows)[0] : 0;
    const float* values = check("windows", windows, {n, steps_, features_});
    float* level = check("levels", levels, {n, features_});
    spans_.resize(n);
    ready_.resize(n * cells_), means_.resize(n * features_);
    for (Size k = 0; k < n; k++) {
      fill(values + k * cells_, k);
      if (has_path_) standardize(k);
      std::copy_n(means_.data() + k * features_, features_, level + k * features_);
    }
  }

  // Of the windows from start to stop writes to errors those of the cells, times the
  // weights of their steps, and to totals the sums of the weights: NaN where no cell
  // counts. Several threads may do it at once.
  void finish(const In& windows, const Out& levels, const OutDoubles& errors,
              const OutDoubles& totals, Size start, Size stop) const {
    const Size n = Size(spans_.size());
    Group group{check("windows", windows, {n, steps_, features_}),
                check("levels", levels, {n, features_}),
                check("errors", errors, {n, steps_, features_}),
                check("totals", totals, {n})};
    if (start < 0 || start > stop || stop > n)
      throw std::invalid_argument("start and stop must be places of windows.");
    if (n == 1 && start < stop) return judge(group, 0, *for_one_);
    const Size size = stop - start > LANES / 2 ? LANES : 1;
    Scratch scratch(*this, size);
    for (Size k = start; k < stop; k += size) {
      group.count = std::min(size, stop - k);
      judge(group, k, scratch);
    }
  }

 private:
  // The steps between which a window is observed; from steps to -1 where none is.
  struct Span {
    Size first, final;
  };

  // Windows that go through the network together.
  struct Group {
    const float *windows, *levels;
    double *errors, *totals;
    Size start = 0, count = 1;
  };

  struct Scratch {
    Scratch(const WindowErrors& of, Size size)
        : lanes(size),
          x(of.steps_ * of.inputs_ * size),
          mask(of.steps_ * size),
          levels(of.features_ * size),
          out(of.cells_ * size),
          recall(of.cells_ * size),
          codes(of.codes_ * size),
          deviations(of.cells_ * size),
          turned(of.cells_ * size) {
      for (const LSTM& layer : of.lstm_) states.emplace_back(of.steps_ * layer.units * size);
    }

    Size lanes;
    Floats x, mask, levels, out, recall, codes;
    std::vector<Floats> states;
    std::vector<double> deviations, turned;
  };

  void set_path(const std::vector<In>& path) {
    if (path.size() != 5 || path[2].ndim() != 2)
      throw std::invalid_argument(
          "path must hold center, spread, encoder, components and scale.");
    for (const In& array : path) held_.push_back(array);
    codes_ = shape_of(path[2])[1];
    center_ = check("center", path[0], {features_});
    spread_ = check("spread", path[1], {features_});
    encoder_ = check("encoder", path[2], {cells_, codes_});
    components_ = check("components", path[3], {codes_, cells_});
    scale_ = check("scale", path[4], {features_});
    has_path_ = true;
  }

  void set_layers() {
    inputs_ = features_ * (indicator_ ? 2 : 1);
    layers_ = (Size(weights_.size()) - 2) / 3;
    if (layers_ < 1 || Size(weights_.size()) != 3 * layers_ + 2)
      throw std::invalid_argument("weights must be 3 of each LSTM layer, then 2.");
    if (last_ < 0 || last_ >= layers_ - 1)
      throw std::invalid_argument("last must be a layer before the last one.");
    Size inputs = inputs_;
    for (Size k = 0; k < layers_; k++) {
      const In *w = &weights_[3 * k], &recurrent = w[1];
      if (recurrent.ndim() != 2)
        throw std::invalid_argument("a recurrent_kernel must have 2 axes.");
      LSTM p{};
      p.blocks = 1, p.steps = steps_, p.units = shape_of(recurrent)[0];
      p.inputs = inputs, p.x_steps = k == last_ + 1 ? 1 : steps_;
      p.constants = k == 0 && has_path_ ? features_ : 0;
      p.activation = activation_;
      p.kernel = check("kernel", w[0], {p.inputs + p.constants, 4 * p.units});
      p.recurrent = check("recurrent_kernel", recurrent, {p.units, 4 * p.units});
      p.bias = check("bias", w[2], {4 * p.units});
      lstm_.push_back(p);
      inputs = p.units;
    }
    dense_.blocks = 1, dense_.steps = steps_;
    dense_.inputs = inputs, dense_.outputs = features_;
    dense_.kernel = check("kernel", weights_[3 * layers_], {inputs, features_});
    dense_.bias = check("bias", weights_[3 * layers_ + 1], {features_});
  }

  // What stands for missing cells, and which steps are between observed ones.
  void fill(const float* values, Size number) {
    float* filled = ready_.data() + number * cells_;
    Span& span = spans_[number];
    span = {steps_, -1};
    std::fill_n(means_.data() + number * features_, features_, 0.0f);
    for (Size t = 0; t < steps_; t++)
      for (Size k = 0; k < features_; k++) {
        const Size cell = t * features_ + k;
        const bool missing = std::isnan(values[cell]);
        filled[cell] = missing ? fill_[k] : values[cell];
        if (missing) continue;
        if (span.first == steps_) span.first = t;
        span.final = t;
      }
  }

  void standardize(Size number) {
    float* cells = ready_.data() + number * cells_;
    float* means = means_.data() + number * features_;
    const auto [first, final] = spans_[number];
    for (Size t = 0; t < steps_; t++)
      for (Size k = 0; k < features_; k++) {
        float& cell = cells[t * features_ + k];
        cell = (cell - center_[k]) / spread_[k];
      }
    if (final < 0) return;
    for (Size t = first; t <= final; t++)
      for (Size k = 0; k < features_; k++) means[k] += cells[t * features_ + k];
    const float count = float(final - first + 1);
    for (Size k = 0; k < features_; k++) means[k] /= count;
  }

  void judge(Group group, Size start, Scratch& scratch) const {
    group.start = start;
    run_network(group, scratch);
    give(group, scratch);
    rule_->find(group.count * cells_, group.windows + start * cells_,
                scratch.recall.data(), group.errors + start * cells_,
                scratch.deviations.data(), scratch.turned.data());
    for (Size k = start; k < start + group.count; k++)
      group.totals[k] = rule_->weigh(group.errors + k * cells_);
  }

  // Writes the inputs of the network, with an axis of lanes, the last one.
  bool give_inputs(const Group& group, Scratch& scratch) const {
    const Size lanes = scratch.lanes;
    float *x = scratch.x.data(), *mask = scratch.mask.data();
    bool padded = false;
    for (Size lane = 0; lane < lanes; lane++) {
      // In the lanes that are left over another window goes through again.
      const Size number = group.start + std::min(lane, group.count - 1);
      const float* values = group.windows + number * cells_;
      const float* ready = ready_.data() + number * cells_;
      const float* means = means_.data() + number * features_;
      const auto [first, final] = spans_[number];
      padded = padded || first > 0 || final < steps_ - 1;
      for (Size k = 0; k < features_; k++)
        scratch.levels.data()[k * lanes + lane] = group.levels[number * features_ + k];
      for (Size t = 0; t < steps_; t++) {
        mask[t * lanes + lane] = t >= first && t <= final;
        float* place = x + t * inputs_ * lanes + lane;
        for (Size k = 0; k < features_; k++) {
          const Size cell = t * features_ + k;
          place[k * lanes] = has_path_ ? ready[cell] - means[k] : ready[cell];
          if (indicator_) place[(features_ + k) * lanes] = std::isnan(values[cell]);
        }
      }
    }
    return padded;
  }

  void run_network(const Group& group, Scratch& scratch) const {
    const bool padded = give_inputs(group, scratch), few = scratch.lanes == 1;
    const FlushDenormals guard;
    const float* x = scratch.x.data();
    for (Size k = 0; k < layers_; k++) {
      LSTM p = lstm_[k];
      p.x = x, p.h = scratch.states[k].data();
      p.constant = p.constants ? scratch.levels.data() : nullptr;
      p.mask = padded ? scratch.mask.data() : nullptr;
      (few ? kernels_.lstm_forward_few : kernels_.lstm_forward)(p);
      x = k == last_ ? p.h + (steps_ - 1) * p.units * scratch.lanes : p.h;
    }
    Dense p = dense_;
    p.x = x, p.y = scratch.out.data();
    (few ? kernels_.dense_forward_few : kernels_.dense_forward)(p);
  }

  // Writes the reconstructions of the windows to recall, from the network's output
  // and, where there is a path, from the linear reconstruction, to which it adds.
  void give(const Group& group, Scratch& scratch) const {
    float* recall = scratch.recall.data();
    if (has_path_) {
      hold(group, recall);
      const FlushDenormals guard;
      const Size n = group.count;
      kernels_.product({n, cells_, codes_, recall, encoder_, scratch.codes.data()});
      kernels_.product({n, codes_, cells_, scratch.codes.data(), components_, recall});
    }
    for (Size i = 0; i < group.count; i++)
      for (Size t = 0; t < steps_; t++)
        for (Size k = 0; k < features_; k++) {
          const Size cell = t * features_ + k;
          const float out = scratch.out.data()[cell * scratch.lanes + i];
          float& given = recall[i * cells_ + cell];
          if (!has_path_) {
            given = out;
            continue;
          }
          const float linear = given * spread_[k] + center_[k];
          given = out * scale_[k] + linear;
        }
  }

  // The standardised cells; outside of what was observed stands its edge.
  void hold(const Group& group, float* held) const {
    for (Size i = group.start; i < group.start + group.count; i++) {
      const float* cells = ready_.data() + i * cells_;
      const auto [first, final] = spans_[i];
      for (Size t = 0; t < steps_; t++, held += features_) {
        const Size place = final < 0 ? t : std::min(std::max(t, first), final);
        std::copy_n(cells + place * features_, features_, held);
      }
    }
  }

  Size steps_, features_, cells_, inputs_, layers_, codes_ = 0;
  bool indicator_, has_path_ = false;
  Size last_;
  Activation activation_;
  const Kernels& kernels_;
  std::vector<In> held_, weights_;
  std::optional<CellErrors> rule_;
  const float *fill_, *center_, *spread_, *encoder_, *components_, *scale_;
  std::vector<LSTM> lstm_;
  Dense dense_{};
  // Of the windows that were taken in: filled, and standardised where there is a path.
  std::vector<float> ready_, means_;
  std::vector<Span> spans_;
  std::unique_ptr<Scratch> for_one_;  // as that is called most, and never twice at once
};

}  // namespace

namespace skseq {

void bind_window_errors(nb::module_& m) {
  using guard = nb::call_guard<nb::gil_scoped_release>;
  const auto array = [](const char* name) { return nb::arg(name).noconvert(); };
  nb::class_<WindowErrors>(
      m, "WindowErrors",
      "The errors of windows, by a linear path, a network and a rule. For one thread at "
      "a time, but for finish.")
      .def(nb::init<Size, In, bool, std::optional<std::vector<In>>, std::vector<In>, Size,
                    const std::string&, const std::string&,
                    std::optional<std::vector<Doubles>>, const std::string&, const Name&>(),
           nb::kw_only(), nb::arg("steps"), array("fill"), nb::arg("indicator"),
           array("path").none(), array("weights"), nb::arg("last"),
           nb::arg("activation"), nb::arg("rule"), array("distance").none(),
           nb::arg("score_on"), nb::arg("isa") = nb::none())
      .def("prepare", &WindowErrors::prepare, array("windows"), array("levels"), guard(),
           "Take windows in. Writes to levels what is to be replaced by its tanh.")
      .def("finish", &WindowErrors::finish, array("windows"), array("levels"),
           array("errors"), array("totals"), nb::arg("start"), nb::arg("stop"), guard(),
           "Write the weighted errors of the cells of some of these windows to errors, "
           "and the sums of the weights to totals: NaN where none counts.");
}

}  // namespace skseq
