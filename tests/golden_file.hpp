// Golden values that the scripts of tests/oracle/ wrote with PyTorch, and how results are held against them.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "engine/formats/npz.hpp"
#include "kernels/view.hpp"
#include "test_paths.hpp"
#include "tests/kernels/support.hpp"

namespace abr::test {

// One file of tests/oracle/golden/. Its arrays have names of parts, "conv1d/dilated/weight".
class GoldenFile {
  public:
    explicit GoldenFile(const std::string& name)
        : file_(NpzFile::open(ABR_SOURCE_DIR "/tests/oracle/golden/" + name)) {
        REQUIRE(file_.array("torch_version").to_strings().size() == 1);
    }

    bool contains(const std::string& array) const { return file_.contains(array); }
    // Numbers, rounded to T.
    template <class T = double>
    std::vector<T> values(const std::string& array) const {
        const auto doubles = file_.array(array).to_doubles();
        std::vector<T> result;
        std::transform(doubles.begin(), doubles.end(), std::back_inserter(result),
                       [](double v) { return static_cast<T>(v); });
        return result;
    }
    template <class T = double>
    T value(const std::string& array) const {
        const auto all = values<T>(array);
        REQUIRE(all.size() == 1);
        return all[0];
    }
    std::vector<Index> integers(const std::string& array) const { return file_.array(array).to_integers(); }
    Index integer(const std::string& array) const { return integers(array).at(0); }
    std::vector<std::string> texts(const std::string& array) const { return file_.array(array).to_strings(); }
    std::vector<Index> shape(const std::string& array) const { return file_.array(array).shape; }
    // The next part of all names that begin with "<prefix>/": at least one.
    std::set<std::string> parts(const std::string& prefix) const {
        std::set<std::string> result;
        const std::string start = prefix + "/";
        for (const std::string& name : file_.names())
            if (name.rfind(start, 0) == 0)
                result.insert(name.substr(start.size(), name.find('/', start.size()) - start.size()));
        REQUIRE(!result.empty());
        return result;
    }

  private:
    NpzFile file_;
};

// The largest error is at most `tolerance` times the largest golden value; golden zeros must be zeros.
template <class T>
void check_golden(const std::vector<T>& computed, const std::vector<double>& golden, double tolerance,
                  const std::string& what) {
    REQUIRE_MESSAGE(computed.size() == golden.size(), what);
    double largest = 0;
    for (const double value : golden) largest = std::max(largest, std::abs(value));
    const double error = largest_error(computed, golden);
    CHECK_MESSAGE(error <= tolerance * largest, what, ": error ", error, ", largest golden value ", largest);
}

}  // namespace abr::test
