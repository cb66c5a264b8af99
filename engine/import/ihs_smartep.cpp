#include "engine/import/ihs_smartep.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/import/text_source.hpp"

namespace abr {
namespace {

constexpr int kMostHeaderLines = 200;
constexpr std::string_view kFirstName = "Identifier:";
constexpr std::string_view kNamesRow = "Data Pnt";

// The columns of one average.
struct Block {
    std::size_t first = 0;  // where the header has its values
    std::size_t average = 0;
    std::array<std::size_t, 2> halves{};  // 0: not there
};

bool recognises(std::string_view first_bytes) {
    if (first_bytes.starts_with("\xEF\xBB\xBF")) first_bytes.remove_prefix(3);
    return first_bytes.starts_with(kFirstName) && first_bytes.find("File Name:") != std::string_view::npos;
}

class Reader {
  public:
    Reader(const std::filesystem::path& path, const ReadOptions& options) : text_(path), options_(options) {}

    void read(const AverageSink& sink) {
        read_header();
        std::vector<Average> averages;
        for (const Block& block : blocks_) averages.push_back(header_of(block));
        read_samples(averages);
        for (Average& average : averages) sink.add(std::move(average));
    }

  private:
    void read_header() {
        for (int lines = 0; text_.next(); ++lines) {
            if (lines == 0) {
                const std::string_view line = text_.line();
                separator_ = line.size() > kFirstName.size() ? line[kFirstName.size()] : ',';
            }
            std::vector<std::string> cells;
            for (const std::string_view cell : split(text_.line(), separator_)) cells.emplace_back(cell);
            if (cells.front().starts_with(kNamesRow)) return find_blocks(cells);
            if (lines == kMostHeaderLines) break;
            header_line_.emplace(cells.front(), text_.number());
            header_.emplace(cells.front(), std::move(cells));
        }
        text_.fail("column names", fmt::format("none in {} lines", text_.number()),
                   "the line `Data Pnt:,Average:,Average(uV):,...` after the header", kExportAgain);
    }

    void find_blocks(const std::vector<std::string>& names) {
        for (std::size_t c = 1; c < names.size(); ++c) {
            const std::string_view name = names[c];
            const bool in_volts = name.find('(') != std::string_view::npos;
            if (name.starts_with("Average")) {
                if (!in_volts || blocks_.empty() || blocks_.back().average != 0)
                    blocks_.push_back({.first = c});
                if (in_volts) blocks_.back().average = c;
            } else if (name.starts_with("Buffer") && in_volts && !blocks_.empty()) {
                const char number = name[std::string_view("Buffer").size()];
                if (number == '1' || number == '2')
                    blocks_.back().halves[static_cast<std::size_t>(number - '1')] = c;
            }
        }
        const bool complete = std::ranges::all_of(blocks_, [](const Block& b) { return b.average != 0; });
        if (blocks_.empty() || !complete)
            text_.fail("column names", "no `Average(uV):` for every average",
                       "samples in uV beside the counts", "export the file with the option for microvolts");
    }

    std::string_view value(const Block& block, const char* name) const {
        const auto cells = header_.find(name);
        return cells == header_.end() || block.first >= cells->second.size() ? std::string_view()
                                                                             : cells->second[block.first];
    }

    // NaN where the header has no such line, or no value.
    double number(const Block& block, const char* name) const {
        const std::string_view cell = value(block, name);
        double parsed = kUnknown;
        if (cell.empty() || leading_number(cell, parsed)) return parsed;
        text_.fail(header_line_.at(name), name, fmt::format("value `{}`", readable(cell)), "a number",
                   kExportAgain);
    }

    Average header_of(const Block& block) const {
        Average average;
        average.line = text_.number();
        average.patient = readable(value(block, "Identifier:"));
        average.record = readable(value(block, "File Name:"));
        average.channel = readable(value(block, "Channel:"));
        average.ear = ear_of(value(block, "Ear:"));
        average.level_db = number(block, "Intensity:");
        average.rate_hz = number(block, "Stim. Rate:");
        average.sweeps = number(block, "Sweeps:");
        average.rejected = number(block, "Artifacts:");
        average.frequency_hz = number(block, "Stim. Freq.");
        if (average.frequency_hz == 0) average.stimulus = "click";
        if (average.frequency_hz > 0) average.stimulus = "tone";
        average.interval_ms = options_.interval_ms.value_or(number(block, "Smp. Period:") / 1000);
        if (!(average.interval_ms > 0))
            text_.fail("Smp. Period:", fmt::format("no period for {}", average.record),
                       "microseconds above 0",
                       "export the file with its header, or give --source-interval-ms");
        const double zero = number(block, "Zero Position:");
        if (std::isnan(zero) && !options_.stimulus_ms)
            text_.fail("Zero Position:", fmt::format("no value for {}", average.record),
                       "the data point at which the stimulus is",
                       "export the file with its header, or give --stimulus-ms");
        average.first_ms = -zero * average.interval_ms;  // of data point 0; read_samples knows the first
        return average;
    }

    void read_samples(std::vector<Average>& averages) {
        std::size_t last_column = 0;
        for (const Block& block : blocks_)
            last_column = std::max({last_column, block.average, block.halves[0], block.halves[1]});
        const double scale = options_.unit_uv.value_or(1);
        std::optional<double> first, previous;
        while (text_.next()) {
            if (trimmed(text_.line()).empty()) continue;
            const std::vector<std::string_view> cells = split(text_.line(), separator_);
            const double point = text_.number(cells.front(), "Data Pnt:");
            if (previous && point != *previous + 1)
                text_.fail("Data Pnt:", fmt::format("{} after {}", point, *previous),
                           "points that count up by 1", kExportAgain);
            previous = point;
            if (!first) first = point;
            if (cells.size() <= last_column)
                text_.fail("cells", fmt::format("the line has {} cells", cells.size()),
                           fmt::format("at least {}", last_column + 1), kExportAgain);
            for (std::size_t b = 0; b < blocks_.size(); ++b) {
                const auto sample = [&](std::size_t column, std::vector<float>& samples) {
                    if (column != 0)
                        samples.push_back(
                            static_cast<float>(scale * text_.number(cells[column], averages[b].record)));
                };
                sample(blocks_[b].average, averages[b].samples);
                for (std::size_t h = 0; h < 2; ++h) sample(blocks_[b].halves[h], averages[b].halves[h]);
            }
        }
        if (!first)
            text_.fail("samples", "none after the column names", "a line for each data point", kExportAgain);
        for (Average& average : averages) {
            average.first_ms = options_.stimulus_ms ? -*options_.stimulus_ms
                                                    : average.first_ms + *first * average.interval_ms;
            if (average.halves[0].empty() || average.halves[1].empty()) average.halves = {};
        }
    }

    TextSource text_;
    const ReadOptions& options_;
    char separator_ = ',';
    std::map<std::string, std::vector<std::string>, std::less<>> header_;
    std::map<std::string, std::int64_t, std::less<>> header_line_;
    std::vector<Block> blocks_;
};

void read(const std::filesystem::path& path, const ReadOptions& options, const AverageSink& sink) {
    Reader(path, options).read(sink);
}

}  // namespace

const Layout kIhsSmartep = {"ihs-smartep", "IHS SmartEP text", recognises, read};

}  // namespace abr
