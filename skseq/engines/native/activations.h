// SPDX-License-Identifier: BSD-3-Clause
// The activations of an LSTM layer, a vector at a time.
#pragma once
#include "kernels.h"
#include "vector.h"

namespace {

using skseq::Activation;

// b tanh(b x) with b = 2^-HALVINGS, exactly so: minimax x P(x^2) / Q(x^2) for b x in
// [-8, 8], absolute error below 3e-7 b. A NaN passes through.
template <int HALVINGS>
SKSEQ_INLINE Vec scaled_tanh(Vec x) {
  constexpr float b = 1.f / (1 << HALVINGS), b2 = b * b, b4 = b2 * b2, b6 = b4 * b2;
  x = max_(splat(-8.f / b), min_(splat(8.f / b), x));
  const Vec s = x * x;
  Vec p = splat(2.3027272796904974e-11f * b6 * b6) * s +
          splat(-1.4517492097354534e-08f * b6 * b4);
  p = p * s + splat(9.815675184654538e-06f * b6 * b2);
  p = p * s + splat(0.0029788261745125055f * b6);
  p = p * s + splat(0.12972593307495117f * b4);
  p = p * s + splat(0.9999999403953552f * b2);
  Vec q = splat(0.0002362401137361303f * b6) * s + splat(0.023998890072107315f * b4);
  q = q * s + splat(0.4630589187145233f * b2);
  q = q * s + splat(1.f);
  return x * p / q;
}

SKSEQ_INLINE Vec sigmoid(Vec x) { return scaled_tanh<1>(x) + splat(0.5f); }

template <Activation A>
SKSEQ_INLINE Vec activate(Vec x) {
  if constexpr (A == Activation::tanh) return scaled_tanh<0>(x);
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

}  // namespace
