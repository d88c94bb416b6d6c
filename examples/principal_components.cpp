// Finds principal components by local learning: Oja's rule finds the first one, Sanger's rule finds the first ones in
// order, and the subspace rule finds their span. Each is compared with an eigendecomposition, on data of known spectrum
// and on the embedded digits. The program fails if one of them deviates by more than the stated tolerance.

#include <cmath>
#include <cstddef>
#include <cstdio>
#include <span>
#include <utility>
#include <vector>

#include "digits.hpp"
#include "lab/report/exit_status.hpp"
#include <Eigen/Eigenvalues>

#include <localis/localis.hpp>

namespace lo = localis;
using matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr double tolerance = 1e-6;

/// Samples x values, and the eigenvalues and eigenvectors (columns) of X^T X / P, largest first.
struct problem {
  const char* name;
  matrix x;
  Eigen::VectorXd values{};
  Eigen::MatrixXd vectors{};

  problem(const char* called, matrix samples) : name(called), x(std::move(samples)) {
    const Eigen::MatrixXd moments = x.transpose() * x / static_cast<double>(x.rows());
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(moments);
    values = solver.eigenvalues().reverse();
    vectors = solver.eigenvectors().rowwise().reverse();
  }
};

/// Normal samples whose variance along axis i is 4 * 0.6^i, in rotated coordinates.
template <std::size_t Size>
matrix known_spectrum() {
  constexpr Eigen::Index samples = 1000;
  const lo::random_stream random(1, 1);
  matrix x(samples, Size);
  matrix axes(Size, Size);
  for (Eigen::Index i = 0; i < axes.size(); ++i) axes.data()[i] = random.normal(static_cast<std::size_t>(i));
  const matrix turned = Eigen::HouseholderQR<matrix>(axes).householderQ();
  for (Eigen::Index n = 0; n < samples; ++n) {
    for (Eigen::Index i = 0; i < x.cols(); ++i) {
      x(n, i) = 2 * std::pow(0.6, static_cast<double>(i) / 2) *
                random.normal(static_cast<std::size_t>(axes.size() + n * x.cols() + i));
    }
  }
  return x * turned;
}

/// The first 500 digits, one per row, minus the mean picture.
matrix centred_digits() {
  const lo::data::images digits = examples::digits();
  const std::size_t size = lo::data::shape_of(digits).size();
  matrix x(500, static_cast<Eigen::Index>(size));
  std::vector<float> row(size);
  for (Eigen::Index n = 0; n < x.rows(); ++n) {
    digits.read(static_cast<std::size_t>(n), row);
    for (Eigen::Index i = 0; i < x.cols(); ++i) x(n, i) = static_cast<double>(row[static_cast<std::size_t>(i)]);
  }
  x.rowwise() -= x.colwise().mean().eval();
  return x;
}

/// The weights of `Units` linear units after the given number of steps of a rule over all samples, Units x values.
template <class Rule, std::size_t Units, std::size_t Size>
matrix learned(const problem& p, std::size_t steps) {
  // The last stage always learns by gradient, but this program calls no backward().
  using net = lo::network<lo::vector_input<Size>, lo::dense<Units, lo::no_bias, Rule>, lo::dense<1>>;
  const auto samples = static_cast<std::size_t>(p.x.rows());
  lo::model<net, lo::cpu::backend<double>> model{{.seed = 1}};
  model.prepare({.batch = samples, .lowest_boundary = 1});
  const double eta = 0.5 / p.values[0];  // stable below 1 / the largest eigenvalue
  for (std::size_t step = 0; step < steps; ++step) {
    model.forward({p.x.data(), samples * Size}, samples, {.boundary = 1, .local_rate = eta, .step = step});
  }
  matrix weights(Units, Size);
  model.backend().download(model.template layer<0>().parameters()[0].value,
                           std::span<double>(weights.data(), Units * Size));
  return weights;
}

/// Prints how far each row of `w` is from its eigenvector; returns whether all are within the tolerance.
bool in_order(const char* rule, const problem& p, const matrix& w) {
  const double distance = (w * w.transpose() - matrix::Identity(w.rows(), w.rows())).norm();
  bool good = distance < tolerance;
  std::printf("%s, %s: |W W^T - I| = %.1e\n  component      |cos|  eigenvalue  variance of the unit\n", p.name, rule,
              distance);
  for (Eigen::Index k = 0; k < w.rows(); ++k) {
    const double cosine = std::abs(w.row(k).dot(p.vectors.col(k))) / w.row(k).norm();
    const double variance = (p.x * w.row(k).transpose()).squaredNorm() / static_cast<double>(p.x.rows());
    std::printf("  %9td  %.7f  %10.6f  %20.6f\n", k + 1, cosine, p.values[k], variance);
    good = good && 1 - cosine < tolerance && std::abs(variance / p.values[k] - 1) < tolerance;
  }
  return good;
}

/// As above, for a rule that finds only the span of the eigenvectors.
bool in_span(const char* rule, const problem& p, const matrix& w) {
  const double distance = (w * w.transpose() - matrix::Identity(w.rows(), w.rows())).norm();
  const Eigen::MatrixXd residual = w - w * p.vectors.leftCols(w.rows()) * p.vectors.leftCols(w.rows()).transpose();
  const double variance = (p.x * w.transpose()).squaredNorm() / static_cast<double>(p.x.rows());
  const double wanted = p.values.head(w.rows()).sum();
  std::printf("%s, %s: |W W^T - I| = %.1e, outside the span %.1e\n", p.name, rule, distance, residual.norm());
  std::printf("  sum of eigenvalues %.6f, variance of all units %.6f\n", wanted, variance);
  return distance < tolerance && residual.norm() < tolerance && std::abs(variance / wanted - 1) < tolerance;
}

template <std::size_t Size, std::size_t Units>
bool compare(const problem& p, std::size_t steps) {
  bool good = in_order("oja", p, learned<lo::rule::oja, 1, Size>(p, steps));
  good = in_order("sanger", p, learned<lo::rule::sanger, Units, Size>(p, steps)) && good;
  good = in_span("subspace", p, learned<lo::rule::subspace, Units, Size>(p, steps)) && good;
  std::printf("\n");
  return good;
}

int main() {
  bool good = compare<16, 6>({"known spectrum", known_spectrum<16>()}, 1000);
  good = compare<28 * 28, 4>({"digits", centred_digits()}, 1000) && good;
  std::printf("%s the tolerance of %.0e\n", good ? "all within" : "FAILED: not all within", tolerance);
  return examples::exit_status("principal_components", good ? 0 : 1);
}
