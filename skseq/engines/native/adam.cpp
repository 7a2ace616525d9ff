// SPDX-License-Identifier: BSD-3-Clause
// One step of Adam, compiled once for each instruction set.
#include <cmath>

#include "kernels.h"

using namespace skseq;

namespace skseq::SKSEQ_ISA {

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

}  // namespace skseq::SKSEQ_ISA
