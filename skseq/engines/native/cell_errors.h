// SPDX-License-Identifier: BSD-3-Clause
// What the errors of cells are, and which steps count: ErrorRule and Judge of NumPy.
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "bindings.h"

namespace skseq {

enum class Rule { mse, mae, huber, distance };
enum class Counted { all_alike, the_last, the_recent };

template <class T>
T one_of(const char* name, const std::string& value,
         const std::vector<std::pair<const char*, T>>& known) {
  for (const auto& [text, found] : known)
    if (value == text) return found;
  throw std::invalid_argument(std::string(name) + ": there is no '" + value + "'.");
}

// Of windows of so many steps of so many features.
class CellErrors {
 public:
  CellErrors(Size steps, Size features, const std::string& rule,
             std::optional<std::vector<Doubles>> distance, const std::string& score_on,
             const Kernels& kernels)
      : steps_(steps),
        features_(features),
        rule_(one_of<Rule>("rule", rule,
                           {{"mse", Rule::mse},
                            {"mae", Rule::mae},
                            {"huber", Rule::huber},
                            {"distance", Rule::distance}})),
        counted_(one_of<Counted>("score_on", score_on,
                                 {{"mean", Counted::all_alike},
                                  {"last", Counted::the_last},
                                  {"recent", Counted::the_recent}})),
        kernels_(kernels) {
    if (rule_ == Rule::distance) set_distance(distance);
  }

  // Writes the errors of n cells of whole windows: of what was, and what is given for
  // it. The others are scratch of the same length.
  void find(Size n, const float* values, const float* given, double* errors,
            double* deviations, double* turned) const {
    for (Size cell = 0; cell < n; cell++)
      errors[cell] = double(values[cell]) - double(given[cell]);
    if (rule_ == Rule::distance) return find_shares(n, errors, deviations, turned);
    for (Size cell = 0; cell < n; cell++) {
      const double d = errors[cell], size = std::abs(d);
      double& error = errors[cell];
      if (rule_ == Rule::mse) error = d * d;
      if (rule_ == Rule::mae) error = size;
      if (rule_ == Rule::huber) error = size <= 1 ? 0.5 * (size * size) : size - 0.5;
    }
  }

  // Multiplies the errors of a window by the weights of their steps; the sum of these,
  // NaN where no cell counts.
  double weigh(double* errors) const {
    Size end = steps_ - 1;  // the last step with an error counts as the last
    while (end > 0 && !has_error(errors, end)) end--;
    if (!has_error(errors, end)) end = steps_ - 1;
    double total = 0;
    for (Size t = 0; t < steps_; t++) {
      const Size place = t + steps_ - end;
      double weight = 1;
      if (counted_ == Counted::the_last) weight = place == steps_;
      if (counted_ == Counted::the_recent) weight = double(place * place);
      for (Size k = 0; k < features_; k++) {
        double& error = errors[t * features_ + k];
        const bool counts = !std::isnan(error);
        error = (counts ? error : 0) * (counts ? weight : 0);
        total += counts ? weight : 0;
      }
    }
    return total > 0 ? total : std::numeric_limits<double>::quiet_NaN();
  }

 private:
  void set_distance(std::optional<std::vector<Doubles>>& distance) {
    if (!distance || distance->size() != 2)
      throw std::invalid_argument("distance must hold location and precision.");
    location_ = check("location", (*distance)[0], {features_});
    is_diagonal_ = (*distance)[1].ndim() == 1;
    const Shape square{features_, features_}, diagonal{features_};
    precision_ = check("precision", (*distance)[1], is_diagonal_ ? diagonal : square);
    distance_ = std::move(*distance);
  }

  void find_shares(Size n, double* errors, double* deviations, double* turned) const {
    for (Size row = 0; row < n; row += features_)
      for (Size k = 0; k < features_; k++) {
        double& d = errors[row + k];
        d -= location_[k];
        deviations[row + k] = std::isnan(d) ? 0 : d;
        if (is_diagonal_) turned[row + k] = deviations[row + k] * precision_[k];
      }
    if (!is_diagonal_)
      kernels_.product_of_doubles(
          {n / features_, features_, features_, deviations, precision_, turned});
    for (Size cell = 0; cell < n; cell++)
      if (!std::isnan(errors[cell])) errors[cell] = deviations[cell] * turned[cell];
  }

  bool has_error(const double* errors, Size t) const {
    for (Size k = 0; k < features_; k++)
      if (!std::isnan(errors[t * features_ + k])) return true;
    return false;
  }

  Size steps_, features_;
  Rule rule_;
  Counted counted_;
  const Kernels& kernels_;
  bool is_diagonal_ = false;
  std::vector<Doubles> distance_;
  const double *location_, *precision_;
};

}  // namespace skseq
