// SPDX-License-Identifier: BSD-3-Clause
// Dense layer, compiled once for each instruction set.
#include "kernels.h"
#include "products.h"
#include "vector.h"

using namespace skseq;

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
      transposed(panels(p.outputs) * GATHERED_STEPS * LANES * LANES);
  const Size steps = p.blocks * p.steps;
  zero(d.d_kernel, p.inputs * p.outputs);
  zero(d.d_bias, p.outputs);
  for (Size t = 0; t < steps; t++) {
    const float* dy = d.dy + t * p.outputs * LANES;
    if (d.dx) product(d.dx + t * p.inputs * LANES, none, kernel, dy);
    for (Size j = 0; j < p.outputs * LANES; j++) dy_sum[j] += dy[j];
    transpose(transposed, dy, p.outputs, t % GATHERED_STEPS);
    const Size gathered = t % GATHERED_STEPS + 1;
    if (gathered == GATHERED_STEPS || t == steps - 1)
      accumulate(d.d_kernel, p.inputs, p.outputs,
                 p.x + (t + 1 - gathered) * p.inputs * LANES, transposed, gathered);
  }
  add_lanes(d.d_bias, dy_sum, p.outputs);
}

}  // namespace skseq::SKSEQ_ISA
