// SPDX-License-Identifier: BSD-3-Clause
// The product of two matrices as NumPy has them, compiled once for each instruction set.
#include "kernels.h"
#include "vector.h"

using namespace skseq;

namespace {

// A tile of sums: its rows times its vectors are the sums that registers hold.
constexpr int ROWS = 6;
#if defined(__AVX512F__) || defined(__aarch64__) || defined(_M_ARM64)
constexpr int VECTORS = 4;
#else
constexpr int VECTORS = 2;
#endif
// Of x and of the matrix, what is met again while it is in the cache.
constexpr Size BLOCK_ROWS = 16 * ROWS, BLOCK_DEPTH = 256;

template <class T>
constexpr Size LENGTH = sizeof(float) * WIDTH / sizeof(T);  // of a vector
template <class T>
constexpr Size COLUMNS = VECTORS * LENGTH<T>;  // of a tile

template <class T>
struct VectorOf {
#if defined(__GNUC__)
  typedef T type __attribute__((vector_size(sizeof(float) * WIDTH)));
#else
  struct type {
    T lane[LENGTH<T>];
  };
#endif
};

template <class V, class T>
SKSEQ_INLINE void load_to(V& vector, const T* p) {
  std::memcpy(&vector, p, sizeof vector);
}

template <class V, class T>
SKSEQ_INLINE void add(V& sum, T x, const V& y) {
#if defined(__GNUC__)
  sum += x * y;
#else
  for (Size i = 0; i < LENGTH<T>; i++) sum.lane[i] += x * y.lane[i];
#endif
}

// out (M, COLUMNS) = x (M, depth) times matrix (depth, COLUMNS), by their strides, plus
// out, unless this is the start. Each sum is added up in the order of its terms, whatever
// M is.
template <int M, class T>
SKSEQ_INLINE void multiply(T* out, Size out_stride, const T* x, Size x_stride,
                           const T* matrix, Size stride, Size depth, bool start) {
  typename VectorOf<T>::type sums[M][VECTORS] = {}, row[VECTORS];
  if (!start) {
    SKSEQ_UNROLL
    for (int r = 0; r < M; r++)
      SKSEQ_UNROLL
      for (int v = 0; v < VECTORS; v++)
        load_to(sums[r][v], out + r * out_stride + v * LENGTH<T>);
  }
  for (Size k = 0; k < depth; k++) {
    SKSEQ_UNROLL
    for (int v = 0; v < VECTORS; v++)
      load_to(row[v], matrix + k * stride + v * LENGTH<T>);
    SKSEQ_UNROLL
    for (int r = 0; r < M; r++) {
      SKSEQ_UNROLL
      for (int v = 0; v < VECTORS; v++) add(sums[r][v], x[r * x_stride + k], row[v]);
    }
  }
  SKSEQ_UNROLL
  for (int r = 0; r < M; r++)
    SKSEQ_UNROLL
    for (int v = 0; v < VECTORS; v++)
      std::memcpy(out + r * out_stride + v * LENGTH<T>, &sums[r][v], sizeof sums[r][v]);
}

template <int M = ROWS, class T>
SKSEQ_INLINE void multiply_rows(Size rows, T* out, Size out_stride, const T* x,
                                Size x_stride, const T* matrix, Size stride,
                                Size depth, bool start) {
  for (; rows >= M; rows -= M, out += M * out_stride, x += M * x_stride)
    multiply<M>(out, out_stride, x, x_stride, matrix, stride, depth, start);
  if constexpr (M > 1)
    if (rows)
      multiply_rows<M - 1>(rows, out, out_stride, x, x_stride, matrix, stride, depth,
                           start);
}

// The same where only some columns of a tile are there: by a copy, filled up with zeros.
template <class T>
void multiply_edge(Size rows, Size columns, T* out, Size out_stride, const T* x,
                   Size x_stride, const T* matrix, Size stride, Size depth, bool start) {
  T of_matrix[BLOCK_DEPTH * COLUMNS<T>] = {}, of_out[BLOCK_ROWS * COLUMNS<T>] = {};
  for (Size k = 0; k < depth; k++)
    std::memcpy(of_matrix + k * COLUMNS<T>, matrix + k * stride, sizeof(T) * columns);
  for (Size r = 0; r < rows; r++)
    std::memcpy(of_out + r * COLUMNS<T>, out + r * out_stride, sizeof(T) * columns);
  multiply_rows(rows, of_out, COLUMNS<T>, x, x_stride, of_matrix, COLUMNS<T>, depth,
                start);
  for (Size r = 0; r < rows; r++)
    std::memcpy(out + r * out_stride, of_out + r * COLUMNS<T>, sizeof(T) * columns);
}

Size least(Size a, Size b) { return a < b ? a : b; }

template <class T>
void product_of(const Product<T>& p) {
  // Of no terms there is no start.
  if (!p.depth) std::memset(p.out, 0, sizeof(T) * p.rows * p.columns);
  for (Size r = 0; r < p.rows; r += BLOCK_ROWS)
    for (Size k = 0; k < p.depth; k += BLOCK_DEPTH)
      for (Size c = 0; c < p.columns; c += COLUMNS<T>) {
        const Size rows = least(BLOCK_ROWS, p.rows - r), columns = p.columns - c,
                   depth = least(BLOCK_DEPTH, p.depth - k);
        T* out = p.out + r * p.columns + c;
        const T *x = p.x + r * p.depth + k, *matrix = p.matrix + k * p.columns + c;
        if (columns < COLUMNS<T>)
          multiply_edge(rows, columns, out, p.columns, x, p.depth, matrix, p.columns,
                        depth, k == 0);
        else
          multiply_rows(rows, out, p.columns, x, p.depth, matrix, p.columns, depth,
                        k == 0);
      }
}

}  // namespace

namespace skseq::SKSEQ_ISA {

void product(const Product<float>& p) { product_of(p); }
void product_of_doubles(const Product<double>& p) { product_of(p); }

}  // namespace skseq::SKSEQ_ISA
