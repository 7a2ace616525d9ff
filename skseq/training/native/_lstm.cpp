// SPDX-License-Identifier: BSD-3-Clause
// LSTM, dense layer and Adam, compiled once for each instruction set.
//
// Activations are laid out in blocks of LANES samples, (blocks, steps, features,
// LANES), so that a vector holds one feature of neighbouring samples: gates need no
// shuffling, samples never mix, and a step's matrix is contiguous. Every product is
// a register tile of TILE_ROWS x LANES sums.
#include "_lstm.h"

#include <cmath>

#include "_vector.h"

using namespace skseq;

namespace {

constexpr int VECTORS = LANES / WIDTH;

// ---------------------------------------------------------------- activations

// Minimax x P(x^2) / Q(x^2) on [0, 8]; absolute error below 3e-7. A NaN passes through.
SKSEQ_INLINE Vec tanh_(Vec x) {
  x = max_(splat(-8.f), min_(splat(8.f), x));
  const Vec s = x * x;
  Vec p = splat(2.3027272796904974e-11f) * s + splat(-1.4517492097354534e-08f);
  p = p * s + splat(9.815675184654538e-06f);
  p = p * s + splat(0.0029788261745125055f);
  p = p * s + splat(0.12972593307495117f);
  p = p * s + splat(0.9999999403953552f);
  Vec q = splat(0.0002362401137361303f) * s + splat(0.023998890072107315f);
  q = q * s + splat(0.4630589187145233f);
  q = q * s + splat(1.f);
  return x * p / q;
}

SKSEQ_INLINE Vec sigmoid(Vec x) {
  return splat(0.5f) * tanh_(splat(0.5f) * x) + splat(0.5f);
}

template <Activation A>
SKSEQ_INLINE Vec activate(Vec x) {
  if constexpr (A == Activation::tanh) return tanh_(x);
  if constexpr (A == Activation::relu) return max_(splat(0.f), x);
  return x;
}

// The derivative, from the activated value.
template <Activation A>
SKSEQ_INLINE Vec derivative(Vec y) {
  if constexpr (A == Activation::tanh) return splat(1.f) - y * y;
  if constexpr (A == Activation::relu)
    return select(y > splat(0.f), splat(1.f), splat(0.f));
  return splat(1.f);
}

// ------------------------------------------------------------------- products

class Scratch {  // 64-byte aligned floats, zeroed
 public:
  explicit Scratch(Size size) : raw_(new char[4 * size + 64]) {
    data_ = raw_ + (64 - reinterpret_cast<std::size_t>(raw_) % 64) % 64;
    std::memset(data_, 0, 4 * size);
  }
  ~Scratch() { delete[] raw_; }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  operator float*() const { return reinterpret_cast<float*>(data_); }

 private:
  char *raw_, *data_;
};

template <int M>
using Sums = Vec[M][VECTORS];

// sums[r] += sum over k of a[r * A_ROW + k * A_STEP] * b[k]
template <int A_ROW, int A_STEP, int M>
SKSEQ_INLINE void multiply(Sums<M>& sums, const float* a, const float* b, Size depth) {
  for (Size k = 0; k < depth; k++, a += A_STEP, b += LANES) {
    Vec row[VECTORS];
    SKSEQ_UNROLL
    for (int v = 0; v < VECTORS; v++) row[v] = load(b + v * WIDTH);
    SKSEQ_UNROLL
    for (int r = 0; r < M; r++) {
      SKSEQ_UNROLL
      for (int v = 0; v < VECTORS; v++) sums[r][v] += a[r * A_ROW] * row[v];
    }
  }
}

template <int M>
SKSEQ_INLINE void load_tile(Sums<M>& sums, const float* p, Size stride) {
  SKSEQ_UNROLL
  for (int r = 0; r < M; r++)
    SKSEQ_UNROLL
    for (int v = 0; v < VECTORS; v++) sums[r][v] = load(p + r * stride + v * WIDTH);
}

template <int M>
SKSEQ_INLINE void store_tile(const Sums<M>& sums, float* p, Size stride) {
  SKSEQ_UNROLL
  for (int r = 0; r < M; r++)
    SKSEQ_UNROLL
    for (int v = 0; v < VECTORS; v++) store(p + r * stride + v * WIDTH, sums[r][v]);
}

template <int M>
struct Rows {
  static constexpr int value = M;
};

// Calls tile(first_row, Rows<height>()) for tiles that cover `rows`.
template <int M = TILE_ROWS, class F>
SKSEQ_INLINE void for_each_tile(Size rows, const F& tile, Size first = 0) {
  for (; rows - first >= M; first += M) tile(first, Rows<M>());
  if constexpr (M > 1)
    if (first < rows) for_each_tile<M - 1>(rows, tile, first);
}

// A matrix whose tiles of rows are stored column after column, as multiply reads it.
class Packed {
 public:
  // (rows, depth) from matrix[row * row_stride + column * column_stride]
  Packed(const float* matrix, Size rows, Size depth, Size row_stride,
         Size column_stride)
      : rows(rows), depth(depth), data_(rows * depth) {
    for_each_tile(rows, [&](Size first, auto height) {
      constexpr int M = decltype(height)::value;
      float* out = data_ + first * depth;
      for (Size k = 0; k < depth; k++)
        for (int r = 0; r < M; r++)
          *out++ = matrix[(first + r) * row_stride + k * column_stride];
    });
  }
  const float* tile(Size first) const { return data_ + first * depth; }
  const Size rows, depth;

 private:
  Scratch data_;
};

// out = init + a x + b h, (rows, LANES); x or h may be null, out may be init
SKSEQ_INLINE void product(float* out, const float* init, const Packed& a,
                          const float* x, const Packed& b, const float* h) {
  for_each_tile(a.rows, [&](Size first, auto height) {
    constexpr int M = decltype(height)::value;
    Sums<M> sums;
    load_tile<M>(sums, init + first * LANES, LANES);
    if (x) multiply<1, M, M>(sums, a.tile(first), x, a.depth);
    if (h) multiply<1, M, M>(sums, b.tile(first), h, b.depth);
    store_tile<M>(sums, out + first * LANES, LANES);
  });
}

void product(float* out, const float* init, const Packed& a, const float* x) {
  product(out, init, a, x, a, nullptr);
}

// ------------------------------------------------------- gradients of weights

// Steps whose gradients are gathered before they meet the inputs of those steps.
constexpr Size CHUNK = 8;

Size panels(Size columns) { return (columns + LANES - 1) / LANES; }

// One step's dz (columns, LANES), turned so that its columns are contiguous:
// out[panel][step of the chunk][lane][column of the panel]
void turn(float* out, const float* dz, Size columns, Size step) {
  for (Size first = 0; first < columns; first += LANES) {
    float* to = out + (first * CHUNK + step * LANES) * LANES;
    const Size width = columns - first < LANES ? columns - first : LANES;
    for (Size c = 0; c < width; c++)
      for (Size lane = 0; lane < LANES; lane++)
        to[lane * LANES + c] = dz[(first + c) * LANES + lane];
  }
}

// gradient (rows, columns) += sum over steps and lanes of x (rows) times turned dz
void accumulate(float* gradient, Size rows, Size columns, const float* x,
                const float* turned, Size steps) {
  for (Size first = 0; first < columns; first += LANES) {
    const float* panel = turned + first * CHUNK * LANES;
    const Size width = columns - first < LANES ? columns - first : LANES;
    for_each_tile(rows, [&](Size row, auto height) {
      constexpr int M = decltype(height)::value;
      float* out = gradient + row * columns + first;
      Sums<M> sums;
      float edge[M * LANES] = {};  // the last panel may be narrower than a tile
      const bool whole = width == LANES;
      if (!whole)
        for (int r = 0; r < M; r++)
          std::memcpy(edge + r * LANES, out + r * columns, 4 * width);
      load_tile<M>(sums, whole ? out : edge, whole ? columns : LANES);
      for (Size t = 0; t < steps; t++)
        multiply<LANES, 1, M>(sums, x + (t * rows + row) * LANES,
                              panel + t * LANES * LANES, LANES);
      store_tile<M>(sums, whole ? out : edge, whole ? columns : LANES);
      if (!whole)
        for (int r = 0; r < M; r++)
          std::memcpy(out + r * columns, edge + r * LANES, 4 * width);
    });
  }
}

void add_lanes(float* out, const float* rows, Size n_rows) {
  for (Size r = 0; r < n_rows; r++) {
    float sum = 0;
    for (Size lane = 0; lane < LANES; lane++) sum += rows[r * LANES + lane];
    out[r] += sum;
  }
}

void repeat_lanes(float* out, const float* values, Size n_rows) {
  for (Size r = 0; r < n_rows; r++)
    for (Size lane = 0; lane < LANES; lane++) out[r * LANES + lane] = values[r];
}

void zero(float* out, Size size) { std::memset(out, 0, 4 * size); }

// ----------------------------------------------------------------------- LSTM

// z, the sums of one step, become its gates; then cell, activated cell and h.
template <Activation A>
void activate_step(Size units, float* z, const float* c_before, const float* h_before,
                   const float* mask, float* h) {
  const Size gate = units * LANES;
  for (Size j = 0; j < gate; j += WIDTH) {
    const Vec i = sigmoid(load(z + j)), f = sigmoid(load(z + gate + j));
    const Vec g = activate<A>(load(z + 2 * gate + j)), o = sigmoid(load(z + 3 * gate + j));
    const Vec c_old = c_before ? load(c_before + j) : splat(0.f);
    Vec c = f * c_old + i * g;
    const Vec a = activate<A>(c);
    Vec h_new = o * a;
    if (mask) {
      const auto kept = load(mask + j % LANES) != splat(0.f);
      c = select(kept, c, c_old);
      h_new = select(kept, h_new, h_before ? load(h_before + j) : splat(0.f));
    }
    store(z + j, i);
    store(z + gate + j, f);
    store(z + 2 * gate + j, g);
    store(z + 3 * gate + j, o);
    store(z + 4 * gate + j, c);
    store(z + 5 * gate + j, a);
    store(h + j, h_new);
  }
}

template <Activation A>
void lstm_forward(const LSTM& p) {
  const Size gates = 4 * p.units, gate = p.units * LANES;
  const bool repeated = p.x_steps == 1 && p.steps > 1;
  const Packed kernel(p.kernel, gates, p.inputs, 1, gates);
  const Packed recurrent(p.recurrent, gates, p.units, 1, gates);
  const Scratch bias(gates * LANES), projected(gates * LANES), step(CACHE_ROWS * gate);
  repeat_lanes(bias, p.bias, gates);
  for (Size block = 0; block < p.blocks; block++) {
    const float* x = p.x + block * p.x_steps * p.inputs * LANES;
    if (repeated) product(projected, bias, kernel, x);
    const float *c_before = nullptr, *h_before = nullptr;
    for (Size t = 0; t < p.steps; t++) {
      const Size at = block * p.steps + t;
      float* z = p.cache ? p.cache + at * CACHE_ROWS * gate : step;
      float* h = p.h + at * gate;
      product(z, repeated ? projected : bias, kernel,
              repeated ? nullptr : x + t * p.inputs * LANES, recurrent, h_before);
      const float* mask = p.mask ? p.mask + at * LANES : nullptr;
      activate_step<A>(p.units, z, c_before, h_before, mask, h);
      c_before = z + 4 * gate;
      h_before = h;
    }
  }
}

// From the gates of one step and dh, dc after it: dz, and what of dh, dc passes by.
template <Activation A>
void differentiate_step(Size units, const float* z, const float* c_before,
                        const float* mask, const float* dh_out, float* dh, float* dc,
                        float* dz, float* dz_sum) {
  const Size gate = units * LANES;
  for (Size j = 0; j < gate; j += WIDTH) {
    const Vec i = load(z + j), f = load(z + gate + j), g = load(z + 2 * gate + j),
              o = load(z + 3 * gate + j), a = load(z + 5 * gate + j);
    const Vec c_old = c_before ? load(c_before + j) : splat(0.f), one = splat(1.f);
    const Vec dh_t = load(dh_out + j) + load(dh + j);
    const Vec dc_t = load(dc + j) + dh_t * o * derivative<A>(a);
    Vec d[4] = {dc_t * g * i * (one - i), dc_t * c_old * f * (one - f),
                dc_t * i * derivative<A>(g), dh_t * a * o * (one - o)};
    Vec dh_by = splat(0.f), dc_by = dc_t * f;
    if (mask) {
      const auto kept = load(mask + j % LANES) != splat(0.f);
      for (Vec& gradient : d) gradient = select(kept, gradient, splat(0.f));
      dh_by = select(kept, dh_by, dh_t);
      dc_by = select(kept, dc_by, load(dc + j));
    }
    for (int q = 0; q < 4; q++) {
      store(dz + q * gate + j, d[q]);
      store(dz_sum + q * gate + j, load(dz_sum + q * gate + j) + d[q]);
    }
    store(dh + j, dh_by);
    store(dc + j, dc_by);
  }
}

template <Activation A>
void lstm_backward(const LSTM& p, const LSTMGradient& d) {
  const Size gates = 4 * p.units, gate = p.units * LANES;
  const bool repeated = p.x_steps == 1 && p.steps > 1;
  const Packed kernel(p.kernel, p.inputs, gates, gates, 1);
  const Packed recurrent(p.recurrent, p.units, gates, gates, 1);
  const Scratch dh(gate), dc(gate), dz(gates * LANES), dz_sum(gates * LANES),
      none(p.inputs * LANES), turned(panels(gates) * CHUNK * LANES * LANES);
  zero(d.d_kernel, p.inputs * gates);
  zero(d.d_recurrent, p.units * gates);
  zero(d.d_bias, gates);
  for (Size block = 0; block < p.blocks; block++) {
    const Size start = block * p.steps, x_size = p.inputs * LANES;
    const float* x = p.x + block * p.x_steps * x_size;
    float* dx = d.dx ? d.dx + block * p.x_steps * x_size : nullptr;
    zero(dh, gate);
    zero(dc, gate);
    zero(dz_sum, gates * LANES);
    for (Size t = p.steps - 1; t >= 0; t--) {
      const float* z = p.cache + (start + t) * CACHE_ROWS * gate;
      differentiate_step<A>(p.units, z, t ? z - 2 * gate : nullptr,
                            p.mask ? p.mask + (start + t) * LANES : nullptr,
                            d.dh + (start + t) * gate, dh, dc, dz, dz_sum);
      if (t) product(dh, dh, recurrent, dz);
      if (dx && !repeated) product(dx + t * x_size, none, kernel, dz);
      turn(turned, dz, gates, t % CHUNK);
      if (t % CHUNK) continue;
      const Size steps = p.steps - t < CHUNK ? p.steps - t : CHUNK;
      const Size skipped = t == 0;  // the first step has no h before it
      if (!repeated) accumulate(d.d_kernel, p.inputs, gates, x + t * x_size, turned, steps);
      accumulate(d.d_recurrent, p.units, gates, p.h + (start + t - 1 + skipped) * gate,
                 turned + skipped * LANES * LANES, steps - skipped);
    }
    if (repeated) {
      if (dx) product(dx, none, kernel, dz_sum);
      turn(turned, dz_sum, gates, 0);
      accumulate(d.d_kernel, p.inputs, gates, x, turned, 1);
    }
    add_lanes(d.d_bias, dz_sum, gates);
  }
}

void lstm_forward(const LSTM& p) {
  switch (p.activation) {
    case Activation::tanh: return lstm_forward<Activation::tanh>(p);
    case Activation::relu: return lstm_forward<Activation::relu>(p);
    case Activation::linear: return lstm_forward<Activation::linear>(p);
  }
}

void lstm_backward(const LSTM& p, const LSTMGradient& d) {
  switch (p.activation) {
    case Activation::tanh: return lstm_backward<Activation::tanh>(p, d);
    case Activation::relu: return lstm_backward<Activation::relu>(p, d);
    case Activation::linear: return lstm_backward<Activation::linear>(p, d);
  }
}

// -------------------------------------------------------------- dense and Adam

void dense_forward(const Dense& p) {
  const Packed kernel(p.kernel, p.outputs, p.inputs, 1, p.outputs);
  const Scratch bias(p.outputs * LANES);
  repeat_lanes(bias, p.bias, p.outputs);
  for (Size t = 0; t < p.blocks * p.steps; t++)
    product(p.y + t * p.outputs * LANES, bias, kernel, p.x + t * p.inputs * LANES);
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

}  // namespace

#define SKSEQ_NAME_OF(isa) #isa
#define SKSEQ_NAME(isa) SKSEQ_NAME_OF(isa)

namespace skseq::SKSEQ_ISA {
extern const Kernels kernels;
const Kernels kernels{SKSEQ_NAME(SKSEQ_ISA), lstm_forward, lstm_backward,
                      dense_forward, dense_backward, adam};
}  // namespace skseq::SKSEQ_ISA
