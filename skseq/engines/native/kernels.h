// SPDX-License-Identifier: BSD-3-Clause
// What the bindings and the kernels of each instruction set agree on.
#pragma once
#include <cstddef>

namespace skseq {

using Size = std::ptrdiff_t;

// Samples in one block: the innermost, contiguous axis of every activation array.
constexpr Size LANES = 16;

enum class Activation { tanh, relu, linear };

// x (blocks, x_steps, inputs, LANES), x_steps = steps, or 1: the same x at every step
// constant (blocks, constants, LANES): further inputs, the same at every step
// h (blocks, steps, units, LANES)
// mask (blocks, steps, LANES) or null; 0: the step carries the state over unchanged
// cache (blocks, steps, CACHE_ROWS * units, LANES) or null: gates i, f, g, o, cell,
//   activated cell
// kernel (inputs + constants, 4 units), recurrent (units, 4 units), bias (4 units)
constexpr Size CACHE_ROWS = 6;

struct LSTM {
  Size blocks, steps, x_steps, inputs, constants, units;
  Activation activation;
  const float *x, *constant, *mask, *kernel, *recurrent, *bias;
  float *h, *cache;
};

// The functions of a few take samples for blocks, without the axis of LANES, and no cache.

// dh (blocks, dh_steps, units, LANES), dh_steps = steps, or 1: that of the last step
// dx is null or of x's shape; the gradients of the weights are overwritten
struct LSTMGradient {
  Size dh_steps;
  const float* dh;
  float *dx, *d_kernel, *d_recurrent, *d_bias;
};

// x (blocks, steps, inputs, LANES), y (blocks, steps, outputs, LANES)
struct Dense {
  Size blocks, steps, inputs, outputs;
  const float *x, *kernel, *bias;
  float* y;
};

struct DenseGradient {
  const float* dy;
  float *dx, *d_kernel, *d_bias;
};

// x (rows, depth), matrix (depth, columns), out (rows, columns)
template <class T>
struct Product {
  Size rows, depth, columns;
  const T *x, *matrix;
  T* out;
};

enum class LossName { mse, mae, huber, binary_crossentropy, categorical_crossentropy };

// y, target and dy (blocks, steps, outputs, LANES), share (blocks, LANES)
struct Loss {
  Size blocks, steps, outputs;
  LossName name;
  const float *y, *target;
  const double* share;
  float* dy;
};

struct Adam {
  Size size;
  float *weights, *mean, *variance;
  const float* gradient;
  float rate, beta_1, beta_2, epsilon;  // rate: corrected for the bias of the moments
};

struct Kernels {
  const char* name;
  void (*lstm_forward)(const LSTM&);
  void (*lstm_forward_few)(const LSTM&);
  void (*lstm_backward)(const LSTM&, const LSTMGradient&);
  void (*dense_forward)(const Dense&);
  void (*dense_forward_few)(const Dense&);
  void (*dense_backward)(const Dense&, const DenseGradient&);
  void (*product)(const Product<float>&);
  void (*product_of_doubles)(const Product<double>&);
  double (*loss)(const Loss&);
  void (*adam)(const Adam&);
};

#ifdef SKSEQ_ISA
namespace SKSEQ_ISA {
void lstm_forward(const LSTM&);
void lstm_forward_few(const LSTM&);
void lstm_backward(const LSTM&, const LSTMGradient&);
void dense_forward(const Dense&);
void dense_forward_few(const Dense&);
void dense_backward(const Dense&, const DenseGradient&);
void product(const Product<float>&);
void product_of_doubles(const Product<double>&);
double loss(const Loss&);
void adam(const Adam&);
}  // namespace SKSEQ_ISA
#endif

}  // namespace skseq
