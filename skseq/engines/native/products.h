// SPDX-License-Identifier: BSD-3-Clause
// Matrix products on blocks of LANES samples: every product is a register tile of
// TILE_ROWS x LANES sums.
#pragma once
#include "kernels.h"
#include "vector.h"

namespace {

using skseq::LANES;
using skseq::Size;

constexpr int VECTORS = LANES / WIDTH;

class Scratch {  // 64-byte aligned floats, zeroed
 public:
  explicit Scratch(Size size) : raw_(new char[sizeof(float) * size + 64]) {
    data_ = raw_ + (64 - reinterpret_cast<std::size_t>(raw_) % 64) % 64;
    std::memset(data_, 0, sizeof(float) * size);
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

// out = init + x matrix, for one sample: x (depth), matrix (depth, columns). Each sum is
// added up in vectors and in the order of product, so that a sample has the same bits in
// a block. Nothing may stand in its own way: out is not init.
void multiply_row(float* out, const float* init, Size columns, const float* x,
                  const float* matrix, Size depth) {
  const auto multiply_columns = [&](Size from, auto width) {
    constexpr int M = decltype(width)::value;
    const float* panel = matrix + from;
    Vec sums[M];
    SKSEQ_UNROLL
    for (int m = 0; m < M; m++) sums[m] = load(init + from + m * WIDTH);
    for (Size k = 0; k < depth; k++, panel += columns) {
      SKSEQ_UNROLL
      for (int m = 0; m < M; m++) sums[m] += x[k] * load(panel + m * WIDTH);
    }
    SKSEQ_UNROLL
    for (int m = 0; m < M; m++) store(out + from + m * WIDTH, sums[m]);
  };
  for_each_tile(columns / WIDTH, [&](Size first, auto width) {
    multiply_columns(first * WIDTH, width);
  });
  if (columns % WIDTH == 0) return;
  if (columns > WIDTH) return multiply_columns(columns - WIDTH, Rows<1>());
  Vec sum = load_some(init, columns);
  for (Size k = 0; k < depth; k++) sum += x[k] * load_some(matrix + k * columns, columns);
  std::memcpy(out, &sum, sizeof(float) * columns);
}

// ------------------------------------------------------- gradients of weights

// Steps whose gradients are gathered before they meet the inputs of those steps.
constexpr Size GATHERED_STEPS = 8;

Size panels(Size columns) { return (columns + LANES - 1) / LANES; }

// One step's dz (columns, LANES), transposed so that its columns are contiguous:
// out[panel][step of the chunk][lane][column of the panel]
void transpose(float* out, const float* dz, Size columns, Size step) {
  for (Size first = 0; first < columns; first += LANES) {
    float* to = out + (first * GATHERED_STEPS + step * LANES) * LANES;
    const Size width = columns - first < LANES ? columns - first : LANES;
    Size c = 0;
    for (; c + TURN <= width; c += TURN)
      for (Size lane = 0; lane < LANES; lane += TURN)
        turn_square(to + lane * LANES + c, dz + (first + c) * LANES + lane, LANES);
    for (; c < width; c++)
      for (Size lane = 0; lane < LANES; lane++)
        to[lane * LANES + c] = dz[(first + c) * LANES + lane];
  }
}

// gradient (rows, columns) += sum over steps and lanes of x (rows) times transposed dz
void accumulate(float* gradient, Size rows, Size columns, const float* x,
                const float* transposed, Size steps) {
  for (Size first = 0; first < columns; first += LANES) {
    const float* panel = transposed + first * GATHERED_STEPS * LANES;
    const Size width = columns - first < LANES ? columns - first : LANES;
    for_each_tile(rows, [&](Size row, auto height) {
      constexpr int M = decltype(height)::value;
      float* out = gradient + row * columns + first;
      Sums<M> sums;
      float edge[M * LANES] = {};  // the last panel may be narrower than a tile
      const bool whole = width == LANES;
      if (!whole)
        for (int r = 0; r < M; r++)
          std::memcpy(edge + r * LANES, out + r * columns, sizeof(float) * width);
      load_tile<M>(sums, whole ? out : edge, whole ? columns : LANES);
      for (Size t = 0; t < steps; t++)
        multiply<LANES, 1, M>(sums, x + (t * rows + row) * LANES,
                              panel + t * LANES * LANES, LANES);
      store_tile<M>(sums, whole ? out : edge, whole ? columns : LANES);
      if (!whole)
        for (int r = 0; r < M; r++)
          std::memcpy(out + r * columns, edge + r * LANES, sizeof(float) * width);
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

void zero(float* out, Size size) { std::memset(out, 0, sizeof(float) * size); }

}  // namespace
