// SPDX-License-Identifier: BSD-3-Clause
// What the files of the bindings share: arrays with their shapes checked, and the
// kernels of this processor.
#pragma once
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels.h"

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace nb = nanobind;

namespace skseq {

using In = nb::ndarray<const float, nb::c_contig, nb::device::cpu>;
using Doubles = nb::ndarray<const double, nb::c_contig, nb::device::cpu>;
using Out = nb::ndarray<float, nb::c_contig, nb::device::cpu>;
using OutDoubles = nb::ndarray<double, nb::c_contig, nb::device::cpu>;
using Name = std::optional<std::string>;

// The best kernels of this processor, or those of a named instruction set.
const Kernels& kernels(const Name& isa);

Activation activation_of(const std::string& name);

void bind_window_errors(nb::module_& m);
void bind_summary(nb::module_& m);
void bind_trees(nb::module_& m);

// Denormal numbers count as zero while this lives: they are up to 100 times slower.
class FlushDenormals {
 public:
#if defined(SKSEQ_X86)
  FlushDenormals() : saved_(_mm_getcsr()) { _mm_setcsr(saved_ | 0x8040); }
  ~FlushDenormals() { _mm_setcsr(saved_); }

 private:
  unsigned saved_;
#elif defined(__aarch64__)
  FlushDenormals() {
    asm volatile("mrs %0, fpcr" : "=r"(saved_));
    asm volatile("msr fpcr, %0" ::"r"(saved_ | 1 << 24));
  }
  ~FlushDenormals() { asm volatile("msr fpcr, %0" ::"r"(saved_)); }

 private:
  unsigned long saved_;
#endif
};

using Shape = std::vector<Size>;

inline std::string text(const Shape& shape) {
  std::string out = "(";
  for (Size n : shape) out += (out.size() > 1 ? ", " : "") + std::to_string(n);
  return out + (shape.size() == 1 ? ",)" : ")");
}

// Beyond any memory; an array without cells may still have such an axis, and a product
// of it would overflow.
constexpr size_t LONGEST = size_t(1) << 40;

template <class Array>
Shape shape_of(const Array& a) {
  Shape shape;
  for (size_t i = 0; i < a.ndim(); i++) {
    if (a.shape(i) > LONGEST)
      throw std::invalid_argument("an axis must have at most 2**40 places, got " +
                                  std::to_string(a.shape(i)) + ".");
    shape.push_back(Size(a.shape(i)));
  }
  return shape;
}

// The kernels read numbers where the processor expects them. An array of a packed file
// or message may begin anywhere: whoever calls copies it, as np.require does.
template <class Array>
auto* data_of(const char* name, const Array& a) {
  if (reinterpret_cast<std::uintptr_t>(a.data()) % sizeof(*a.data()))
    throw std::invalid_argument(std::string(name) +
                                " must be aligned: pass np.require(" + name +
                                ", requirements=\"CA\").");
  return a.data();
}

template <class Array>
auto* check(const char* name, const Array& a, const Shape& expected) {
  if (shape_of(a) != expected)
    throw std::invalid_argument(std::string(name) + " must have shape " +
                                text(expected) + ", got " + text(shape_of(a)) + ".");
  return data_of(name, a);
}

template <class Array>
auto* check(const char* name, const std::optional<Array>& a, const Shape& expected) {
  return a ? check(name, *a, expected) : nullptr;
}

}  // namespace skseq
