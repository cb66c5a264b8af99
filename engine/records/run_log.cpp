#include "engine/records/run_log.hpp"

#include <charconv>
#include <utility>

#include "engine/error.hpp"

namespace abr {
namespace {

std::vector<std::string> step_columns(const PerComponent<bool>& present) {
    std::vector<std::string> columns = {"epoch", "step", "learning_rate", "grad_norm", "loss_total"};
    for (const Component c : kAllComponents)
        if (has_columns(c, present)) columns.push_back("loss_" + std::string(task_of(c).name));
    return columns;
}

const std::vector<std::string> kReportColumns = {"epoch",  "split", "class",   "precision",
                                                 "recall", "f1",    "support", "predicted"};
const std::vector<std::string> kConfusionColumns = {"epoch", "split", "true_class", "predicted_class",
                                                    "count"};

std::int64_t integer_cell(const std::string& cell) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
    if (error != std::errc{} || end != cell.data() + cell.size()) {
        throw RunError("cannot go on with the CSV files of the run: '" + cell +
                       "' is no epoch or step number");
    }
    return value;
}

// Which rows stay. At the very beginning of a run none do, and the files are begun anew.
KeepRow earlier_steps(const ResumePoint& resume) {
    if (resume.steps == 0) return nullptr;
    return [end = resume.steps](auto cells) { return integer_cell(cells[1]) < end; };
}

KeepRow earlier_epochs(const ResumePoint& resume) {
    if (resume.steps == 0) return nullptr;
    return [end = resume.epochs](auto cells) { return integer_cell(cells[0]) < end; };
}

// The test split is evaluated when a run ends; a run that goes on will do so again.
KeepRow earlier_validation(const ResumePoint& resume) {
    if (resume.steps == 0) return nullptr;
    return [end = resume.epochs](auto cells) { return integer_cell(cells[0]) < end && cells[1] != "test"; };
}

}  // namespace

RunLog::RunLog(const RunFolder& folder, std::vector<std::string> class_names, const RunColumns& columns,
               const ResumePoint& resume)
    : class_names_(std::move(class_names)),
      columns_(columns),
      steps_(folder.file("steps.csv"), csv_header(step_columns(columns.present)), earlier_steps(resume)),
      epochs_(folder.file("epochs.csv"), csv_header(epoch_columns(class_names_, columns)),
              earlier_epochs(resume)),
      report_(folder.file("classification_report.csv"), csv_header(kReportColumns),
              earlier_validation(resume)),
      confusion_(folder.file("confusion_matrix.csv"), csv_header(kConfusionColumns),
                 earlier_validation(resume)) {}

void RunLog::step(std::int64_t epoch, const StepRecord& record) {
    CsvRow row;
    row.integer(epoch).integer(record.step);
    row.number(record.learning_rate).number(record.grad_norm).number(record.loss_total);
    for (const Component c : kAllComponents)
        if (has_columns(c, columns_.present))
            row.number(columns_.present[c] ? std::optional(record.loss[c]) : std::nullopt);
    steps_.append(row);
}

void RunLog::epoch(const EpochRecord& record) {
    epochs_.append(epoch_row(record, class_names_, columns_));
}

void RunLog::classification(std::int64_t epoch, std::string_view split, const ConfusionMatrix& confusion) {
    const ClassificationReport report = classification_report(confusion);
    for (std::size_t c = 0; c < report.classes.size(); ++c) {
        const ClassScores& scores = report.classes[c];
        CsvRow row;
        row.integer(epoch).text(split).text(class_names_.at(c));
        row.number(scores.precision).number(scores.recall).number(scores.f1);
        row.integer(scores.support).integer(scores.predicted);
        report_.append(row);
    }
    if (report.classes.empty()) return;
    for (Index t = 0; t < confusion.classes(); ++t) {
        for (Index p = 0; p < confusion.classes(); ++p) {
            CsvRow row;
            row.integer(epoch).text(split);
            row.text(class_names_.at(static_cast<std::size_t>(t)));
            row.text(class_names_.at(static_cast<std::size_t>(p)));
            row.integer(confusion.count(t, p));
            confusion_.append(row);
        }
    }
}

void RunLog::flush() {
    for (CsvWriter* file : {&steps_, &epochs_, &report_, &confusion_}) file->flush();
}

}  // namespace abr
