// SPDX-License-Identifier: BSD-3-Clause
// A vector of floats as wide as the instruction set that this file is compiled for.
//
// Only plain C headers and names of internal linkage: an inline function shared with
// another translation unit could be the copy compiled for a newer processor.
#pragma once
#include <cstddef>
#include <cstring>
#if defined(__AVX__)
#include <immintrin.h>
#endif

#if defined(_MSC_VER) && !defined(__clang__)
#define SKSEQ_INLINE static __forceinline
#define SKSEQ_UNROLL
#else
#define SKSEQ_INLINE static inline __attribute__((always_inline))
#define SKSEQ_UNROLL _Pragma("GCC unroll 16")
#endif

namespace {

#if defined(__AVX512F__)
constexpr int WIDTH = 16, TILE_ROWS = 12;  // 32 registers: 12 sums, 1 operand
#elif defined(__AVX__)
constexpr int WIDTH = 8, TILE_ROWS = 6;  // 16 registers: 12 sums, 2 operands, 1 scalar
#elif defined(__aarch64__) || defined(_M_ARM64)
constexpr int WIDTH = 4, TILE_ROWS = 6;  // 32 registers: 24 sums, 4 operands
#else
constexpr int WIDTH = 4, TILE_ROWS = 2;  // 16 registers: 8 sums, 4 operands
#endif

#if defined(__GNUC__)

typedef float Vec __attribute__((vector_size(sizeof(float) * WIDTH)));
typedef int Mask __attribute__((vector_size(sizeof(float) * WIDTH)));

SKSEQ_INLINE Vec splat(float x) { return x - Vec{}; }
SKSEQ_INLINE Vec select(Mask m, Vec a, Vec b) { return m ? a : b; }
// Of two values of which the second is NaN, these return the NaN, as minps does (of
// which GCC makes two instructions, if it is not told).
#if defined(__AVX512F__)
SKSEQ_INLINE Vec min_(Vec a, Vec b) {  // unmasked, but GCC warns of its own header then
  return (Vec)_mm512_maskz_min_ps(0xffff, (__m512)a, (__m512)b);
}
SKSEQ_INLINE Vec max_(Vec a, Vec b) {
  return (Vec)_mm512_maskz_max_ps(0xffff, (__m512)a, (__m512)b);
}
#elif defined(__AVX__)
SKSEQ_INLINE Vec min_(Vec a, Vec b) { return (Vec)_mm256_min_ps((__m256)a, (__m256)b); }
SKSEQ_INLINE Vec max_(Vec a, Vec b) { return (Vec)_mm256_max_ps((__m256)a, (__m256)b); }
#else
SKSEQ_INLINE Vec min_(Vec a, Vec b) { return a < b ? a : b; }
SKSEQ_INLINE Vec max_(Vec a, Vec b) { return a > b ? a : b; }
#endif

#else  // a compiler without vector extensions: loops for its own vectoriser

struct Vec {
  float lane[WIDTH];
};
struct Mask {
  bool lane[WIDTH];
};

#define SKSEQ_OPERATOR(RESULT, OP)                                              \
  SKSEQ_INLINE RESULT operator OP(const Vec& a, const Vec& b) {                 \
    RESULT r;                                                                   \
    for (int i = 0; i < WIDTH; i++) r.lane[i] = a.lane[i] OP b.lane[i];         \
    return r;                                                                   \
  }
SKSEQ_OPERATOR(Vec, +)
SKSEQ_OPERATOR(Vec, -)
SKSEQ_OPERATOR(Vec, *)
SKSEQ_OPERATOR(Vec, /)
SKSEQ_OPERATOR(Mask, <)
SKSEQ_OPERATOR(Mask, >)
SKSEQ_OPERATOR(Mask, !=)
#undef SKSEQ_OPERATOR

SKSEQ_INLINE Vec splat(float x) {
  Vec r;
  for (int i = 0; i < WIDTH; i++) r.lane[i] = x;
  return r;
}
SKSEQ_INLINE Vec select(const Mask& m, const Vec& a, const Vec& b) {
  Vec r;
  for (int i = 0; i < WIDTH; i++) r.lane[i] = m.lane[i] ? a.lane[i] : b.lane[i];
  return r;
}
SKSEQ_INLINE Vec min_(const Vec& a, const Vec& b) { return select(a < b, a, b); }
SKSEQ_INLINE Vec max_(const Vec& a, const Vec& b) { return select(a > b, a, b); }
SKSEQ_INLINE Vec& operator+=(Vec& a, const Vec& b) { return a = a + b; }
SKSEQ_INLINE Vec operator*(float a, const Vec& b) { return splat(a) * b; }

#endif

SKSEQ_INLINE Vec load(const float* p) {
  Vec v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
SKSEQ_INLINE void store(float* p, const Vec& v) { std::memcpy(p, &v, sizeof v); }
SKSEQ_INLINE Vec load_some(const float* p, std::ptrdiff_t n) {  // n < WIDTH, then zeros
  Vec v = splat(0.f);
  std::memcpy(&v, p, sizeof(float) * n);
  return v;
}

// out[c * stride + r] = p[r * stride + c] for r and c below TURN
#if defined(__AVX__) && defined(__GNUC__)
constexpr int TURN = 8;

SKSEQ_INLINE void turn_square(float* out, const float* p, std::ptrdiff_t stride) {
  __m256 a[8], b[8];
  SKSEQ_UNROLL
  for (int r = 0; r < 8; r++) a[r] = _mm256_loadu_ps(p + r * stride);
  SKSEQ_UNROLL
  for (int r = 0; r < 8; r += 2) {  // pairs of rows, then of pairs, then of halves
    b[r] = _mm256_unpacklo_ps(a[r], a[r + 1]);
    b[r + 1] = _mm256_unpackhi_ps(a[r], a[r + 1]);
  }
  SKSEQ_UNROLL
  for (int r = 0; r < 8; r += 4) {
    a[r] = _mm256_shuffle_ps(b[r], b[r + 2], 0x44);
    a[r + 1] = _mm256_shuffle_ps(b[r], b[r + 2], 0xee);
    a[r + 2] = _mm256_shuffle_ps(b[r + 1], b[r + 3], 0x44);
    a[r + 3] = _mm256_shuffle_ps(b[r + 1], b[r + 3], 0xee);
  }
  SKSEQ_UNROLL
  for (int r = 0; r < 4; r++) {
    _mm256_storeu_ps(out + r * stride, _mm256_permute2f128_ps(a[r], a[r + 4], 0x20));
    _mm256_storeu_ps(out + (r + 4) * stride, _mm256_permute2f128_ps(a[r], a[r + 4], 0x31));
  }
}
#else
constexpr int TURN = 1;

SKSEQ_INLINE void turn_square(float* out, const float* p, std::ptrdiff_t) { *out = *p; }
#endif

}  // namespace
