// SPDX-License-Identifier: BSD-3-Clause
// Dense layer, loss and Adam, compiled once for each instruction set.
#include <cmath>
#include <cstdlib>

#include "_lstm.h"
#include "_products.h"
#include "_vector.h"

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
      float of_step[LANES] = {};
      for (Size f = 0; f < p.outputs; f++, y += LANES, target += LANES, dy += LANES)
        for (Size lane = 0; lane < LANES; lane++) {
          const bool observed = target[lane] == target[lane];
          const Cell cell = F(y[lane], target[lane]);
          of_step[lane] += observed ? cell.value : 0.f;
          dy[lane] = observed ? cell.slope * scale[lane] : 0.f;
        }
      for (Size lane = 0; lane < LANES; lane++) sum[lane] += double(of_step[lane]);
    }
    for (Size lane = 0; lane < LANES; lane++)
      if (weight[lane] != 0) total += sum[lane] * weight[lane];
  }
  return total;
}

}  // namespace

namespace skseq::SKSEQ_ISA {

void dense_forward(const Dense& p) {
  const Packed kernel(p.kernel, p.outputs, p.inputs, 1, p.outputs);
  const Scratch bias(p.outputs * LANES);
  repeat_lanes(bias, p.bias, p.outputs);
  for (Size t = 0; t < p.blocks * p.steps; t++)
    product(p.y + t * p.outputs * LANES, bias, kernel, p.x + t * p.inputs * LANES);
}

void dense_forward_few(const Dense& p) {
  for (Size t = 0; t < p.blocks * p.steps; t++)
    multiply_row(p.y + t * p.outputs, p.bias, p.outputs, p.x + t * p.inputs, p.kernel,
                 p.inputs);
}

void dense_backward(const Dense& p, const DenseGradient& d) {
  const Packed kernel(p.kernel, p.inputs, p.outputs, p.outputs, 1);
  const Scratch none(p.inputs * LANES), dy_sum(p.outputs * LANES),
      turned(panels(p.outputs) * CHUNK * LANES * LANES);
  const Size steps = p.blocks * p.steps;
  zero(d.d_kernel, p.inputs * p.outputs);
  zero(d.d_bias, p.outputs);
  for (Size t = 0; t < steps; t++) {
    const float* dy = d.dy + t * p.outputs * LANES;
    if (d.dx) product(d.dx + t * p.inputs * LANES, none, kernel, dy);
    for (Size j = 0; j < p.outputs * LANES; j++) dy_sum[j] += dy[j];
    turn(turned, dy, p.outputs, t % CHUNK);
    const Size gathered = t % CHUNK + 1;
    if (gathered == CHUNK || t == steps - 1)
      accumulate(d.d_kernel, p.inputs, p.outputs,
                 p.x + (t + 1 - gathered) * p.inputs * LANES, turned, gathered);
  }
  add_lanes(d.d_bias, dy_sum, p.outputs);
}

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

void adam(const Adam& p) {
  for (Size i = 0; i < p.size; i++) {
    const float g = p.gradient[i];
    const float m = p.mean[i] + (g - p.mean[i]) * (1.f - p.beta_1);
    const float v = p.variance[i] + (g * g - p.variance[i]) * (1.f - p.beta_2);
    p.mean[i] = m;
    p.variance[i] = v;
    p.weights[i] -= p.rate * m / (std::sqrt(v) + p.epsilon);
  }
}

#define SKSEQ_NAME_OF(isa) #isa
#define SKSEQ_NAME(isa) SKSEQ_NAME_OF(isa)

extern const Kernels kernels;
const Kernels kernels{SKSEQ_NAME(SKSEQ_ISA),
                      lstm_forward,
                      lstm_forward_few,
                      lstm_backward,
                      dense_forward,
                      dense_forward_few,
                      dense_backward,
                      loss,
                      adam};

}  // namespace skseq::SKSEQ_ISA
