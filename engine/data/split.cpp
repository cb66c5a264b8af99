#include "engine/data/split.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>

#include "engine/data/patient_names.hpp"
#include "engine/data/random_sequence.hpp"
#include "engine/error.hpp"
#include "engine/input/csv_file.hpp"
#include "engine/input/csv_header.hpp"
#include "engine/input/csv_tokenizer.hpp"
#include "engine/input/table_message.hpp"

namespace abr {
namespace {

// Fewer patients than splits cannot stand in each of them.
constexpr std::size_t kFewestPatients = kSplits;

// Takes `count` patients out of `pool`, one at random from each of `count` equal stretches of it.
std::vector<std::int32_t> draw_stratified(std::vector<std::int32_t>& pool, std::size_t count,
                                          RandomSequence& random) {
    std::vector<std::int32_t> drawn;
    const std::size_t n = pool.size();
    for (std::size_t i = count; i-- > 0;) {  // from the back, so that taking one moves no earlier stretch
        const std::size_t begin = i * n / count, end = (i + 1) * n / count;
        const auto pick = pool.begin() + static_cast<std::ptrdiff_t>(
                                             begin + random.below(static_cast<std::uint32_t>(end - begin)));
        drawn.push_back(*pick);
        pool.erase(pick);
    }
    return drawn;
}

struct Quota {
    std::size_t val = 0, test = 0;
};

Quota quota(std::size_t patients, const DataConfig& config) {
    const auto share = [&](double fraction) {
        const auto count = static_cast<std::size_t>(std::llround(static_cast<double>(patients) * fraction));
        return fraction > 0 && patients >= kFewestPatients ? std::max<std::size_t>(count, 1) : count;
    };
    Quota q{share(config.validation), share(config.test)};
    // Training keeps at least one.
    while (q.val + q.test > 0 && q.val + q.test >= patients) --(q.val > q.test ? q.val : q.test);
    return q;
}

// Recordings and most frequent class of `of[patient]`, by that index.
void count_patients(const Recordings& recordings, std::size_t classes, std::span<const std::int32_t> of,
                    std::vector<std::int64_t>& total, std::vector<std::int32_t>& modal_class) {
    const std::size_t n = recordings.patients.size();
    total.assign(n, 0);
    modal_class.assign(n, -1);
    std::vector<std::int64_t> counts(n * classes, 0);
    for (std::size_t r = 0; r < recordings.patient.size(); ++r) {
        const auto p = static_cast<std::size_t>(of[static_cast<std::size_t>(recordings.patient[r])]);
        ++total[p];
        if (recordings.label[r] >= 0) ++counts[p * classes + static_cast<std::size_t>(recordings.label[r])];
    }
    for (std::size_t p = 0; p < n; ++p) {
        std::int64_t most = 0;
        for (std::size_t c = 0; c < classes; ++c)
            if (counts[p * classes + c] > most) {
                most = counts[p * classes + c];
                modal_class[p] = static_cast<std::int32_t>(c);
            }
    }
}

// What is drawn as one: a patient, or all whose identifiers are alike, under the first of them.
struct Units {
    std::vector<std::int32_t> first;  // of each patient
    std::vector<std::int64_t> recordings;
    std::vector<std::int32_t> modal_class;
};

std::vector<std::int32_t> themselves(std::size_t patients) {
    std::vector<std::int32_t> indices(patients);
    std::iota(indices.begin(), indices.end(), 0);
    return indices;
}

Units split_units(const Recordings& recordings, const DataConfig& config) {
    Units units;
    units.first = config.alike_patients == AlikePatients::together ? first_alike(recordings.patients)
                                                                   : themselves(recordings.patients.size());
    count_patients(recordings, config.classes.size(), units.first, units.recordings, units.modal_class);
    return units;
}

std::vector<Split> draw_split(const Recordings& recordings, const DataConfig& config) {
    std::vector<Split> split(recordings.patients.size(), Split::train);
    const Units units = split_units(recordings, config);
    const std::uint64_t key = stream_key(config.split_seed, Purpose::split);
    for (int c = -1; c < static_cast<int>(config.classes.size()); ++c) {  // -1: patients without a class
        std::vector<std::int32_t> pool;
        for (std::size_t p = 0; p < split.size(); ++p)
            if (units.first[p] == static_cast<std::int32_t>(p) && units.modal_class[p] == c)
                pool.push_back(static_cast<std::int32_t>(p));
        // By size, then by name: the split does not depend on the order of the rows.
        std::sort(pool.begin(), pool.end(), [&](std::int32_t a, std::int32_t b) {
            const auto i = static_cast<std::size_t>(a), j = static_cast<std::size_t>(b);
            return units.recordings[i] != units.recordings[j]
                       ? units.recordings[i] < units.recordings[j]
                       : recordings.patients[i] < recordings.patients[j];
        });
        const Quota q = quota(pool.size(), config);
        RandomSequence random(key, static_cast<std::uint32_t>(c + 1));
        for (const std::int32_t p : draw_stratified(pool, q.val, random))
            split[static_cast<std::size_t>(p)] = Split::val;
        for (const std::int32_t p : draw_stratified(pool, q.test, random))
            split[static_cast<std::size_t>(p)] = Split::test;
    }
    for (std::size_t p = 0; p < split.size(); ++p) split[p] = split[static_cast<std::size_t>(units.first[p])];
    return split;
}

// Every class must have a recording in every split that is used.
void check_classes(const Recordings& recordings, const DataConfig& config, const PatientSplit& patients) {
    if (std::all_of(recordings.label.begin(), recordings.label.end(), [](std::int32_t c) { return c < 0; }))
        return;
    const bool test_used = config.split_file.empty()
                               ? config.test > 0
                               : std::count(patients.split.begin(), patients.split.end(), Split::test) > 0;
    std::vector<std::array<bool, kSplits>> present(config.classes.size(), {false, false, false});
    for (std::size_t r = 0; r < recordings.label.size(); ++r)
        if (recordings.label[r] >= 0)
            present[static_cast<std::size_t>(recordings.label[r])][static_cast<std::size_t>(
                patients.split[static_cast<std::size_t>(recordings.patient[r])])] = true;
    for (std::size_t c = 0; c < config.classes.size(); ++c) {
        for (std::size_t s = 0; s < kSplits; ++s) {
            if (present[c][s] || (s == static_cast<std::size_t>(Split::test) && !test_used)) continue;
            const auto count = std::count(patients.modal_class.begin(), patients.modal_class.end(),
                                          static_cast<std::int32_t>(c));
            const bool anywhere = std::find(present[c].begin(), present[c].end(), true) != present[c].end();
            const std::string remedy =
                !anywhere ? "remove it from data.classes, or name it as the data do in data.class_aliases"
                : !config.split_file.empty()
                    ? "move one of its patients there in data.split_file"
                    : fmt::format(
                          "a class needs at least {} patients: supply more, join it to another class by "
                          "data.class_aliases, or filter its rows and remove it from data.classes",
                          kFewestPatients);
            throw InputError(
                fmt::format("{}class {} has no patient in the split '{}' ({} of {} patients are of this "
                            "class); {}",
                            config.path.empty() ? "" : config.path.string() + ": ", config.classes[c],
                            kSplitNames[s], count, patients.split.size(), remedy));
        }
    }
}

}  // namespace

std::vector<Split> read_split_file(const std::filesystem::path& path, std::span<const std::string> patients,
                                   AlikePatients alike) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error))
        throw InputError(
            file_message(path, "there is no such file", "a split.csv", "correct data.split_file"));
    const CsvFile file(path);
    const std::string wanted[] = {"patient_id", "split"};
    const CsvHeader table = find_csv_header(file, 0, wanted);
    const auto& header = table.names;
    const auto column = [&](std::string_view name) {
        if (std::count(header.begin(), header.end(), name) != 1)
            throw InputError(
                column_message(path, table.line, name, "the header does not have it exactly once",
                               "columns patient_id and split", "use the split.csv of a run folder"));
        return static_cast<std::size_t>(std::find(header.begin(), header.end(), name) - header.begin());
    };
    const std::size_t id_column = column("patient_id"), split_column = column("split");
    const std::size_t columns = header.size();

    std::unordered_map<std::string_view, std::size_t> index;
    std::unordered_multimap<std::string, std::size_t> alike_index;
    for (std::size_t p = 0; p < patients.size(); ++p) {
        index.emplace(patients[p], p);
        if (alike == AlikePatients::together) alike_index.emplace(patient_key(patients[p]), p);
    }
    // The patient of that name, or else those whose names are spelt otherwise.
    const auto patients_of = [&](std::string_view id) {
        std::vector<std::size_t> found;
        if (const auto known = index.find(id); known != index.end()) return std::vector{known->second};
        const auto [first, last] = alike_index.equal_range(patient_key(id));
        for (auto at = first; at != last; ++at) found.push_back(at->second);
        return found;
    };
    std::vector<Split> split(patients.size());
    std::vector<std::int64_t> seen(patients.size(), 0);  // line, 0 = not yet
    CsvTokenizer tokenizer(table.separator);
    std::int64_t line = table.rows_line;
    const char* const end = table.rows.data() + table.rows.size();
    for (const char* at = table.rows.data(); at != end;) {
        at = tokenizer.read(at, end);
        const std::int64_t here = line;
        line += tokenizer.line_ends();
        if (tokenizer.is_blank()) continue;
        const auto cells = tokenizer.cells();
        if (cells.size() < columns || tokenizer.malformed() || tokenizer.unterminated())
            throw InputError(
                fmt::format("{}:{}: expected {} cells as in the header, with quotes closed; found {}; "
                            "use the split.csv of a run folder",
                            path.string(), here, columns, cells.size()));
        const std::string_view id = cells[id_column], name = cells[split_column];
        const std::vector<std::size_t> meant = patients_of(id);
        if (meant.empty())
            throw InputError(cell_message(path, here, "patient_id", id, "a patient of the data that is used",
                                          "remove the line, or use the split of this data set"));
        const auto found = std::find(kSplitNames.begin(), kSplitNames.end(), name);
        for (const std::size_t p : meant) {
            if (seen[p] != 0)
                throw InputError(cell_message(
                    path, here, "patient_id", id,
                    fmt::format("each patient once, this one stands in line {} already", seen[p]),
                    "remove one of the lines"));
            if (found == kSplitNames.end())
                throw InputError(
                    cell_message(path, here, "split", name, "train, val or test", "correct the cell"));
            seen[p] = here;
            split[p] = static_cast<Split>(found - kSplitNames.begin());
        }
    }
    if (const auto missing = std::find(seen.begin(), seen.end(), 0); missing != seen.end())
        throw InputError(file_message(
            path,
            fmt::format("{} of {} patients have no line, the first is {}", std::count(missing, seen.end(), 0),
                        patients.size(),
                        quoted_value(patients[static_cast<std::size_t>(missing - seen.begin())])),
            "a line for every patient of the data that is used",
            "add them, or split by seed: remove data.split_file"));
    return split;
}

PatientSplit split_patients(const Recordings& recordings, const DataConfig& config) {
    PatientSplit patients;
    count_patients(recordings, config.classes.size(), themselves(recordings.patients.size()),
                   patients.recordings, patients.modal_class);
    patients.split = config.split_file.empty()
                         ? draw_split(recordings, config)
                         : read_split_file(config.split_file, recordings.patients, config.alike_patients);
    check_classes(recordings, config, patients);
    return patients;
}

std::vector<SplitRow> split_rows(const std::vector<std::string>& patients,
                                 std::span<const std::string> classes, const PatientSplit& split) {
    std::vector<SplitRow> rows;
    for (std::size_t p = 0; p < patients.size(); ++p) {
        const std::int32_t modal = split.modal_class[p];
        rows.push_back({patients[p], modal < 0 ? "" : classes[static_cast<std::size_t>(modal)],
                        split.recordings[p],
                        std::string(kSplitNames[static_cast<std::size_t>(split.split[p])])});
    }
    return rows;
}

}  // namespace abr
