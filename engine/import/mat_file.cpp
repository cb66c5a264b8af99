#include "engine/import/mat_file.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>
#include <map>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include "engine/error.hpp"
#include "engine/import/text_source.hpp"
#include "engine/input/table_message.hpp"
#include "engine/output/csv.hpp"
#include "kernels/components.hpp"

static_assert(std::endian::native == std::endian::little, "only little-endian MAT-files are read");

namespace abr {
namespace {

constexpr std::string_view kLevel5 = "MATLAB 5.0 MAT-file", kLevel73 = "MATLAB 7.3 MAT-file";
constexpr std::string_view kExpected = "a MAT-file of MATLAB's level 5";
constexpr std::size_t kHeader = 128, kEndian = 126;
constexpr std::uintmax_t kLargestFile = std::uintmax_t{1} << 33;
constexpr std::int64_t kMostElements = std::int64_t{1} << 31;

// Types of data elements and classes of arrays (tables 1-1 and 1-3).
enum Type : std::uint32_t {
    kInt8 = 1,
    kUint8,
    kInt16,
    kUint16,
    kInt32,
    kUint32,
    kSingle,
    kDouble = 9,
    kInt64 = 12,
    kUint64,
    kMatrix,
    kCompressed,
    kUtf8,
    kUtf16
};
enum Class : std::uint32_t {
    kCellClass = 1,
    kCharClass = 4,
    kFirstNumber = 6,
    kLastNumber = 15,
    kOpaque = 17
};
constexpr std::uint32_t kComplex = 0x0800;

bool recognises(std::string_view first_bytes) {
    return first_bytes.starts_with(kLevel5) || first_bytes.starts_with(kLevel73);
}

struct Damaged {};  // sizes that do not fit

struct Element {
    std::uint32_t type = 0;
    std::string_view data;
};

std::uint32_t word(std::string_view bytes, std::size_t at) {
    std::uint32_t value = 0;
    if (at + sizeof value > bytes.size()) throw Damaged{};
    std::memcpy(&value, bytes.data() + at, sizeof value);
    return value;
}

// Takes the first element off `bytes`.
Element take_element(std::string_view& bytes) {
    const std::uint32_t first = word(bytes, 0);
    Element element{first & 0xFFFFU, {}};
    const std::size_t small = first >> 16;  // of the short form, in which four bytes at most follow
    const std::size_t size = small > 0 ? small : word(bytes, 4), begin = small > 0 ? 4 : 8;
    if (small > 4 || size > bytes.size() - begin) throw Damaged{};
    element.data = bytes.substr(begin, size);
    const std::size_t padded = element.type == kCompressed ? begin + size : (begin + size + 7) / 8 * 8;
    bytes.remove_prefix(std::min(padded, bytes.size()));
    return element;
}

struct Variable {
    std::string name;
    std::uint32_t array_class = 0, flags = 0;
    std::vector<std::int64_t> shape;
    std::string_view rest;  // the elements behind the name

    std::int64_t size() const {
        std::int64_t elements = 1;
        for (const std::int64_t d : shape) elements *= d;
        return elements;
    }
    bool is_number() const { return array_class >= kFirstNumber && array_class <= kLastNumber; }
};

Variable parse_matrix(std::string_view bytes) {
    Variable variable;
    variable.flags = word(take_element(bytes).data, 0);
    variable.array_class = variable.flags & 0xFFU;
    if (variable.array_class == kOpaque) {  // strings, tables, dates: the rest is not documented
        variable.name = readable(take_element(bytes).data);
        return variable;
    }
    const Element shape = take_element(bytes), name = take_element(bytes);
    if (shape.type != kInt32 || shape.data.size() < 8) throw Damaged{};
    std::int64_t elements = 1;
    for (std::size_t at = 0; at + 4 <= shape.data.size(); at += 4) {
        const auto d = static_cast<std::int32_t>(word(shape.data, at));
        if (d < 0 || (d > 0 && elements > kMostElements / d)) throw Damaged{};
        elements *= d;
        variable.shape.push_back(d);
    }
    variable.name = readable(name.data);
    variable.rest = bytes;
    return variable;
}

template <class Stored, class Take>
void each_number(std::string_view bytes, const Take& take) {
    for (std::size_t at = 0; at + sizeof(Stored) <= bytes.size(); at += sizeof(Stored)) {
        Stored value;
        std::memcpy(&value, bytes.data() + at, sizeof value);
        take(static_cast<double>(value));
    }
}

// Hands on the elements in the order in which they are stored, by columns. Small integers stand for numbers of any class.
template <class Take>
void each_number(const Element& element, const Take& take) {
    switch (element.type) {
        case kInt8:
            return each_number<std::int8_t>(element.data, take);
        case kUint8:
        case kUtf8:
            return each_number<std::uint8_t>(element.data, take);
        case kInt16:
            return each_number<std::int16_t>(element.data, take);
        case kUint16:
        case kUtf16:
            return each_number<std::uint16_t>(element.data, take);
        case kInt32:
            return each_number<std::int32_t>(element.data, take);
        case kUint32:
            return each_number<std::uint32_t>(element.data, take);
        case kSingle:
            return each_number<float>(element.data, take);
        case kDouble:
            return each_number<double>(element.data, take);
        case kInt64:
            return each_number<std::int64_t>(element.data, take);
        case kUint64:
            return each_number<std::uint64_t>(element.data, take);
        default:
            throw Damaged{};
    }
}

std::vector<double> numbers_of(const Variable& variable) {
    std::string_view bytes = variable.rest;
    std::vector<double> numbers;
    each_number(take_element(bytes), [&](double value) { numbers.push_back(value); });
    if (static_cast<std::int64_t>(numbers.size()) != variable.size()) throw Damaged{};
    return numbers;
}

void append_utf8(std::string& text, std::uint32_t code) {
    const auto put = [&](std::uint32_t byte) { text += static_cast<char>(byte); };
    if (code < 0x80U) return put(code);
    if (code < 0x800U) {
        put(0xC0U | code >> 6);
    } else {
        put(0xE0U | code >> 12);
        put(0x80U | (code >> 6 & 0x3FU));
    }
    put(0x80U | (code & 0x3FU));
}

// The rows of an array of characters, trimmed.
std::vector<std::string> rows_of_text(const Variable& variable) {
    std::string_view bytes = variable.rest;
    if (variable.size() == 0) return {};
    const Element element = take_element(bytes);
    const auto rows = static_cast<std::size_t>(variable.shape[0]);
    if (element.type == kUtf8 && rows == 1) return {readable(trimmed(element.data))};
    std::vector<std::uint32_t> codes;
    each_number(element, [&](double value) {
        codes.push_back(static_cast<std::uint32_t>(std::max(value, 0.0)) & 0xFFFFU);
    });
    if (static_cast<std::int64_t>(codes.size()) != variable.size()) throw Damaged{};
    std::vector<std::string> texts(rows);
    for (std::size_t i = 0; i < codes.size(); ++i) append_utf8(texts[i % rows], codes[i]);
    for (std::string& text : texts) text = readable(trimmed(text));
    return texts;
}

// One text for each element, or for each row of characters; nothing where the variable is none of these.
std::vector<std::string> texts_of(const Variable& variable) {
    std::vector<std::string> texts;
    if (variable.array_class == kCharClass) return rows_of_text(variable);
    if (variable.is_number()) {
        for (const double value : numbers_of(variable))
            texts.push_back(std::isnan(value) ? std::string() : shortest_number(value));
        return texts;
    }
    if (variable.array_class != kCellClass) return texts;
    std::string_view bytes = variable.rest;
    for (std::int64_t i = 0; i < variable.size(); ++i) {
        const Element element = take_element(bytes);
        if (element.type != kMatrix) throw Damaged{};
        if (element.data.empty()) {  // a cell that was never written
            texts.emplace_back();
            continue;
        }
        const Variable cell = parse_matrix(element.data);
        if (cell.size() == 0) {
            texts.emplace_back();
        } else if (cell.array_class == kCharClass && cell.shape[0] == 1) {
            texts.push_back(rows_of_text(cell).front());
        } else if (cell.is_number() && cell.size() == 1) {
            texts.push_back(shortest_number(numbers_of(cell).front()));
        } else {
            return {};
        }
    }
    return texts;
}

// The one element that a compressed one holds; its own tag says how large it is.
std::string inflated(std::string_view compressed) {
    constexpr std::size_t kTag = 8, kDeflateRatio = 1032;  // no deflate stream expands further
    z_stream stream{};
    if (inflateInit(&stream) != Z_OK) throw std::bad_alloc();
    std::string out(kTag, '\0');
    std::size_t written = 0;
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
    stream.avail_in = static_cast<uInt>(compressed.size());  // an element has 32 bits of size
    int status = Z_OK;
    const auto fill = [&] {
        while (status == Z_OK && written < out.size()) {
            const std::size_t piece = std::min(out.size() - written, std::size_t{1} << 30);
            stream.next_out = reinterpret_cast<Bytef*>(out.data() + written);
            stream.avail_out = static_cast<uInt>(piece);
            status = inflate(&stream, Z_NO_FLUSH);
            written += piece - stream.avail_out;
            if (stream.avail_in == 0 && stream.avail_out > 0) break;
        }
    };
    fill();
    std::uint32_t size = 0;
    std::memcpy(&size, out.data() + 4, sizeof size);
    const bool plausible = written == kTag && size / kDeflateRatio <= compressed.size();
    if (plausible) {
        out.resize(kTag + size);
        fill();
    }
    inflateEnd(&stream);
    if (!plausible || written != out.size()) throw Damaged{};
    return out;
}

class Reader {
  public:
    Reader(const std::filesystem::path& path, const ReadOptions& options, const AverageSink& sink)
        : path_(path), options_(options), sink_(sink) {}

    void read() {
        const std::string bytes = read_bytes();
        try {
            std::string_view rest = std::string_view(bytes).substr(kHeader);
            while (rest.size() >= 8) {
                const Element element = take_element(rest);
                if (element.type == kMatrix) take_variable(element.data);
                if (element.type != kCompressed) continue;
                const std::string matrix = inflated(element.data);
                std::string_view inner = matrix;
                const Element plain = take_element(inner);
                if (plain.type == kMatrix) take_variable(plain.data);
            }
        } catch (const Damaged&) {
            throw refuse("damaged, or cut off", "save it again");
        }
        hand_on();
    }

  private:
    InputError refuse(const std::string& what, std::string_view remedy) const {
        return InputError(file_message(path_, what, kExpected, remedy));
    }
    InputError refuse(const std::string& name, const std::string& what, const std::string& expected,
                      std::string_view remedy) const {
        return InputError(fmt::format("{}: variable {}: {}: expected {}; {}", path_.string(),
                                      quoted_value(name), what, expected, remedy));
    }

    std::string read_bytes() const {
        std::error_code error;
        const std::uintmax_t size = std::filesystem::file_size(path_, error);
        if (error || size > kLargestFile)
            throw refuse(error ? "cannot be read" : "more than 8 GiB", "check the file");
        std::string bytes(size, '\0');
        std::ifstream file(path_, std::ios::binary);
        if (!file.read(bytes.data(), static_cast<std::streamsize>(size)))
            throw refuse("cannot be read", "check the file and its permissions");
        if (bytes.starts_with(kLevel73))
            throw refuse("level 7.3, which is HDF5", "save it with save('file.mat', ..., '-v7')");
        if (!bytes.starts_with(kLevel5) || size < kHeader)
            throw refuse("no such header", "name its layout with --format");
        if (bytes.compare(kEndian, 2, "IM") != 0)
            throw refuse("big-endian, or another level", "save it on a little-endian machine with '-v7'");
        return bytes;
    }

    void take_variable(std::string_view bytes) {
        const Variable variable = parse_matrix(bytes);
        const bool is_signal = variable.name == "signal";
        if (is_signal &&
            (!variable.is_number() || (variable.flags & kComplex) != 0 || variable.shape.size() != 2))
            throw refuse("signal", "no matrix of real numbers", "(recordings, samples)",
                         "save one row of samples for each recording");
        if (is_signal) return take_signal(variable);
        if (variable.name.empty()) return;  // MATLAB's own, of the objects in the file
        const bool is_flat = variable.shape.size() == 2;
        const bool is_vector = is_flat && std::ranges::min(variable.shape) <= 1;
        const bool is_real = (variable.flags & kComplex) == 0;
        if (!is_real || !(is_vector || (is_flat && variable.array_class == kCharClass))) {
            if (is_column(variable.name))
                throw refuse(variable.name, "no vector of real numbers or texts",
                             "one value for each recording",
                             "save a vector; cellstr() makes cells of strings");
            return;
        }
        std::vector<std::string> texts = texts_of(variable);
        if (texts.empty() && variable.size() > 0)
            sink_.note(
                fmt::format("variable {} holds neither numbers nor cells of text and was left out; cellstr() "
                            "makes cells of strings",
                            quoted_value(variable.name)));
        else
            columns_[variable.name] = std::move(texts);
    }

    // By columns in the file, by rows here.
    void take_signal(const Variable& variable) {
        if (variable.size() == 0) return;
        std::string_view bytes = variable.rest;
        const Element element = take_element(bytes);
        // No type has less than a byte: the shape of a damaged file must not choose what is allocated.
        if (variable.size() > static_cast<std::int64_t>(element.data.size())) throw Damaged{};
        const auto rows = static_cast<std::size_t>(variable.shape[0]);
        signal_.assign(rows, {});
        for (std::vector<float>& row : signal_) row.reserve(static_cast<std::size_t>(variable.shape[1]));
        const double scale = options_.unit_uv.value_or(1);
        std::int64_t count = 0;
        std::size_t row = 0;
        each_number(element, [&](double value) {
            if (++count > variable.size()) throw Damaged{};
            signal_[row].push_back(static_cast<float>(scale * value));
            row = row + 1 == rows ? 0 : row + 1;
        });
        if (count != variable.size()) throw Damaged{};
    }

    // The only number of a variable; nothing where there is no such variable.
    std::optional<double> single(const std::string& name) {
        const auto found = columns_.find(name);
        if (found == columns_.end()) return std::nullopt;
        double value = 0;
        if (found->second.size() != 1 || !leading_number(found->second.front(), value))
            throw refuse(name, fmt::format("{} values", found->second.size()), "one number",
                         "save recordings of one interval to a file, or resample them");
        columns_.erase(found);
        return value;
    }

    void hand_on() {
        if (signal_.empty() || signal_.front().empty())
            throw refuse("signal", "missing or empty", "a matrix (recordings, samples) of this name",
                         "name your variables as docs/import.md says");
        const std::optional<double> interval = single("sample_interval_ms"),
                                    first = single("first_sample_ms");
        const double interval_ms = options_.interval_ms.value_or(interval.value_or(0));
        if (!(interval_ms > 0))
            throw refuse("sample_interval_ms", "missing, or not above 0",
                         "the time between two samples in ms", "save it, or give --source-interval-ms");
        for (const auto& [name, texts] : columns_)
            if (texts.size() != signal_.size() && is_column(name))
                throw refuse(
                    name, fmt::format("{} values", texts.size()),
                    fmt::format("{}, one for each row of signal", signal_.size()),
                    "save one value for each recording; signal has a row for each (signal.' transposes)");
        for (std::size_t r = 0; r < signal_.size(); ++r) {
            Average average;
            average.samples = std::move(signal_[r]);
            average.interval_ms = interval_ms;
            average.first_ms = options_.stimulus_ms ? -*options_.stimulus_ms : first.value_or(0);
            average.record = std::to_string(r + 1);
            for (const auto& [name, texts] : columns_) {
                if (texts.size() != signal_.size()) continue;
                if (name == "patient_id")
                    average.patient = texts[r];
                else if (name == "ear")
                    average.ear = ear_of(texts[r]);
                else
                    average.others.emplace_back(name, texts[r]);
            }
            sink_.add(std::move(average));
        }
    }

    // Names that must have one value for each recording; others may be of anything else.
    static bool is_column(std::string_view name) {
        constexpr std::string_view kColumns[] = {"patient_id", "ear",     "intensity_db",
                                                 "age_years",  "rate_hz", "fmp"};
        return std::ranges::find(kColumns, name) != std::end(kColumns) ||
               std::ranges::any_of(kTasks, [&](const Task& task) { return task.label_column == name; });
    }

    std::filesystem::path path_;
    const ReadOptions& options_;
    const AverageSink& sink_;
    std::vector<std::vector<float>> signal_;
    std::map<std::string, std::vector<std::string>> columns_;
};

void read(const std::filesystem::path& path, const ReadOptions& options, const AverageSink& sink) {
    Reader(path, options, sink).read();
}

}  // namespace

const Layout kMatFile = {"matlab", "MATLAB .mat (-v7)", recognises, read};

}  // namespace abr
