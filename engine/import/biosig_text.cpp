#include "engine/import/biosig_text.hpp"

#include <fmt/format.h>

#include <cmath>
#include <optional>
#include <string>

#include "engine/import/text_source.hpp"

namespace abr {
namespace {

constexpr std::string_view kGroup = "ABR Group Header", kRecord = "Record Number";
constexpr double kVolt = 1e6;  // uV

bool recognises(std::string_view first_bytes) {
    const std::string_view start = trimmed(first_bytes.substr(0, 512));
    const std::size_t text = start.find_first_not_of("\r\n \t\xEF\xBB\xBF");
    return text != std::string_view::npos &&
           (start.substr(text).starts_with(kGroup) || start.substr(text).starts_with(kRecord));
}

class Reader {
  public:
    Reader(const std::filesystem::path& path, const ReadOptions& options, const AverageSink& sink)
        : text_(path), options_(options), sink_(sink) {}

    void read() {
        while (text_.next()) {
            const std::string_view line = trimmed(text_.line());
            double value = 0;
            if (line.empty() || line.starts_with("--")) continue;
            if (line.starts_with(kGroup)) {
                finish_group();
            } else if (const std::size_t equals = line.find('='); equals != std::string_view::npos) {
                variable(trimmed(line.substr(0, equals)), trimmed(line.substr(equals + 1)));
            } else if (const std::size_t colon = line.find(':'); colon != std::string_view::npos) {
                field(trimmed(line.substr(0, colon)), trimmed(line.substr(colon + 1)));
            } else if (record_ && leading_number(line, value)) {
                record_->samples.push_back(
                    static_cast<float>(options_.unit_uv.value_or(kVolt) * text_.number(line, "sample")));
            } else {
                text_.fail("line", fmt::format("`{}`", readable(line.substr(0, 40))),
                           "a field, a variable or a sample of a record", kExportAgain);
            }
        }
        finish_group();
        if (records_ == 0)
            text_.fail("records", "none", "`Record Number:` with its samples",
                       "select records before the export");
    }

  private:
    void field(std::string_view name, std::string_view value) {
        if (name == kRecord) {
            finish_record();
            record_.emplace();
            record_->line = text_.number();
            record_->record = readable(value);
            record_->patient = subject_;
            points_ = duration_ms_ = onset_ms_ = kUnknown;
        } else if (record_) {
            if (name == "Aqu. Duration") duration_ms_ = number(name, value);
            if (name == "Onset Delay") onset_ms_ = number(name, value);
            if (name == "No. Points") points_ = number(name, value);
            if (name == "No. Averages") record_->sweeps = number(name, value);
            if (name == "No. Artifacts") record_->rejected = number(name, value);
        } else {
            if (name == "Subject ID") subject_ = readable(value);
            if (name == "SigGen File #1") stimulus_ = readable(value);
            if (name == "Records") announced_ = number(name, value);
        }
    }

    void variable(std::string_view name, std::string_view value) {
        if (!record_) return;
        if (name == "Level") record_->level_db = number(name, value);
        if (name == "Freq")
            record_->frequency_hz = number(name, value) * (contains_ignoring_case(value, "khz") ? 1000 : 1);
        if (name == "Phase") record_->polarity = readable(value);
    }

    double number(std::string_view name, std::string_view value) const {
        double parsed = 0;
        if (leading_number(value, parsed)) return parsed;
        text_.fail(name, value.empty() ? "no value" : fmt::format("value `{}`", readable(value)), "a number",
                   kExportAgain);
    }

    void finish_record() {
        if (!record_) return;
        Average& record = *record_;
        const auto fail = [&](std::string_view field, std::string_view what, std::string_view expected,
                              std::string_view remedy = kExportAgain) {
            text_.fail(record.line, fmt::format("record {}, {}", record.record, field), what, expected,
                       remedy);
        };
        if (points_ != static_cast<double>(record.samples.size()))
            fail("samples", fmt::format("{} samples", record.samples.size()),
                 std::isnan(points_) ? "`No. Points:` before them"
                                     : fmt::format("{} as No. Points says", points_));
        if (record.samples.empty()) fail("samples", "none", "one at least");
        record.interval_ms = options_.interval_ms.value_or(duration_ms_ / points_);
        if (!(record.interval_ms > 0))
            fail("Aqu. Duration", "no duration above 0 ms", "the duration of the recording",
                 "export the file again, or give --source-interval-ms");
        if (onset_ms_ != 0 && !std::isnan(onset_ms_) && !options_.stimulus_ms)
            fail("Onset Delay", fmt::format("{} ms", onset_ms_), "0 ms",
                 "say with --stimulus-ms how long after the first sample the stimulus comes");
        record.first_ms = -options_.stimulus_ms.value_or(0);
        if (std::isnan(record.frequency_hz) && contains_ignoring_case(stimulus_, "click"))
            record.frequency_hz = 0;
        record.stimulus = stimulus_;
        ++records_;
        ++in_group_;
        sink_.add(std::move(record));
        record_.reset();
    }

    void finish_group() {
        finish_record();
        if (announced_ >= 0 && announced_ != static_cast<double>(in_group_))
            sink_.note(
                fmt::format("its header announces {} records, and it holds {}", announced_, in_group_));
        subject_.clear();
        stimulus_.clear();
        announced_ = kUnknown;
        in_group_ = 0;
    }

    TextSource text_;
    const ReadOptions& options_;
    const AverageSink& sink_;
    std::string subject_, stimulus_;
    double announced_ = kUnknown;
    std::int64_t records_ = 0, in_group_ = 0;
    std::optional<Average> record_;
    double points_ = kUnknown, duration_ms_ = kUnknown, onset_ms_ = kUnknown;
};

void read(const std::filesystem::path& path, const ReadOptions& options, const AverageSink& sink) {
    Reader(path, options, sink).read();
}

}  // namespace

const Layout kBiosigText = {"biosig-text", "TDT BioSig text", recognises, read};

}  // namespace abr
