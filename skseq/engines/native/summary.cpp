// SPDX-License-Identifier: BSD-3-Clause
// The statistics of WindowSummary, for a stream, which asks for those of one window.
//
// In the order of the sums of NumPy's, one step after the other in double precision, and
// compiled without contraction, so that no bit differs.
#include <algorithm>
#include <cmath>
#include <limits>

#include "bindings.h"

using namespace skseq;

namespace {

using Ints = nb::ndarray<const std::int32_t, nb::c_contig, nb::device::cpu>;

constexpr Size KNOWN = 6;

// One feature of one window: its steps, and how far apart they stand in memory.
struct Feature {
  const float* cells;
  Size steps, stride;

  float cell(Size t) const { return cells[t * stride]; }
  bool seen(Size t) const { return !std::isnan(cell(t)); }

  template <class Value>
  double mean(Size count, Value value) const {
    double sum = value(0);
    for (Size t = 1; t < steps; t++) sum += value(t);
    return sum / double(std::max(count, Size(1)));
  }
};

// Writes the last value, mean, standard deviation, slope, least and largest value.
void write(const Feature& x, double* out) {
  Size count = 0, last = 0;
  double least = std::numeric_limits<double>::infinity(), largest = -least;
  for (Size t = 0; t < x.steps; t++) {
    if (!x.seen(t)) continue;
    count++, last = t;
    least = std::min(least, double(x.cell(t)));
    largest = std::max(largest, double(x.cell(t)));
  }
  if (!count) {
    std::fill(out, out + KNOWN, std::numeric_limits<double>::quiet_NaN());
    return;
  }
  const double mean =
      x.mean(count, [&](Size t) { return x.seen(t) ? double(x.cell(t)) : 0.0; });
  const auto deviation = [&](Size t) { return x.seen(t) ? x.cell(t) - mean : 0.0; };
  const double middle = x.mean(count, [&](Size t) { return x.seen(t) ? t : 0.0; });
  const auto step = [&](Size t) { return x.seen(t) ? t - middle : 0.0; };
  const auto product = [&](auto one, auto other) {
    return x.mean(count, [&](Size t) { return one(t) * other(t); });
  };
  const double spread = product(step, step);
  out[0] = x.cell(last), out[1] = mean;
  out[2] = std::sqrt(product(deviation, deviation));
  out[3] = product(step, deviation) / (spread > 0 ? spread : 1);  // 0 of a single step
  out[4] = least, out[5] = largest;
}

void summarise(const In& windows, const Ints& statistics, const Out& out) {
  if (windows.ndim() != 3)
    throw std::invalid_argument("windows must have 3 axes.");
  const Shape shape = shape_of(windows);
  const Size steps = shape[1], features = shape[2], n_out = Size(statistics.size());
  if (steps < 1) throw std::invalid_argument("windows must have a step.");
  const auto* known = check("statistics", statistics, {n_out});
  for (Size k = 0; k < n_out; k++)
    if (known[k] < 0 || known[k] >= KNOWN)
      throw std::invalid_argument("statistics must be numbers from 0 to 5.");
  const float* cells = data_of("windows", windows);
  float* place = check("out", out, {shape[0], features, n_out});
  double found[KNOWN];
  for (Size n = 0; n < shape[0]; n++)
    for (Size k = 0; k < features; k++) {
      write({cells + n * steps * features + k, steps, features}, found);
      for (Size s = 0; s < n_out; s++) *place++ = float(found[known[s]]);
    }
}

}  // namespace

namespace skseq {

void bind_summary(nb::module_& m) {
  using guard = nb::call_guard<nb::gil_scoped_release>;
  const auto array = [](const char* name) { return nb::arg(name).noconvert(); };
  m.def("summarise", summarise, array("windows"), array("statistics"), array("out"),
        guard(),
        "Write statistics of each feature of each window to out: the last value (0), the "
        "mean (1), the standard deviation (2), the slope (3), the least (4) and the "
        "largest value (5). Missing cells do not count.");
}

}  // namespace skseq
