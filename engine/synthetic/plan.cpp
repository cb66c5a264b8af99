// How many patients and recordings each class has, and how many recordings each patient.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <utility>

#include "engine/synthetic/population.hpp"

namespace abr::synthetic {
namespace {

// Patients and recordings at full size, in class order [published].
constexpr std::array<ClassSize, kClasses> kFullSize = {
    {{1643, 41412}, {19, 416}, {180, 5508}, {104, 1715}, {92, 2910}}};
constexpr std::int64_t kFullPatients = 2038;
constexpr std::int64_t kFewestPatients = 12;  // a class, so that every part of a split has some

// Recordings of one patient [F]: published median 24, range 1 to 125.
constexpr int kFewestRecordings = 1;
constexpr int kMostRecordings = 125;
constexpr double kWeightSigma = 0.36;  // of the log-normal weight of an ordinary patient
constexpr double kBriefShare = 0.05;   // measured briefly
constexpr double kBriefWeight[] = {0.05, 0.35};
constexpr double kFollowedShare = 0.018;  // followed for years
constexpr double kFollowedWeight[] = {2.2, 5.2};

// Shares of the age groups below 1, 1 to 6, 7 to 17 years and adult [F: published mean 2.64, median 0].
constexpr std::array<std::array<double, 4>, kClasses> kAgeShares = {
    {{0.64, 0.275, 0.063, 0.022},  // NORMAL
     {0.70, 0.25, 0.04, 0.01},     // NEUROPATHY
     {0.50, 0.32, 0.08, 0.10},     // SNHL
     {0.50, 0.36, 0.10, 0.04},     // TOTAL
     {0.50, 0.36, 0.08, 0.06}}};   // CONDUCTIVE

double draw_weight(CohortRandom& random) {
    const double kind = random.uniform();
    if (kind < kBriefShare) return random.uniform(kBriefWeight[0], kBriefWeight[1]);
    if (kind < kBriefShare + kFollowedShare) return random.uniform(kFollowedWeight[0], kFollowedWeight[1]);
    return random.log_normal(1, kWeightSigma);
}

std::vector<int> draw_recording_counts(ClassSize size, CohortRandom& random) {
    std::vector<double> weights(static_cast<std::size_t>(size.patients));
    for (double& weight : weights) weight = draw_weight(random);
    const double scale =
        static_cast<double>(size.recordings) / std::accumulate(weights.begin(), weights.end(), 0.0);
    std::vector<int> counts;
    counts.reserve(weights.size());
    for (const double weight : weights) {
        const long rounded = std::lround(weight * scale);
        counts.push_back(static_cast<int>(std::clamp<long>(rounded, kFewestRecordings, kMostRecordings)));
    }
    // Rounding and clipping leave a small rest; it goes to random patients, one recording at a time.
    std::int64_t rest = size.recordings - std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
    while (rest != 0) {
        int& count = counts[random.index(counts.size())];
        const int changed = count + (rest > 0 ? 1 : -1);
        if (changed < kFewestRecordings || changed > kMostRecordings) continue;
        rest += count - changed;
        count = changed;
    }
    return counts;
}

// Ages in years, ascending. The groups have their exact shares.
std::vector<double> draw_ages(std::size_t patients, std::span<const double> shares, CohortRandom& random) {
    std::vector<double> ages(patients);
    for (std::size_t i = 0; i < patients; ++i) {
        double position = (static_cast<double>(i) + random.uniform()) / static_cast<double>(patients);
        std::size_t group = 0;
        for (; group + 1 < shares.size() && position >= shares[group]; ++group) position -= shares[group];
        switch (group) {
            case 0:
                ages[i] = std::min(0.99, random.gamma(1.3, 0.15));
                break;
            case 1:
                ages[i] = 1 + random.gamma(1.3, 1.3);
                break;
            case 2:
                ages[i] = random.uniform(7, 18);
                break;
            default:
                ages[i] = std::min(75.0, 18 + random.gamma(2, 11));
        }
    }
    std::sort(ages.begin(), ages.end());
    return ages;
}

// Fractional parts of (shift + i sqrt(prime)), a Weyl sequence with a random shift: the points of any run of
// consecutive i lie evenly in (0, 1). As i ascends with age, every range of ages is balanced.
class EvenSequence {
  public:
    EvenSequence(double prime, CohortRandom& random) : step_(std::sqrt(prime)), shift_(random.uniform()) {}
    double at(std::size_t i) const {
        const double x = shift_ + static_cast<double>(i) * step_;
        return std::clamp(x - std::floor(x), 0x1p-53, 1 - 0x1p-53);  // open interval, as every uniform draw
    }

  private:
    double step_, shift_;
};

// Puts the counts in an order in which every run of patients, and so every range of ages, has few and many.
std::vector<int> spread_counts(std::vector<int> counts, CohortRandom& random) {
    const EvenSequence sequence(19, random);
    std::vector<std::size_t> order(counts.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return sequence.at(a) < sequence.at(b); });
    std::sort(counts.begin(), counts.end());
    std::vector<int> spread(counts.size());
    for (std::size_t rank = 0; rank < order.size(); ++rank) spread[order[rank]] = counts[rank];
    return spread;
}

std::vector<EvenDraws> spread_draws(std::size_t patients, CohortRandom& random) {
    const EvenSequence sex(2, random), latency(3, random), interpeak(5, random), amplitude(17, random),
        low_frequency(7, random), neural_response(11, random), unilateral(13, random);
    std::vector<EvenDraws> draws(patients);
    for (std::size_t i = 0; i < patients; ++i) {
        draws[i] = {sex.at(i),
                    latency.at(i),
                    interpeak.at(i),
                    amplitude.at(i),
                    unilateral.at(i),
                    {low_frequency.at(2 * i), low_frequency.at(2 * i + 1)},
                    {neural_response.at(2 * i), neural_response.at(2 * i + 1)}};
    }
    return draws;
}

}  // namespace

std::array<ClassSize, kClasses> class_sizes(std::int64_t patients) {
    std::array<ClassSize, kClasses> sizes;
    std::int64_t others = 0;
    for (std::size_t c = 1; c < kClasses; ++c) {
        const double share = static_cast<double>(kFullSize[c].patients) / kFullPatients;
        const auto scaled = static_cast<std::int64_t>(std::llround(share * static_cast<double>(patients)));
        sizes[c].patients = std::max(kFewestPatients, scaled);
        others += sizes[c].patients;
    }
    sizes[0].patients = patients - others;
    for (std::size_t c = 0; c < kClasses; ++c) {
        const double each = static_cast<double>(kFullSize[c].recordings) / kFullSize[c].patients;
        sizes[c].recordings = std::llround(each * static_cast<double>(sizes[c].patients));
    }
    return sizes;
}

std::vector<PatientPlan> plan_cohort(std::int64_t patients, std::uint64_t seed) {
    CohortRandom random(seed, CohortRandom::kPlan, 0);
    std::vector<PatientPlan> plan;
    plan.reserve(static_cast<std::size_t>(patients));
    const auto sizes = class_sizes(patients);
    for (std::size_t c = 0; c < kClasses; ++c) {
        const std::vector<int> recordings = spread_counts(draw_recording_counts(sizes[c], random), random);
        const std::vector<double> ages = draw_ages(recordings.size(), kAgeShares[c], random);
        const std::vector<EvenDraws> even = spread_draws(recordings.size(), random);
        for (std::size_t i = 0; i < recordings.size(); ++i) {
            plan.push_back({static_cast<Hearing>(c), recordings[i], 0, ages[i], even[i]});
        }
    }
    for (std::size_t i = plan.size() - 1; i > 0; --i) std::swap(plan[i], plan[random.index(i + 1)]);
    std::int64_t row = 0;
    for (PatientPlan& patient : plan) {
        patient.first_row = row;
        row += patient.recordings;
    }
    return plan;
}

}  // namespace abr::synthetic
