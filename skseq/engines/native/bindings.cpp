// SPDX-License-Identifier: BSD-3-Clause
// Python bindings: check the shapes, let go of the GIL, call the kernels compiled for
// the best instruction set of this processor.
#include "bindings.h"

#include <cmath>
#include <cstring>
#include <functional>
#include <utility>

#if defined(_MSC_VER) && defined(_M_X64)
#include <intrin.h>
#endif

using namespace skseq;

#define SKSEQ_DECLARE(isa)      \
  namespace skseq::isa {        \
  extern const Kernels kernels; \
  }
SKSEQ_DECLARE(baseline)
#ifdef SKSEQ_X86
SKSEQ_DECLARE(avx2)
SKSEQ_DECLARE(avx512)
#endif

namespace {

// Best first. AVX needs the operating system to save its registers as well.
std::vector<const Kernels*> supported() {
  std::vector<const Kernels*> found;
#if defined(SKSEQ_X86) && defined(_MSC_VER)
  int id[4], extended[4];
  __cpuid(id, 1);
  __cpuidex(extended, 7, 0);
  const bool fma = id[2] >> 12 & 1, os = id[2] >> 27 & 1, avx2 = extended[1] >> 5 & 1;
  const auto saved = os ? _xgetbv(0) : 0;
  if ((extended[1] >> 16 & 1) && (saved & 0xe6) == 0xe6)
    found.push_back(&avx512::kernels);
  if (avx2 && fma && (saved & 6) == 6) found.push_back(&avx2::kernels);
#elif defined(SKSEQ_X86)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f")) found.push_back(&avx512::kernels);
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    found.push_back(&avx2::kernels);
#endif
  found.push_back(&baseline::kernels);
  return found;
}

}  // namespace

namespace skseq {

const Kernels& kernels(const Name& isa) {
  static const auto known = supported();
  if (!isa) return *known[0];
  for (const Kernels* k : known)
    if (*isa == k->name) return *k;
  throw std::invalid_argument("isa: this processor has no '" + *isa + "' kernels.");
}

Activation activation_of(const std::string& name) {
  if (name == "tanh") return Activation::tanh;
  if (name == "relu") return Activation::relu;
  if (name == "linear") return Activation::linear;
  throw std::invalid_argument("activation must be 'tanh', 'relu' or 'linear', got '" +
                              name + "'.");
}

}  // namespace skseq

namespace {

template <class Array>
Shape blocks_of(const char* name, const Array& a) {
  const Shape shape = shape_of(a);
  bool valid = shape.size() == 4 && shape[3] == LANES;
  for (Size n : shape) valid = valid && n > 0;
  if (!valid)
    throw std::invalid_argument(std::string(name) +
                                " must have shape (n_blocks, n_steps, n_features, " +
                                std::to_string(LANES) + ") and no empty axis, got " +
                                text(shape) + ".");
  return shape;
}

// `x` and `h`: the shapes of a whole block, or with LANES left out those of samples
LSTM lstm(const Shape& x, const In& kernel, const In& recurrent, const In& bias,
          const Shape& h, const std::optional<In>& constant,
          const std::string& activation) {
  LSTM p{};
  p.blocks = h[0], p.steps = h[1], p.units = h[2];
  p.x_steps = x[1] == 1 ? 1 : p.steps, p.inputs = x[2];
  if (constant) {
    Shape expected{p.blocks, constant->ndim() > 1 ? shape_of(*constant)[1] : 0};
    if (x.size() == 4) expected.push_back(LANES);
    p.constants = expected[1];
    p.constant = check("constant", *constant, expected);
  }
  p.kernel = check("kernel", kernel, {p.inputs + p.constants, 4 * p.units});
  p.recurrent = check("recurrent_kernel", recurrent, {p.units, 4 * p.units});
  p.bias = check("bias", bias, {4 * p.units});
  p.activation = activation_of(activation);
  return p;
}

LSTM lstm(const In& x, const In& kernel, const In& recurrent, const In& bias,
          const std::optional<In>& mask, const std::optional<In>& constant,
          const Shape& h, const std::string& activation) {
  LSTM p = lstm(blocks_of("x", x), kernel, recurrent, bias, h, constant, activation);
  p.x = check("x", x, {p.blocks, p.x_steps, p.inputs, LANES});
  p.mask = check("mask", mask, {p.blocks, p.steps, LANES});
  return p;
}

void check_axes_of_few(const Shape& x, const char* name, const Shape& out) {
  if (x.size() != 3 || out.size() != 3)
    throw std::invalid_argument(std::string("x and ") + name +
                                " must have 3 axes, got shapes " + text(x) + " and " +
                                text(out) + ".");
}

void lstm_forward_few(const In& x, const In& kernel, const In& recurrent, const In& bias,
                      const Out& h, const std::optional<In>& mask,
                      const std::optional<In>& constant, const std::string& activation,
                      const Name& isa) {
  const Shape of_x = shape_of(x), of_h = shape_of(h);
  check_axes_of_few(of_x, "h", of_h);
  LSTM p = lstm(of_x, kernel, recurrent, bias, of_h, constant, activation);
  p.x = check("x", x, {p.blocks, p.x_steps, p.inputs});
  p.mask = check("mask", mask, {p.blocks, p.steps});
  p.h = data_of("h", h);
  const FlushDenormals guard;
  kernels(isa).lstm_forward_few(p);
}

LSTM forward_of(const In& x, const In& kernel, const In& recurrent, const In& bias,
                const Out& h, const std::optional<Out>& cache,
                const std::optional<In>& mask, const std::optional<In>& constant,
                const std::string& activation) {
  LSTM p =
      lstm(x, kernel, recurrent, bias, mask, constant, blocks_of("h", h), activation);
  p.h = data_of("h", h);
  p.cache = check("cache", cache, {p.blocks, p.steps, CACHE_ROWS * p.units, LANES});
  return p;
}

void lstm_forward(const In& x, const In& kernel, const In& recurrent, const In& bias,
                  const Out& h, const std::optional<Out>& cache,
                  const std::optional<In>& mask, const std::optional<In>& constant,
                  const std::string& activation, const Name& isa) {
  const LSTM p =
      forward_of(x, kernel, recurrent, bias, h, cache, mask, constant, activation);
  const FlushDenormals guard;
  kernels(isa).lstm_forward(p);
}

LSTMGradient backward_of(const LSTM& p, const In& dh, const In& x, const In& kernel,
                         const In& recurrent, const In& bias, const Out& d_kernel,
                         const Out& d_recurrent, const Out& d_bias,
                         const std::optional<Out>& dx) {
  LSTMGradient d{};
  d.dh_steps = dh.ndim() > 1 && dh.shape(1) == 1 ? 1 : p.steps;
  d.dh = check("dh", dh, {p.blocks, d.dh_steps, p.units, LANES});
  d.dx = check("dx", dx, shape_of(x));
  d.d_kernel = check("d_kernel", d_kernel, shape_of(kernel));
  d.d_recurrent = check("d_recurrent_kernel", d_recurrent, shape_of(recurrent));
  d.d_bias = check("d_bias", d_bias, shape_of(bias));
  return d;
}

void lstm_backward(const In& dh, const In& x, const In& kernel, const In& recurrent,
                   const In& bias, const Out& h, const Out& cache, const Out& d_kernel,
                   const Out& d_recurrent, const Out& d_bias,
                   const std::optional<Out>& dx, const std::optional<In>& mask,
                   const std::optional<In>& constant, const std::string& activation,
                   const Name& isa) {
  const LSTM p =
      forward_of(x, kernel, recurrent, bias, h, cache, mask, constant, activation);
  const LSTMGradient d =
      backward_of(p, dh, x, kernel, recurrent, bias, d_kernel, d_recurrent, d_bias, dx);
  const FlushDenormals guard;
  kernels(isa).lstm_backward(p, d);
}

// The last of the steps of h, as one step.
struct LastStep {
  Size blocks, steps, size;
  const float* h;
  float* out;

  void copy() const {
    for (Size block = 0; block < blocks; block++)
      std::memcpy(out + block * size, h + (block * steps + steps - 1) * size,
                  sizeof(float) * size);
  }
};

LastStep last_step_of(const In& h, const Out& out) {
  const Shape s = blocks_of("h", h);
  return {s[0], s[1], s[2] * LANES, data_of("h", h),
          check("out", out, {s[0], 1, s[2], LANES})};
}

void last_step(const In& h, const Out& out, const Name&) { last_step_of(h, out).copy(); }

// `s`: the shape of a whole block, or with LANES left out that of samples
Dense dense(const In& x, const Shape& s, const In& kernel, const In& bias,
            Size outputs) {
  Dense p{};
  p.blocks = s[0], p.steps = s[1], p.inputs = s[2], p.outputs = outputs;
  p.x = data_of("x", x);
  p.kernel = check("kernel", kernel, {p.inputs, outputs});
  p.bias = check("bias", bias, {outputs});
  return p;
}

Dense dense_forward_of(const In& x, const In& kernel, const In& bias, const Out& y) {
  Dense p = dense(x, blocks_of("x", x), kernel, bias, blocks_of("y", y)[2]);
  p.y = check("y", y, {p.blocks, p.steps, p.outputs, LANES});
  return p;
}

void dense_forward(const In& x, const In& kernel, const In& bias, const Out& y,
                   const Name& isa) {
  const Dense p = dense_forward_of(x, kernel, bias, y);
  const FlushDenormals guard;
  kernels(isa).dense_forward(p);
}

void dense_forward_few(const In& x, const In& kernel, const In& bias, const Out& y,
                       const Name& isa) {
  const Shape of_x = shape_of(x), of_y = shape_of(y);
  check_axes_of_few(of_x, "y", of_y);
  Dense p = dense(x, of_x, kernel, bias, of_y[2]);
  p.y = check("y", y, {p.blocks, p.steps, p.outputs});
  const FlushDenormals guard;
  kernels(isa).dense_forward_few(p);
}

std::pair<Dense, DenseGradient> dense_backward_of(const In& dy, const In& x,
                                                  const In& kernel, const In& bias,
                                                  const Out& d_kernel, const Out& d_bias,
                                                  const std::optional<Out>& dx) {
  const Dense p = dense(x, blocks_of("x", x), kernel, bias, blocks_of("dy", dy)[2]);
  DenseGradient d{};
  d.dy = check("dy", dy, {p.blocks, p.steps, p.outputs, LANES});
  d.dx = check("dx", dx, shape_of(x));
  d.d_kernel = check("d_kernel", d_kernel, shape_of(kernel));
  d.d_bias = check("d_bias", d_bias, shape_of(bias));
  return {p, d};
}

void dense_backward(const In& dy, const In& x, const In& kernel, const In& bias,
                    const Out& d_kernel, const Out& d_bias, const std::optional<Out>& dx,
                    const Name& isa) {
  const auto [p, d] = dense_backward_of(dy, x, kernel, bias, d_kernel, d_bias, dx);
  const FlushDenormals guard;
  kernels(isa).dense_backward(p, d);
}

template <class T, class In, class Out>
Product<T> product_of(const In& x, const In& matrix, const Out& out) {
  const Shape of_x = shape_of(x), of_out = shape_of(out);
  if (of_x.size() != 2 || of_out.size() != 2)
    throw std::invalid_argument("x and out must have 2 axes, got shapes " + text(of_x) +
                                " and " + text(of_out) + ".");
  Product<T> p{};
  p.rows = of_x[0], p.depth = of_x[1], p.columns = of_out[1];
  p.x = data_of("x", x);
  p.matrix = check("matrix", matrix, {p.depth, p.columns});
  p.out = check("out", out, {p.rows, p.columns});
  return p;
}

void product(const In& x, const In& matrix, const Out& out, const Name& isa) {
  const auto p = product_of<float>(x, matrix, out);
  const FlushDenormals guard;
  kernels(isa).product(p);
}

void product_of_doubles(const Doubles& x, const Doubles& matrix, const OutDoubles& out,
                        const Name& isa) {
  kernels(isa).product_of_doubles(product_of<double>(x, matrix, out));
}

Loss loss_of(const In& y, const In& target, const Doubles& share, const Out& dy,
             const std::string& name) {
  Loss p{};
  const Shape s = blocks_of("y", y);
  p.blocks = s[0], p.steps = s[1], p.outputs = s[2];
  p.y = data_of("y", y);
  p.target = check("target", target, s);
  p.share = check("share", share, {p.blocks, LANES});
  p.dy = check("dy", dy, s);
  const std::pair<const char*, LossName> names[] = {
      {"mse", LossName::mse},
      {"mae", LossName::mae},
      {"huber", LossName::huber},
      {"binary_crossentropy", LossName::binary_crossentropy},
      {"categorical_crossentropy", LossName::categorical_crossentropy}};
  for (const auto& [known, value] : names)
    if (name == known) {
      p.name = value;
      return p;
    }
  throw std::invalid_argument("there is no loss '" + name + "'.");
}

double loss(const In& y, const In& target, const Doubles& share, const Out& dy,
            const std::string& name, const Name& isa) {
  return kernels(isa).loss(loss_of(y, target, share, dy, name));
}

void adam(const Out& weights, const In& gradient, const Out& mean, const Out& variance,
          long long step, double learning_rate, double beta_1, double beta_2,
          double epsilon, const Name& isa) {
  if (step < 1)
    throw std::invalid_argument("step must be at least 1, got " + std::to_string(step) +
                                ".");
  const Shape shape{Size(weights.size())};
  Adam p{};
  p.size = shape[0];
  p.weights = check("weights", weights, shape);
  p.gradient = check("gradient", gradient, shape);
  p.mean = check("mean", mean, shape);
  p.variance = check("variance", variance, shape);
  p.rate = float(learning_rate * std::sqrt(1 - std::pow(beta_2, double(step))) /
                 (1 - std::pow(beta_1, double(step))));
  p.beta_1 = float(beta_1), p.beta_2 = float(beta_2), p.epsilon = float(epsilon);
  const FlushDenormals guard;
  kernels(isa).adam(p);
}

// Calls of kernels on arrays that stay where they are, checked once and then run in one
// go: each call from Python takes 3 to 4 microseconds, and waits for other threads.
class Program {
 public:
  explicit Program(const Name& isa) : kernels_(&kernels(isa)) {}

  void lstm_forward(const In& x, const In& kernel, const In& recurrent, const In& bias,
                    const Out& h, const std::optional<Out>& cache,
                    const std::optional<In>& mask, const std::optional<In>& constant,
                    const std::string& activation) {
    const LSTM p =
        forward_of(x, kernel, recurrent, bias, h, cache, mask, constant, activation);
    keep(x, kernel, recurrent, bias, h, cache, mask, constant);
    calls_.push_back([p](const Kernels& k) { return k.lstm_forward(p), 0.; });
  }

  void lstm_backward(const In& dh, const In& x, const In& kernel, const In& recurrent,
                     const In& bias, const Out& h, const Out& cache, const Out& d_kernel,
                     const Out& d_recurrent, const Out& d_bias,
                     const std::optional<Out>& dx, const std::optional<In>& mask,
                     const std::optional<In>& constant, const std::string& activation) {
    const LSTM p =
        forward_of(x, kernel, recurrent, bias, h, cache, mask, constant, activation);
    const LSTMGradient d = backward_of(p, dh, x, kernel, recurrent, bias, d_kernel,
                                       d_recurrent, d_bias, dx);
    keep(dh, x, kernel, recurrent, bias, h, cache, d_kernel, d_recurrent, d_bias, dx,
         mask, constant);
    calls_.push_back([p, d](const Kernels& k) { return k.lstm_backward(p, d), 0.; });
  }

  void last_step(const In& h, const Out& out) {
    const LastStep p = last_step_of(h, out);
    keep(h, out);
    calls_.push_back([p](const Kernels&) { return p.copy(), 0.; });
  }

  void dense_forward(const In& x, const In& kernel, const In& bias, const Out& y) {
    const Dense p = dense_forward_of(x, kernel, bias, y);
    keep(x, kernel, bias, y);
    calls_.push_back([p](const Kernels& k) { return k.dense_forward(p), 0.; });
  }

  void dense_backward(const In& dy, const In& x, const In& kernel, const In& bias,
                      const Out& d_kernel, const Out& d_bias,
                      const std::optional<Out>& dx) {
    const auto both = dense_backward_of(dy, x, kernel, bias, d_kernel, d_bias, dx);
    keep(dy, x, kernel, bias, d_kernel, d_bias, dx);
    calls_.push_back([both](const Kernels& k) {
      return k.dense_backward(both.first, both.second), 0.;
    });
  }

  double loss(const In& y, const In& target, const Doubles& share, const Out& dy,
              const std::string& name) {
    const Loss p = loss_of(y, target, share, dy, name);
    keep(y, target, share, dy);
    calls_.push_back([p](const Kernels& k) { return k.loss(p); });
    return 0;
  }

  double run() const {
    const FlushDenormals guard;
    double loss = 0;
    for (const auto& call : calls_) loss += call(*kernels_);
    return loss;
  }

 private:
  // The arrays live as long as the calls that read and write them.
  template <class... Arrays>
  void keep(const Arrays&... arrays) {
    kept_.push_back([arrays...] {});
  }

  const Kernels* kernels_;
  std::vector<std::function<double(const Kernels&)>> calls_;
  std::vector<std::function<void()>> kept_;
};

std::vector<std::string> names() {
  std::vector<std::string> out;
  for (const Kernels* k : supported()) out.push_back(k->name);
  return out;
}

}  // namespace

NB_MODULE(_kernels, m) {
  using guard = nb::call_guard<nb::gil_scoped_release>;
  const auto array = [](const char* name) { return nb::arg(name).noconvert(); };
  const auto optional = [](const char* name) {
    return nb::arg(name).noconvert().none() = nb::none();
  };
  const auto isa = [] { return nb::arg("isa") = nb::none(); };
  m.attr("LANES") = LANES;
  m.attr("CACHE_ROWS") = CACHE_ROWS;
  nb::list instruction_sets;
  for (const auto& name : names()) instruction_sets.append(name);
  m.attr("INSTRUCTION_SETS") = nb::tuple(instruction_sets);

  m.def("lstm_forward", lstm_forward, array("x"), array("kernel"),
        array("recurrent_kernel"), array("bias"), array("h"), optional("cache"),
        optional("mask"), optional("constant"), nb::arg("activation") = "tanh", isa(),
        guard(),
        "Write the hidden states of an LSTM layer to h, and to cache (if any) what "
        "lstm_backward needs. The inputs of a step are those of x, then constant (if "
        "any), which has no axis of steps.");
  m.def("lstm_forward_few", lstm_forward_few, array("x"), array("kernel"),
        array("recurrent_kernel"), array("bias"), array("h"), optional("mask"),
        optional("constant"), nb::arg("activation") = "tanh", isa(), guard(),
        "lstm_forward for a few samples, without blocks: x, h, mask and constant have no "
        "axis of lanes.");
  m.def("lstm_backward", lstm_backward, array("dh"), array("x"), array("kernel"),
        array("recurrent_kernel"), array("bias"), array("h"), array("cache"),
        array("d_kernel"), array("d_recurrent_kernel"), array("d_bias"), optional("dx"),
        optional("mask"), optional("constant"), nb::arg("activation") = "tanh", isa(),
        guard(), "Write the gradients of the weights, and of x (if dx is given).");
  m.def("dense_forward", dense_forward, array("x"), array("kernel"), array("bias"),
        array("y"), isa(), guard(), "Write x kernel + bias of each step to y.");
  m.def("dense_forward_few", dense_forward_few, array("x"), array("kernel"),
        array("bias"), array("y"), isa(), guard(),
        "dense_forward for a few samples, without blocks: x and y have no axis of "
        "lanes.");
  m.def("dense_backward", dense_backward, array("dy"), array("x"), array("kernel"),
        array("bias"), array("d_kernel"), array("d_bias"), optional("dx"), isa(),
        guard(), "Write the gradients of the weights, and of x (if dx is given).");
  m.def("product", product, array("x"), array("matrix"), array("out"), isa(), guard(),
        "Write x matrix to out; each sum is added up in the order of its terms.");
  m.def("product", product_of_doubles, array("x"), array("matrix"), array("out"), isa(),
        guard(), "The same in double precision.");
  m.def("loss", loss, array("y"), array("target"), array("share"), array("dy"),
        nb::arg("name"), isa(), guard(),
        "The sum over samples of share times the mean loss of their observed cells, "
        "those where the target is not NaN. Writes the derivatives to dy: by y, or of an "
        "entropy by what the output activation was applied to.");
  m.def("adam", adam, array("weights"), array("gradient"), array("mean"),
        array("variance"), nb::arg("step"), nb::arg("learning_rate"),
        nb::arg("beta_1") = 0.9, nb::arg("beta_2") = 0.999, nb::arg("epsilon") = 1e-7,
        isa(), guard(), "Step number `step` (from 1) of Adam, in place.");
  m.def("last_step", last_step, array("h"), array("out"), isa(), guard(),
        "Write the last of the steps of h to out, which has one.");
  nb::class_<Program>(m, "Program",
                      "Calls of the functions of these names, which run() makes again "
                      "and again on the same arrays. run() returns the sum of the "
                      "losses.")
      .def(nb::init<const Name&>(), isa())
      .def("lstm_forward", &Program::lstm_forward, array("x"), array("kernel"),
           array("recurrent_kernel"), array("bias"), array("h"), optional("cache"),
           optional("mask"), optional("constant"), nb::arg("activation") = "tanh")
      .def("lstm_backward", &Program::lstm_backward, array("dh"), array("x"),
           array("kernel"), array("recurrent_kernel"), array("bias"), array("h"),
           array("cache"), array("d_kernel"), array("d_recurrent_kernel"),
           array("d_bias"), optional("dx"), optional("mask"), optional("constant"),
           nb::arg("activation") = "tanh")
      .def("last_step", &Program::last_step, array("h"), array("out"))
      .def("dense_forward", &Program::dense_forward, array("x"), array("kernel"),
           array("bias"), array("y"))
      .def("dense_backward", &Program::dense_backward, array("dy"), array("x"),
           array("kernel"), array("bias"), array("d_kernel"), array("d_bias"),
           optional("dx"))
      .def("loss", &Program::loss, array("y"), array("target"), array("share"),
           array("dy"), nb::arg("name"))
      .def("run", &Program::run, guard());
  bind_window_errors(m);
  bind_summary(m);
  bind_trees(m);
}
