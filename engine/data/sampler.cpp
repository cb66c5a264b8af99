#include "engine/data/sampler.hpp"

#include <algorithm>

#include "engine/data/random_sequence.hpp"

namespace abr {

EpochSampler::EpochSampler(Sampler kind, std::span<const std::int32_t> labels, std::size_t classes,
                           int max_repeats, std::uint64_t seed)
    : strata_(classes + 1), rows_(labels.size()), key_(stream_key(seed, Purpose::shuffle)) {
    for (std::size_t r = 0; r < labels.size(); ++r)
        strata_[labels[r] < 0 ? classes : static_cast<std::size_t>(labels[r])].rows.push_back(
            static_cast<std::int32_t>(r));
    for (Stratum& stratum : strata_) stratum.places = static_cast<std::int64_t>(stratum.rows.size());
    if (kind == Sampler::shuffle) return;

    // The smallest classes take their share first; what their cap leaves over raises the share of the rest.
    std::vector<Stratum*> by_size;
    std::int64_t places = 0;
    for (std::size_t c = 0; c < classes; ++c) {
        if (strata_[c].rows.empty()) continue;
        by_size.push_back(&strata_[c]);
        places += strata_[c].places;
    }
    std::stable_sort(by_size.begin(), by_size.end(),
                     [](const Stratum* a, const Stratum* b) { return a->rows.size() < b->rows.size(); });
    for (std::size_t i = 0; i < by_size.size(); ++i) {
        const std::int64_t cap = static_cast<std::int64_t>(by_size[i]->rows.size()) * max_repeats;
        by_size[i]->places = std::min(cap, places / static_cast<std::int64_t>(by_size.size() - i));
        places -= by_size[i]->places;
    }
}

std::vector<std::int32_t> EpochSampler::order(std::uint32_t epoch) const {
    std::vector<std::int32_t> order;
    order.reserve(rows_);
    for (std::size_t s = 0; s < strata_.size(); ++s) {
        const Stratum& stratum = strata_[s];
        const auto size = static_cast<std::int64_t>(stratum.rows.size());
        if (size == 0) continue;
        for (std::int64_t i = 0; i < stratum.places / size; ++i)
            order.insert(order.end(), stratum.rows.begin(), stratum.rows.end());
        if (const std::int64_t rest = stratum.places % size; rest > 0) {
            std::vector<std::int32_t> drawn = stratum.rows;
            RandomSequence(key_, 1, static_cast<std::uint32_t>(s), epoch).shuffle(drawn);
            order.insert(order.end(), drawn.begin(), drawn.begin() + rest);
        }
    }
    RandomSequence(key_, 0, 0, epoch).shuffle(order);
    return order;
}

std::vector<std::int64_t> EpochSampler::largest_repeats() const {
    std::vector<std::int64_t> repeats;
    for (std::size_t c = 0; c + 1 < strata_.size(); ++c) {
        const auto size = static_cast<std::int64_t>(strata_[c].rows.size());
        repeats.push_back(size == 0 ? 0 : (strata_[c].places + size - 1) / size);
    }
    return repeats;
}

}  // namespace abr
