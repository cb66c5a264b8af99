#include "engine/data/sampler.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

#include "engine/data/random_sequence.hpp"

using namespace abr;

namespace {

std::vector<std::int32_t> labels_of(std::initializer_list<int> sizes) {
    std::vector<std::int32_t> labels;
    std::int32_t c = 0;
    for (const int size : sizes) labels.insert(labels.end(), static_cast<std::size_t>(size), c++);
    return labels;
}

// How often each row stands in the order.
std::vector<int> repeats(const std::vector<std::int32_t>& order, std::size_t rows) {
    std::vector<int> counts(rows, 0);
    for (const std::int32_t row : order) ++counts[static_cast<std::size_t>(row)];
    return counts;
}

std::vector<std::int64_t> places(const std::vector<std::int32_t>& order,
                                 const std::vector<std::int32_t>& labels, std::size_t classes) {
    std::vector<std::int64_t> counts(classes, 0);
    for (const std::int32_t row : order)
        ++counts[static_cast<std::size_t>(labels[static_cast<std::size_t>(row)])];
    return counts;
}

}  // namespace

TEST_CASE("pitfall 15: two epochs have different orders, the same epoch repeats, the seed decides") {
    const auto labels = labels_of({50, 30, 20});
    for (const Sampler kind : {Sampler::shuffle, Sampler::balanced}) {
        const EpochSampler sampler(kind, labels, 3, 10, 42);
        CHECK(sampler.order(0) == sampler.order(0));
        CHECK(sampler.order(0) != sampler.order(1));
        CHECK(EpochSampler(kind, labels, 3, 10, 42).order(7) == sampler.order(7));
        CHECK(EpochSampler(kind, labels, 3, 10, 43).order(7) != sampler.order(7));
    }
}

TEST_CASE("sampler: shuffle is a permutation, each row as likely at each place") {
    const EpochSampler sampler(Sampler::shuffle, labels_of({7}), 1, 10, 1);
    std::vector<std::vector<int>> at(7, std::vector<int>(7, 0));
    constexpr int kEpochs = 7000;
    for (std::uint32_t epoch = 0; epoch < kEpochs; ++epoch) {
        const auto order = sampler.order(epoch);
        CHECK(repeats(order, 7) == std::vector<int>(7, 1));
        for (std::size_t i = 0; i < 7; ++i) ++at[i][static_cast<std::size_t>(order[i])];
    }
    for (const auto& place : at)  // 1000 expected, sd 29
        for (const int count : place) CHECK(std::abs(count - 1000) < 150);
}

TEST_CASE("pitfall 18: the balanced sampler gives equal shares and repeats no recording beyond the cap") {
    const auto labels = labels_of({1000, 4, 96});
    const EpochSampler sampler(Sampler::balanced, labels, 3, 10, 42);
    const auto order = sampler.order(3);
    CHECK(order.size() == labels.size());
    // An equal share is 366; four recordings fill 40 places at most, the others share 1060.
    CHECK(places(order, labels, 3) == std::vector<std::int64_t>{530, 40, 530});
    CHECK(sampler.largest_repeats() == std::vector<std::int64_t>{1, 10, 6});
    const auto counts = repeats(order, labels.size());
    for (std::size_t r = 0; r < labels.size(); ++r) {
        if (labels[r] == 0) CHECK(counts[r] <= 1);
        if (labels[r] == 1) CHECK(counts[r] == 10);
        if (labels[r] == 2) CHECK((counts[r] == 5 || counts[r] == 6));
    }
    CHECK(EpochSampler(Sampler::shuffle, labels, 3, 10, 42).largest_repeats() ==
          std::vector<std::int64_t>{1, 1, 1});
}

TEST_CASE("sampler: whatever the sizes and the cap, an epoch has as many places as rows") {
    for (const auto& sizes :
         {std::initializer_list<int>{1, 1, 1}, {10, 10, 1}, {3, 5, 7}, {100, 0, 3}, {2, 2, 11}})
        for (const int cap : {1, 2, 3, 100}) {
            const auto labels = labels_of(sizes);
            const EpochSampler sampler(Sampler::balanced, labels, 3, cap, 5);
            const auto counts = repeats(sampler.order(0), labels.size());
            CHECK(std::accumulate(counts.begin(), counts.end(), std::size_t{0}) == labels.size());
            CHECK(*std::max_element(counts.begin(), counts.end()) <= cap);
        }
}

TEST_CASE("sampler: rows without a class stand once in a balanced epoch") {
    auto labels = labels_of({20, 2});
    labels.insert(labels.end(), 3, -1);
    const auto counts = repeats(EpochSampler(Sampler::balanced, labels, 2, 4, 9).order(0), labels.size());
    for (std::size_t r = 22; r < 25; ++r) CHECK(counts[r] == 1);
    CHECK(counts[20] == 4);
    CHECK(std::accumulate(counts.begin(), counts.end(), 0) == 25);
}

TEST_CASE("random sequence: bounded integers are uniform and stay below the bound") {
    RandomSequence random(stream_key(1, Purpose::shuffle));
    std::vector<int> counts(3, 0);
    for (int i = 0; i < 30000; ++i) ++counts[random.below(3)];
    for (const int count : counts) CHECK(std::abs(count - 10000) < 400);  // sd 82
    // Without rejection every third number would come up twice as often as the others for this bound.
    const std::uint32_t bound = 0xC0000000u;
    int low = 0;
    for (int i = 0; i < 30000; ++i) {
        const std::uint32_t value = random.below(bound);
        CHECK(value < bound);
        low += value % 3 == 0;
    }
    CHECK(std::abs(low - 10000) < 400);
    CHECK(random.below(1) == 0);
}
