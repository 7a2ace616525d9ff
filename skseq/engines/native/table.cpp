// SPDX-License-Identifier: BSD-3-Clause
// The kernels of one instruction set, by name.
#include "kernels.h"

namespace skseq::SKSEQ_ISA {

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
                      product,
                      product_of_doubles,
                      loss,
                      adam};

}  // namespace skseq::SKSEQ_ISA
