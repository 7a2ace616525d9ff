// SPDX-License-Identifier: BSD-3-Clause
// Losses and their gradients, compiled once for each instruction set.
#include <cmath>
#include <cstdlib>

#include "kernels.h"

using namespace skseq;

namespace {

// Losses of a cell: the value, and the derivative by y; of the entropies, that by the
// output of the dense layer, so that a probability rounded to 0 or 1 still learns.
struct Cell {
  float value, slope;
};

float log_of(float p) { return std::log(p < 1e-7f ? 1e-7f : p); }

Cell mse(float y, float target) {
  const float error = y - target;
  return {error * error, 2 * error};
}

Cell mae(float y, float target) {
  const float error = y - target;
  return {std::fabs(error), float(error > 0) - float(error < 0)};
}

Cell huber(float y, float target) {
  const float error = y - target;
  const float clipped = error > 1 ? 1 : error < -1 ? -1 : error;
  return {clipped * (error - 0.5f * clipped), clipped};
}

Cell binary_crossentropy(float p, float target) {
  return {-(target * log_of(p) + (1 - target) * log_of(1 - p)), p - target};
}

Cell categorical_crossentropy(float p, float target) {
  return {-target * log_of(p), p - target};
}

// The lanes of a row are a loop for the compiler to vectorise.
template <Cell (*F)(float, float)>
double loss_of(const Loss& p) {
  const Size block = p.steps * p.outputs * LANES;
  double total = 0;
  for (Size b = 0; b < p.blocks; b++) {
    const float *y = p.y + b * block, *target = p.target + b * block;
    float *dy = p.dy + b * block, scale[LANES], n[LANES] = {};
    double weight[LANES], sum[LANES] = {};
    for (Size j = 0; j < block; j += LANES)
      for (Size lane = 0; lane < LANES; lane++)
        n[lane] += float(target[j + lane] == target[j + lane]);
    for (Size lane = 0; lane < LANES; lane++) {
      weight[lane] = p.share[b * LANES + lane] / (n[lane] < 1 ? 1 : n[lane]);
      scale[lane] = float(weight[lane]);
    }
    for (Size t = 0; t < p.steps; t++) {
      float step_loss[LANES] = {};
      for (Size f = 0; f < p.outputs; f++, y += LANES, target += LANES, dy += LANES)
        for (Size lane = 0; lane < LANES; lane++) {
          const bool observed = target[lane] == target[lane];
          const Cell cell = F(y[lane], target[lane]);
          step_loss[lane] += observed ? cell.value : 0.f;
          dy[lane] = observed ? cell.slope * scale[lane] : 0.f;
        }
      for (Size lane = 0; lane < LANES; lane++) sum[lane] += double(step_loss[lane]);
    }
    for (Size lane = 0; lane < LANES; lane++)
      if (weight[lane] != 0) total += sum[lane] * weight[lane];
  }
  return total;
}

}  // namespace

namespace skseq::SKSEQ_ISA {

double loss(const Loss& p) {
  switch (p.name) {
    case LossName::mse: return loss_of<mse>(p);
    case LossName::mae: return loss_of<mae>(p);
    case LossName::huber: return loss_of<huber>(p);
    case LossName::binary_crossentropy: return loss_of<binary_crossentropy>(p);
    case LossName::categorical_crossentropy:
      return loss_of<categorical_crossentropy>(p);
  }
  std::abort();  // no default above, so that -Wswitch tells of a name left out
}

}  // namespace skseq::SKSEQ_ISA
