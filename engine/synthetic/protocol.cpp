#include "engine/synthetic/protocol.hpp"

#include <algorithm>
#include <cmath>

namespace abr::synthetic {
namespace {

// Rates, 1/s [F: published mean 33.7, sd 3.6].
constexpr double kRates[] = {11.1, 21.1, 27.7, 33.1, 33.3, 37.1, 39.1, 44.1, 49.1};
constexpr double kRateShares[] = {0.006, 0.006, 0.03, 0.50, 0.34, 0.05, 0.048, 0.01, 0.01};
constexpr double kOtherRates[] = {11.1, 21.1, 39.1, 49.1};  // of single recordings
constexpr double kOtherRateShare = 0.015;

// Search for the threshold, dB nHL [F: published mean 44, sd 29.8].
constexpr int kStarts[] = {80, 70, 60, 90};
constexpr double kStartShares[] = {0.60, 0.14, 0.10, 0.16};
constexpr int kHighestLevel = 100;
constexpr double kDetectionOffset = 4, kDetectionSd = 4;  // visual detection level above the threshold

constexpr double kBadEarShare = 0.65;  // of a unilateral patient's recordings [C]

// The frequency changes from recording to recording of an ear, as when several are tested.
constexpr double kBurstShare = 0.60;  // of a low-frequency ear's recordings
constexpr double kBurstKhz[] = {0.5, 1, 2};
constexpr double kBurstShares[] = {0.5, 0.3, 0.2};

int nearest_five(double level_db) {
    return 5 * static_cast<int>(std::lround(level_db / 5));
}

// Levels in the order in which they are tried, each once.
std::vector<int> draw_levels(double detection_db, CohortRandom& random) {
    const int start = kStarts[random.pick(kStartShares)];
    std::vector<int> levels = {start};
    int level = start;
    if (detection_db <= start) {
        while (level >= detection_db && level > 0) {
            level = std::max(0, level - (level > 50 ? 20 : 10));
            levels.push_back(level);
        }
        if (random.chance(0.50)) levels.push_back(level - 10);
        if (random.chance(0.25)) levels.push_back(nearest_five(detection_db + 5));
        if (random.chance(0.30)) levels.push_back(90);
        if (random.chance(0.10)) levels.push_back(100);
    } else {
        while (level < detection_db && level < kHighestLevel) {
            level += 10;
            levels.push_back(level);
        }
        if (random.chance(0.40) && detection_db < 100) levels.push_back(nearest_five(detection_db - 5));
        if (random.chance(0.30)) levels.push_back(start - 20);
    }
    std::vector<int> distinct;
    for (const int any : levels) {
        const int clipped = std::clamp(any, 0, kHighestLevel);
        if (std::find(distinct.begin(), distinct.end(), clipped) == distinct.end())
            distinct.push_back(clipped);
    }
    // The first level is the start: draw_ear weighs it as such.
    return distinct;
}

// Levels of one ear's recordings: the search as far as the recordings reach, then replicates.
std::vector<int> draw_ear_levels(const Ear& ear, int recordings, CohortRandom& random) {
    const double detection_db = ear.threshold_db + random.normal(kDetectionOffset, kDetectionSd);
    std::vector<int> levels = draw_levels(detection_db, random);
    const std::size_t distinct = levels.size();
    const auto wanted = static_cast<std::size_t>(recordings);
    if (wanted <= distinct) {
        levels.resize(wanted);
        return levels;
    }
    std::vector<double> weights(distinct, 1.0);
    weights[0] = 2.6;
    for (std::size_t i = 0; i < distinct; ++i) {
        if (std::abs(levels[i] - detection_db) <= 10) weights[i] += 1;
        if (levels[i] >= 90) weights[i] += 0.3;
    }
    while (levels.size() < wanted) levels.push_back(levels[random.pick(weights)]);
    return levels;
}

}  // namespace

std::vector<Stimulus> draw_session(const Patient& patient, int recordings, CohortRandom& random) {
    const double usual_rate = kRates[random.pick(kRateShares)];
    // Both ears alike, the odd recording to either; of a unilateral patient more from the affected ear.
    std::size_t first = random.index(2);
    int of_first = (recordings + 1) / 2;
    if (patient.unilateral) {
        first = patient.bad_ear;
        of_first = std::max(1, static_cast<int>(std::lround(kBadEarShare * recordings)));
    }
    std::vector<Stimulus> session;
    session.reserve(static_cast<std::size_t>(recordings));
    for (const std::size_t side : {first, 1 - first}) {
        const Ear& ear = patient.ears[side];
        const int of_ear = side == first ? of_first : recordings - of_first;
        for (const int level : draw_ear_levels(ear, of_ear, random)) {
            Stimulus stimulus;
            stimulus.ear = side;
            stimulus.level_db = level;
            stimulus.rate_hz = random.chance(kOtherRateShare)
                                   ? kOtherRates[random.index(std::size(kOtherRates))]
                                   : usual_rate;
            if (ear.low_frequency && random.chance(kBurstShare)) {
                stimulus.tone_burst_khz = kBurstKhz[random.pick(kBurstShares)];
            }
            session.push_back(stimulus);
        }
    }
    return session;
}

}  // namespace abr::synthetic
