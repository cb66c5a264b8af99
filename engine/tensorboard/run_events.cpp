#include "engine/tensorboard/run_events.hpp"

#include <fcntl.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/config/curriculum.hpp"
#include "engine/output/file.hpp"
#include "engine/tensorboard/confusion_image.hpp"
#include "engine/tensorboard/record.hpp"
#include "tensorboard/event.pb.h"  // made from event.proto

namespace abr {
namespace {

using tensorboard::Event;

constexpr std::int64_t kImageEvery = 5;  // epochs

// When the run began, in seconds since 1970; 0 where it is not known.
double start_time(const RecordedRun& run) {
    try {
        tm time{};
        const std::string text = run.environment.get().value("start_time", "");
        if (!strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &time)) return 0;
        return static_cast<double>(timegm(&time));
    } catch (const std::exception&) {
        return 0;
    }
}

// The tag of a column of epochs.csv, or empty.
std::string tag_of(std::string_view column) {
    const auto rest = [&](std::string_view prefix) { return std::string(column.substr(prefix.size())); };
    constexpr std::array<std::string_view, 4> kMeans = {"macro", "weighted", "micro", "macro_majority"};
    if (column == "learning_rate") return "optimizer/learning_rate";
    if (column == "grad_norm_mean") return "optimizer/grad_norm";
    if (column.starts_with("weight_")) return "curriculum/" + std::string(column);
    if (column.starts_with("train_share_")) return "ratios/train_" + rest("train_share_") + "_share";
    if (column.starts_with("train_loss_")) {
        if (column.ends_with("_min") || column.ends_with("_max")) return {};
        return column.ends_with("_std") ? "train_variance/" + rest("train_loss_") : "train/" + rest("train_");
    }
    if (column.starts_with("val_f1_") && std::ranges::find(kMeans, rest("val_f1_")) == kMeans.end())
        return "val/f1/" + rest("val_f1_");
    if (column.starts_with("val_")) return "val/" + rest("val_");
    return {};
}

void add_scalar(tensorboard::Summary& summary, const std::string& tag, double value) {
    auto* point = summary.add_value();
    point->set_tag(tag);
    point->set_simple_value(static_cast<float>(value));
}

// Shares of the validation loss by the final weights; nothing where the configuration cannot be read.
void add_validation_shares(tensorboard::Summary& summary, const RecordedRun& run, std::size_t row) {
    if (!run.has_config() || !run.epochs.has("val_loss_total")) return;
    const auto total = run.epochs.numbers("val_loss_total")[row];
    const auto weights = final_weights(run.config(row).loss, run.config(row).curriculum);
    for (const Component c : kAllComponents) {
        const std::string name(task_of(c).name);
        if (!total || !run.epochs.has("val_loss_" + name)) continue;
        const auto loss = run.epochs.numbers("val_loss_" + name)[row];
        if (loss) add_scalar(summary, "ratios/val_" + name + "_share", weights[c] * *loss / *total);
    }
}

// The validation matrix of an epoch, row-major, classes in the order of their rows.
std::optional<std::pair<std::vector<double>, std::size_t>> confusion_of(const RunTable& table, double epoch) {
    if (!table.exists()) return std::nullopt;
    const auto epochs = table.numbers("epoch"), count = table.numbers("count");
    const auto split = table.texts("split");
    std::vector<double> counts;
    for (std::size_t row = 0; row < table.rows(); ++row) {
        if (epochs[row] == epoch && split[row] == "val") counts.push_back(count[row].value_or(0));
    }
    std::size_t classes = 0;
    while (classes * classes < counts.size()) ++classes;
    if (counts.empty() || classes * classes != counts.size()) return std::nullopt;
    return std::pair(std::move(counts), classes);
}

void add_confusion(tensorboard::Summary& summary, const RunTable& table, double epoch) {
    const auto matrix = confusion_of(table, epoch);
    if (!matrix) return;
    const GreyImage image = draw_confusion(matrix->first, matrix->second);
    auto* value = summary.add_value();
    value->set_tag("confusion_matrix");
    value->mutable_image()->set_width(image.width);
    value->mutable_image()->set_height(image.height);
    value->mutable_image()->set_colorspace(1);
    value->mutable_image()->set_encoded_image_string(encode_png(image));
}

class EventFile : public RunEvents {
  public:
    EventFile(const std::filesystem::path& path, const RecordedRun& run) : time_(start_time(run)) {
        Event version;
        version.set_wall_time(time_);
        version.set_file_version("brain.Event:2");
        const std::string bytes = framed_record(version.SerializeAsString()) + new_records(run);
        write_file_atomically(path, bytes);
        file_.emplace(path, O_WRONLY | O_APPEND);
    }

    void append(const RecordedRun& run) override {
        const std::string bytes = new_records(run);
        if (bytes.empty()) return;
        file_->write(bytes);
        file_->sync();
    }

  private:
    std::string new_records(const RecordedRun& run) {
        std::string bytes;
        for (; written_ < run.epochs.rows(); ++written_) bytes += framed_record(epoch_event(run, written_));
        return bytes;
    }

    std::string epoch_event(const RecordedRun& run, std::size_t row) {
        const double epoch = run.epochs.numbers("epoch")[row].value_or(static_cast<double>(row));
        if (run.epochs.has("seconds")) time_ += run.epochs.numbers("seconds")[row].value_or(0);
        Event event;
        event.set_wall_time(time_);
        event.set_step(static_cast<std::int64_t>(epoch));
        auto& summary = *event.mutable_summary();
        for (const std::string& column : run.epochs.columns()) {
            const std::string tag = tag_of(column);
            if (tag.empty()) continue;
            if (const auto value = run.epochs.numbers(column)[row]) add_scalar(summary, tag, *value);
        }
        add_validation_shares(summary, run, row);
        if ((event.step() + 1) % kImageEvery == 0) add_confusion(summary, run.confusion_matrix, epoch);
        return event.SerializeAsString();
    }

    double time_;
    std::size_t written_ = 0;  // rows of epochs.csv
    std::optional<OutputFile> file_;
};

}  // namespace

std::unique_ptr<RunEvents> rewrite_run_events(const std::filesystem::path& run_folder,
                                              const RecordedRun& run) {
    const auto folder = run_folder / "tensorboard";
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) throw file_error("make the folder", folder, error.value());
    return std::make_unique<EventFile>(folder / "events.out.tfevents.abr_engine", run);
}

}  // namespace abr
