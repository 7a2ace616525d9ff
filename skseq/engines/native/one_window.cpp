// SPDX-License-Identifier: BSD-3-Clause
// The error of one window, from its cells: what a stream asks for at each row.
//
// All that NumPy does to whole batches in Preparation, LinearPath, FittedNetwork and
// Judge, in the same order and as exactly rounded, so that no bit of a score differs.
// Two steps are left to NumPy, whose own way to the last bit they are: the tanh of the
// level, between prepare and finish, and the sum of the errors, after it. Compiled
// without contraction: NumPy rounds a product before it adds it.
#include <nanobind/stl/vector.h>

#include <cmath>
#include <cstring>
#include <utility>

#include "bindings.h"

using namespace skseq;

namespace {

enum class Rule { mse, mae, huber, distance };
enum class Counted { all_alike, the_last, the_recent };

template <class T>
T one_of(const char* name, const std::string& value,
         const std::vector<std::pair<const char*, T>>& known) {
  for (const auto& [text, found] : known)
    if (value == text) return found;
  throw std::invalid_argument(std::string(name) + ": there is no '" + value + "'.");
}

class OneWindow {
 public:
  OneWindow(Size steps, In fill, bool indicator, std::optional<std::vector<In>> path,
            std::vector<In> weights, Size last, const std::string& activation,
            const std::string& rule, std::optional<std::vector<Doubles>> distance,
            const std::string& score_on, Out level, OutDoubles errors, const Name& isa)
      : steps_(steps),
        indicator_(indicator),
        last_(last),
        activation_(activation_of(activation)),
        rule_(one_of<Rule>("rule", rule,
                           {{"mse", Rule::mse},
                            {"mae", Rule::mae},
                            {"huber", Rule::huber},
                            {"distance", Rule::distance}})),
        counted_(one_of<Counted>("score_on", score_on,
                                 {{"mean", Counted::all_alike},
                                  {"last", Counted::the_last},
                                  {"recent", Counted::the_recent}})),
        kernels_(kernels(isa)),
        held_{std::move(fill)},
        weights_(std::move(weights)),
        level_array_(std::move(level)),
        errors_array_(std::move(errors)) {
    if (held_[0].ndim() != 1 || steps < 1)
      throw std::invalid_argument("fill must have 1 axis, and steps be positive.");
    features_ = shape_of(held_[0])[0];
    fill_ = data_of("fill", held_[0]);
    level_ = check("level", level_array_, {features_});
    errors_ = check("errors", errors_array_, {steps, features_});
    const Size cells = steps * features_;
    if (path) set_path(*path, cells);
    if (rule_ == Rule::distance) set_distance(distance);
    set_layers();
    values_.resize(cells), filled_.resize(cells), standard_.resize(cells);
    recall_.resize(cells), out_.resize(cells), means_.resize(features_);
    x_.resize(steps * inputs_), mask_.resize(steps);
    deviation_.resize(cells), turned_.resize(cells);
  }

  // Takes the window in; false where nothing of it was observed. With a path, writes
  // to level what the network sees through a tanh.
  bool prepare(const In& window) {
    const float* cells = check("window", window, {steps_, features_});
    std::memcpy(values_.data(), cells, sizeof(float) * values_.size());
    return fill() && (!has_path_ || standardize());
  }

  // Writes to errors those of the cells, times the weights of their steps, and returns
  // the sum of the weights.
  double finish() {
    give_inputs();
    run_network();
    if (has_path_) add_path();
    find_errors();
    return weigh();
  }

 private:
  using Floats = std::vector<float>;

  void set_path(const std::vector<In>& path, Size cells) {
    if (path.size() != 5 || path[2].ndim() != 2)
      throw std::invalid_argument(
          "path must hold center, spread, encoder, components and scale.");
    for (const In& array : path) held_.push_back(array);
    codes_ = shape_of(path[2])[1];
    center_ = check("center", path[0], {features_});
    spread_ = check("spread", path[1], {features_});
    encoder_ = check("encoder", path[2], {cells, codes_});
    components_ = check("components", path[3], {codes_, cells});
    scale_ = check("scale", path[4], {features_});
    has_path_ = true;
    code_.resize(codes_);
  }

  void set_distance(std::optional<std::vector<Doubles>>& distance) {
    if (!distance || distance->size() != 2)
      throw std::invalid_argument("distance must hold location and precision.");
    location_ = check("location", (*distance)[0], {features_});
    is_diagonal_ = (*distance)[1].ndim() == 1;
    const Shape square{features_, features_}, diagonal{features_};
    precision_ = check("precision", (*distance)[1], is_diagonal_ ? diagonal : square);
    distance_ = std::move(*distance);
  }

  void set_layers() {
    inputs_ = features_ * (indicator_ ? 2 : 1);
    layers_ = (Size(weights_.size()) - 2) / 3;
    if (layers_ < 1 || Size(weights_.size()) != 3 * layers_ + 2)
      throw std::invalid_argument("weights must be 3 of each LSTM layer, then 2.");
    if (last_ < 0 || last_ >= layers_ - 1)
      throw std::invalid_argument("last must be a layer before the last one.");
    Size inputs = inputs_;
    for (Size k = 0; k < layers_; k++) {
      const In *w = &weights_[3 * k], &recurrent = w[1];
      if (recurrent.ndim() != 2)
        throw std::invalid_argument("a recurrent_kernel must have 2 axes.");
      LSTM p{};
      p.blocks = 1, p.steps = steps_, p.units = shape_of(recurrent)[0];
      p.inputs = inputs, p.x_steps = k == last_ + 1 ? 1 : steps_;
      p.constants = k == 0 && has_path_ ? features_ : 0, p.constant = level_;
      p.activation = activation_;
      p.kernel = check("kernel", w[0], {p.inputs + p.constants, 4 * p.units});
      p.recurrent = check("recurrent_kernel", recurrent, {p.units, 4 * p.units});
      p.bias = check("bias", w[2], {4 * p.units});
      lstm_.push_back(p);
      states_.emplace_back(steps_ * p.units);
      inputs = p.units;
    }
    dense_.blocks = 1, dense_.steps = steps_;
    dense_.inputs = inputs, dense_.outputs = features_;
    dense_.kernel = check("kernel", weights_[3 * layers_], {inputs, features_});
    dense_.bias = check("bias", weights_[3 * layers_ + 1], {features_});
  }

  bool missing(Size cell) const { return std::isnan(values_[cell]); }

  // What stands for missing cells, and which steps are between observed ones.
  bool fill() {
    first_ = steps_, final_ = -1;
    for (Size t = 0; t < steps_; t++)
      for (Size k = 0; k < features_; k++) {
        const Size cell = t * features_ + k;
        filled_[cell] = missing(cell) ? fill_[k] : values_[cell];
        if (missing(cell)) continue;
        if (first_ == steps_) first_ = t;
        final_ = t;
      }
    for (Size t = 0; t < steps_; t++) mask_[t] = t >= first_ && t <= final_;
    return final_ >= 0;
  }

  bool standardize() {
    for (Size t = 0; t < steps_; t++)
      for (Size k = 0; k < features_; k++) {
        const Size cell = t * features_ + k;
        standard_[cell] = (filled_[cell] - center_[k]) / spread_[k];
      }
    const float count = float(final_ - first_ + 1);
    for (Size k = 0; k < features_; k++) {
      float sum = 0;
      for (Size t = first_; t <= final_; t++) sum += standard_[t * features_ + k];
      level_[k] = means_[k] = sum / count;
    }
    return true;
  }

  void give_inputs() {
    for (Size t = 0; t < steps_; t++) {
      float* x = x_.data() + t * inputs_;
      for (Size k = 0; k < features_; k++) {
        const Size cell = t * features_ + k;
        x[k] = has_path_ ? standard_[cell] - means_[k] : filled_[cell];
        if (indicator_) x[features_ + k] = missing(cell);
      }
    }
  }

  void run_network() {
    const bool padded = first_ > 0 || final_ < steps_ - 1;
    const FlushDenormals guard;
    const float* x = x_.data();
    for (Size k = 0; k < layers_; k++) {
      LSTM& p = lstm_[k];
      p.x = x, p.h = states_[k].data(), p.mask = padded ? mask_.data() : nullptr;
      kernels_.lstm_forward_few(p);
      x = k == last_ ? p.h + (steps_ - 1) * p.units : p.h;
    }
    dense_.x = x, dense_.y = out_.data();
    kernels_.dense_forward_few(dense_);
  }

  // The linear reconstruction, to which the network adds.
  void add_path() {
    const Size cells = steps_ * features_;
    for (Size t = 0; t < steps_; t++) {  // outside of what was observed stands its edge
      const Size place = t < first_ ? first_ : t > final_ ? final_ : t;
      std::memcpy(recall_.data() + t * features_, standard_.data() + place * features_,
                  sizeof(float) * features_);
    }
    {
      const FlushDenormals guard;
      kernels_.product({1, cells, codes_, recall_.data(), encoder_, code_.data()});
      kernels_.product({1, codes_, cells, code_.data(), components_, recall_.data()});
    }
    for (Size t = 0; t < steps_; t++)
      for (Size k = 0; k < features_; k++) {
        const Size cell = t * features_ + k;
        const float linear = recall_[cell] * spread_[k] + center_[k];
        out_[cell] = out_[cell] * scale_[k] + linear;
      }
  }

  void find_errors() {
    const Size cells = steps_ * features_;
    for (Size cell = 0; cell < cells; cell++)
      deviation_[cell] = double(values_[cell]) - double(out_[cell]);
    if (rule_ == Rule::distance) return find_shares();
    for (Size cell = 0; cell < cells; cell++) {
      const double d = deviation_[cell], size = std::abs(d);
      double& error = errors_[cell];
      if (rule_ == Rule::mse) error = d * d;
      if (rule_ == Rule::mae) error = size;
      if (rule_ == Rule::huber) error = size <= 1 ? 0.5 * (size * size) : size - 0.5;
    }
  }

  void find_shares() {
    const Size cells = steps_ * features_;
    for (Size cell = 0; cell < cells; cell++) {
      const double d = deviation_[cell] - location_[cell % features_];
      errors_[cell] = d;
      deviation_[cell] = std::isnan(d) ? 0 : d;
    }
    if (!is_diagonal_)
      kernels_.product_of_doubles({steps_, features_, features_, deviation_.data(),
                                   precision_, turned_.data()});
    else
      for (Size cell = 0; cell < cells; cell++)
        turned_[cell] = deviation_[cell] * precision_[cell % features_];
    for (Size cell = 0; cell < cells; cell++)
      if (!std::isnan(errors_[cell])) errors_[cell] = deviation_[cell] * turned_[cell];
  }

  double weigh() {
    Size end = steps_ - 1;  // the last step with an error counts as the last
    while (end > 0 && !has_error(end)) end--;
    if (!has_error(end)) end = steps_ - 1;
    double total = 0;
    for (Size t = 0; t < steps_; t++) {
      const Size place = t + steps_ - end;
      double weight = 1;
      if (counted_ == Counted::the_last) weight = place == steps_;
      if (counted_ == Counted::the_recent) weight = double(place * place);
      for (Size k = 0; k < features_; k++) {
        double& error = errors_[t * features_ + k];
        const bool counts = !std::isnan(error);
        error = (counts ? error : 0) * (counts ? weight : 0);
        total += counts ? weight : 0;
      }
    }
    return total;
  }

  bool has_error(Size t) const {
    for (Size k = 0; k < features_; k++)
      if (!std::isnan(errors_[t * features_ + k])) return true;
    return false;
  }

  Size steps_, features_, inputs_, layers_, codes_ = 0;
  bool indicator_, has_path_ = false, is_diagonal_ = false;
  Size last_, first_ = 0, final_ = 0;  // the steps between which a window is observed
  Activation activation_;
  Rule rule_;
  Counted counted_;
  const Kernels& kernels_;
  std::vector<In> held_, weights_;
  std::vector<Doubles> distance_;
  Out level_array_;
  OutDoubles errors_array_;
  const float *fill_, *center_, *spread_, *encoder_, *components_, *scale_;
  const double *location_, *precision_;
  float* level_;
  double* errors_;
  std::vector<LSTM> lstm_;
  Dense dense_{};
  std::vector<Floats> states_;
  Floats values_, filled_, standard_, means_, recall_, out_, x_, mask_, code_;
  std::vector<double> deviation_, turned_;
};

}  // namespace

namespace skseq {

void bind_one_window(nb::module_& m) {
  using guard = nb::call_guard<nb::gil_scoped_release>;
  const auto array = [](const char* name) { return nb::arg(name).noconvert(); };
  nb::class_<OneWindow>(
      m, "OneWindow",
      "The error of one window, by a linear path, a network and a rule. For one thread "
      "at a time.")
      .def(nb::init<Size, In, bool, std::optional<std::vector<In>>, std::vector<In>, Size,
                    const std::string&, const std::string&,
                    std::optional<std::vector<Doubles>>, const std::string&, Out,
                    OutDoubles, const Name&>(),
           nb::kw_only(), nb::arg("steps"), array("fill"), nb::arg("indicator"),
           array("path").none(), array("weights"), nb::arg("last"),
           nb::arg("activation"), nb::arg("rule"), array("distance").none(),
           nb::arg("score_on"), array("level"), array("errors"),
           nb::arg("isa") = nb::none())
      .def("prepare", &OneWindow::prepare, array("window"),
           "Take a window in; False where nothing of it was observed. Writes to level "
           "what is to be replaced by its tanh.")
      .def("finish", &OneWindow::finish, guard(),
           "Write the weighted errors of the cells to errors; the sum of the weights.");
}

}  // namespace skseq
