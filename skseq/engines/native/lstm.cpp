// SPDX-License-Identifier: BSD-3-Clause
// LSTM layers, compiled once for each instruction set.
//
// Activations are laid out in blocks of LANES samples, (blocks, steps, features,
// LANES), so that a vector holds one feature of neighbouring samples: gates need no
// shuffling, samples never mix, and a step's matrix is contiguous.
#include "kernels.h"

#include "activations.h"
#include "products.h"
#include "vector.h"

using namespace skseq;

namespace {

// The gates of some cells, the new state, and the activated state.
struct Cells {
  Vec i, f, g, o, c, a;
};

template <Activation A>
SKSEQ_INLINE Cells activate_cells(Vec z_i, Vec z_f, Vec z_g, Vec z_o, Vec c_old) {
  Cells s{sigmoid(z_i), sigmoid(z_f), activate<A>(z_g), sigmoid(z_o), c_old, c_old};
  s.c = s.f * c_old + s.i * s.g;
  s.a = activate<A>(s.c);
  return s;
}

// The rows of the kernel that meet the constant inputs.
const float* constant_rows(const LSTM& p) { return p.kernel + p.inputs * 4 * p.units; }

// The constant inputs of a block, or of a sample; null where there are none.
const float* constants_of(const LSTM& p, Size block, Size lanes) {
  return p.constants ? p.constant + block * p.constants * lanes : nullptr;
}

// z, the sums of one step, become its gates; then cell, activated cell and h.
template <Activation A>
void activate_step(Size units, float* z, const float* c_before, const float* h_before,
                   const float* mask, float* h) {
  const Size gate = units * LANES;
  for (Size j = 0; j < gate; j += WIDTH) {
    const Vec c_old = c_before ? load(c_before + j) : splat(0.f);
    Cells s = activate_cells<A>(load(z + j), load(z + gate + j), load(z + 2 * gate + j),
                                load(z + 3 * gate + j), c_old);
    Vec h_new = s.o * s.a;
    if (mask) {
      const auto kept = load(mask + j % LANES) != splat(0.f);
      s.c = select(kept, s.c, c_old);
      h_new = select(kept, h_new, h_before ? load(h_before + j) : splat(0.f));
    }
    store(z + j, s.i);
    store(z + gate + j, s.f);
    store(z + 2 * gate + j, s.g);
    store(z + 3 * gate + j, s.o);
    store(z + 4 * gate + j, s.c);
    store(z + 5 * gate + j, s.a);
    store(h + j, h_new);
  }
}

template <Activation A>
void forward(const LSTM& p) {
  const Size gates = 4 * p.units, gate = p.units * LANES;
  const bool repeated = p.x_steps == 1 && p.steps > 1;
  const Packed kernel(p.kernel, gates, p.inputs, 1, gates);
  const Packed of_constants(constant_rows(p), gates, p.constants, 1, gates);
  const Packed recurrent(p.recurrent, gates, p.units, 1, gates);
  const Scratch bias(gates * LANES), projected(gates * LANES), step(CACHE_ROWS * gate);
  repeat_lanes(bias, p.bias, gates);
  for (Size block = 0; block < p.blocks; block++) {
    const float* x = p.x + block * p.x_steps * p.inputs * LANES;
    // What is the same at every step is multiplied once.
    product(projected, bias, of_constants, constants_of(p, block, LANES));
    if (repeated) product(projected, projected, kernel, x);
    const float *c_before = nullptr, *h_before = nullptr;
    for (Size t = 0; t < p.steps; t++) {
      const Size at = block * p.steps + t;
      float* z = p.cache ? p.cache + at * CACHE_ROWS * gate : step;
      float* h = p.h + at * gate;
      product(z, projected, kernel, repeated ? nullptr : x + t * p.inputs * LANES,
              recurrent, h_before);
      const float* mask = p.mask ? p.mask + at * LANES : nullptr;
      activate_step<A>(p.units, z, c_before, h_before, mask, h);
      c_before = z + 4 * gate;
      h_before = h;
    }
  }
}

// The forward pass of a few samples, each by itself: vectors of neighbouring units.
template <Activation A>
void forward_few(const LSTM& p) {
  const Size gates = 4 * p.units, padded = p.units + WIDTH;
  const Scratch z(gates + WIDTH), always(gates), projected(gates), cell(padded),
      state(padded);
  for (Size sample = 0; sample < p.blocks; sample++) {
    multiply_row(always, p.bias, gates, constants_of(p, sample, 1), constant_rows(p),
                 p.constants);
    zero(cell, padded);
    zero(state, padded);
    for (Size t = 0; t < p.steps; t++) {
      const Size at = sample * p.steps + t;
      if (t == 0 || p.x_steps > 1)
        multiply_row(projected, always, gates,
                     p.x + (sample * p.x_steps + t) * p.inputs, p.kernel, p.inputs);
      if (!p.mask || p.mask[at] != 0) {
        multiply_row(z, projected, gates, state, p.recurrent, p.units);
        for (Size j = 0; j < p.units; j += WIDTH) {  // what lies past the end is unused
          const float* first = z + j;
          const Cells s = activate_cells<A>(
              load(first), load(first + p.units), load(first + 2 * p.units),
              load(first + 3 * p.units), load(cell + j));
          store(cell + j, s.c);
          store(state + j, s.o * s.a);
        }
      }
      std::memcpy(p.h + at * p.units, state, sizeof(float) * p.units);
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
    const Vec dh_t = dh_out ? load(dh_out + j) + load(dh + j) : load(dh + j);
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
void backward(const LSTM& p, const LSTMGradient& d) {
  const Size gates = 4 * p.units, gate = p.units * LANES;
  const bool repeated = p.x_steps == 1 && p.steps > 1;
  const Packed kernel(p.kernel, d.dx ? p.inputs : 0, gates, gates, 1);
  const Packed recurrent(p.recurrent, p.units, gates, gates, 1);
  const Scratch dh(gate), dc(gate), dz(gates * LANES), dz_sum(gates * LANES),
      none(p.inputs * LANES), transposed(panels(gates) * GATHERED_STEPS * LANES * LANES);
  zero(d.d_kernel, (p.inputs + p.constants) * gates);
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
      const float* dh_out = d.dh + (start + t) * gate;
      if (d.dh_steps == 1) dh_out = t == p.steps - 1 ? d.dh + block * gate : nullptr;
      differentiate_step<A>(p.units, z, t ? z - 2 * gate : nullptr,
                            p.mask ? p.mask + (start + t) * LANES : nullptr,
                            dh_out, dh, dc, dz, dz_sum);
      if (t) product(dh, dh, recurrent, dz);
      if (dx && !repeated) product(dx + t * x_size, none, kernel, dz);
      transpose(transposed, dz, gates, t % GATHERED_STEPS);
      if (t % GATHERED_STEPS) continue;
      const Size steps = p.steps - t < GATHERED_STEPS ? p.steps - t : GATHERED_STEPS;
      const Size skipped = t == 0;  // the first step has no h before it
      if (!repeated)
        accumulate(d.d_kernel, p.inputs, gates, x + t * x_size, transposed, steps);
      accumulate(d.d_recurrent, p.units, gates, p.h + (start + t - 1 + skipped) * gate,
                 transposed + skipped * LANES * LANES, steps - skipped);
    }
    if (repeated) {
      if (dx) product(dx, none, kernel, dz_sum);
      transpose(transposed, dz_sum, gates, 0);
      accumulate(d.d_kernel, p.inputs, gates, x, transposed, 1);
    }
    if (p.constants) {
      transpose(transposed, dz_sum, gates, 0);
      accumulate(d.d_kernel + p.inputs * gates, p.constants, gates,
                 constants_of(p, block, LANES), transposed, 1);
    }
    add_lanes(d.d_bias, dz_sum, gates);
  }
}

}  // namespace

namespace skseq::SKSEQ_ISA {

void lstm_forward(const LSTM& p) {
  switch (p.activation) {
    case Activation::tanh: return forward<Activation::tanh>(p);
    case Activation::relu: return forward<Activation::relu>(p);
    case Activation::linear: return forward<Activation::linear>(p);
  }
}

void lstm_forward_few(const LSTM& p) {
  switch (p.activation) {
    case Activation::tanh: return forward_few<Activation::tanh>(p);
    case Activation::relu: return forward_few<Activation::relu>(p);
    case Activation::linear: return forward_few<Activation::linear>(p);
  }
}

void lstm_backward(const LSTM& p, const LSTMGradient& d) {
  switch (p.activation) {
    case Activation::tanh: return backward<Activation::tanh>(p, d);
    case Activation::relu: return backward<Activation::relu>(p, d);
    case Activation::linear: return backward<Activation::linear>(p, d);
  }
}

}  // namespace skseq::SKSEQ_ISA
