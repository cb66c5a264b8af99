#include "engine/formats/safetensors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "engine/error.hpp"

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

namespace abr {
namespace {

constexpr std::string_view kMetadataKey = "__metadata__";
constexpr std::size_t kLengthBytes = 8;
constexpr std::size_t kAlignment = 8;
constexpr std::uint64_t kLargestHeader = 100'000'000;  // the reference implementation's limit

struct TypeRow {
    TensorType type;
    std::string_view name;
    std::size_t size;
};
constexpr TypeRow kTypes[] = {{TensorType::i64, "I64", 8},
                              {TensorType::f64, "F64", 8},
                              {TensorType::f32, "F32", 4},
                              {TensorType::u8, "U8", 1}};

const TypeRow& type_row(TensorType type) {
    return kTypes[static_cast<std::size_t>(type)];
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
    return fmt::format("[{}]", fmt::join(shape, ", "));
}

// The product of the dimensions times the element size, or no value where it does not fit.
bool byte_count(const std::vector<std::int64_t>& shape, std::size_t element, std::size_t& bytes) {
    bytes = element;
    for (const std::int64_t dimension : shape)
        if (dimension < 0 || __builtin_mul_overflow(bytes, static_cast<std::size_t>(dimension), &bytes))
            return false;
    return true;
}

}  // namespace

std::string_view tensor_type_name(TensorType type) {
    return type_row(type).name;
}
std::size_t tensor_type_size(TensorType type) {
    return type_row(type).size;
}

std::string serialize_safetensors(std::vector<TensorSource> tensors, const TensorMetadata& metadata) {
    std::sort(tensors.begin(), tensors.end(), [](const TensorSource& a, const TensorSource& b) {
        return a.type != b.type ? a.type < b.type : a.name < b.name;
    });
    std::set<std::string_view> names;
    std::vector<std::size_t> sizes;
    std::string header = "{";
    if (!metadata.empty()) header += fmt::format("\"{}\":{}", kMetadataKey, nlohmann::json(metadata).dump());
    std::size_t offset = 0;
    for (const TensorSource& tensor : tensors) {
        std::size_t size = 0;
        if (!byte_count(tensor.shape, tensor_type_size(tensor.type), size))
            throw std::invalid_argument("tensor '" + tensor.name + "': shape " + shape_text(tensor.shape));
        if (tensor.name == kMetadataKey || !names.insert(tensor.name).second)
            throw std::invalid_argument("tensor name '" + tensor.name + "' is reserved or stands twice");
        if (header.size() > 1) header += ',';
        header += nlohmann::json(tensor.name).dump();
        header +=
            fmt::format(":{{\"dtype\":\"{}\",\"shape\":[{}],\"data_offsets\":[{},{}]}}",
                        tensor_type_name(tensor.type), fmt::join(tensor.shape, ","), offset, offset + size);
        sizes.push_back(size);
        offset += size;
    }
    header += '}';
    header.resize((header.size() + kAlignment - 1) / kAlignment * kAlignment, ' ');

    std::string file(kLengthBytes, '\0');
    const std::uint64_t length = header.size();
    std::memcpy(file.data(), &length, kLengthBytes);
    file.reserve(kLengthBytes + header.size() + offset);
    file += header;
    for (std::size_t i = 0; i < tensors.size(); ++i)
        if (sizes[i] > 0) file.append(static_cast<const char*>(tensors[i].data), sizes[i]);
    return file;
}

namespace {

using nlohmann::json;

// The header as JSON, with what a DOM would hide refused: deep nesting and keys that stand twice.
json parse_header(std::string_view text, const std::string& file) {
    std::set<std::string> keys[2];  // of the file's object, of the innermost object
    const auto callback = [&](int depth, json::parse_event_t event, json& value) {
        if (depth > 3)
            throw InputError(file + ": the safetensors header is nested deeper than the format allows");
        if (event == json::parse_event_t::object_start && depth <= 1) keys[depth].clear();
        if (event == json::parse_event_t::key && depth <= 2 &&
            !keys[depth - 1].insert(value.get<std::string>()).second)
            throw InputError(fmt::format("{}: '{}' stands twice in the safetensors header", file,
                                         value.get<std::string>()));
        return true;
    };
    try {
        return json::parse(text, callback);
    } catch (const json::exception& error) {
        throw InputError(
            fmt::format("{}: the safetensors header is not valid JSON ({})", file, error.what()));
    }
}

// A list of non-negative integers below 2^63.
bool read_list(const json& value, std::vector<std::int64_t>& list) {
    if (!value.is_array()) return false;
    for (const json& item : value) {
        if (!item.is_number_unsigned() || item.get<std::uint64_t>() > std::uint64_t{INT64_MAX}) return false;
        list.push_back(item.get<std::int64_t>());
    }
    return true;
}

SafetensorsFile::Entry read_entry(const json& value, const std::string& where) {
    SafetensorsFile::Entry entry;
    if (!value.is_object() || !value.contains("dtype") || !value.contains("shape") ||
        !value.contains("data_offsets") || value.size() != 3)
        throw InputError(where + ": expected an object of dtype, shape and data_offsets");
    const json& type = value["dtype"];
    const auto row = std::find_if(std::begin(kTypes), std::end(kTypes),
                                  [&](const TypeRow& r) { return type.is_string() && type == r.name; });
    if (row == std::end(kTypes))
        throw InputError(
            fmt::format("{}: element type {} (expected F32, F64, I64 or U8)", where, type.dump()));
    entry.type = row->type;

    std::vector<std::int64_t> offsets;
    if (!read_list(value["shape"], entry.shape) || !read_list(value["data_offsets"], offsets) ||
        offsets.size() != 2)
        throw InputError(where +
                         ": shape and data_offsets must be lists of integers >= 0, data_offsets of two");
    entry.begin = static_cast<std::size_t>(offsets[0]);
    entry.end = static_cast<std::size_t>(offsets[1]);
    std::size_t bytes = 0;
    if (!byte_count(entry.shape, row->size, bytes) || entry.end < entry.begin ||
        entry.end - entry.begin != bytes)
        throw InputError(fmt::format("{}: data_offsets {} to {} do not hold shape {} of {}", where,
                                     entry.begin, entry.end, shape_text(entry.shape), row->name));
    return entry;
}

}  // namespace

SafetensorsFile SafetensorsFile::open(const std::filesystem::path& path) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error))
        throw InputError(path.string() + ": expected a safetensors file, found " +
                         (std::filesystem::is_directory(path, error) ? "a folder" : "none"));
    std::ifstream stream(path, std::ios::binary);
    std::string bytes(std::filesystem::file_size(path), '\0');
    if (!stream.read(bytes.data(), static_cast<std::streamsize>(bytes.size())))
        throw InputError(path.string() + ": cannot be read");
    return parse(std::move(bytes), path.string());
}

SafetensorsFile SafetensorsFile::parse(std::string bytes, std::string name) {
    SafetensorsFile file;
    file.name_ = std::move(name);
    file.bytes_ = std::move(bytes);
    const std::string& where = file.name_;

    if (file.bytes_.size() < kLengthBytes)
        throw InputError(
            fmt::format("{}: {} bytes are too few for a safetensors file", where, file.bytes_.size()));
    std::uint64_t length = 0;
    std::memcpy(&length, file.bytes_.data(), kLengthBytes);
    if (length > kLargestHeader || length > file.bytes_.size() - kLengthBytes)
        throw InputError(
            fmt::format("{}: not a safetensors file, or truncated: the header would have {} bytes, the "
                        "file has {}",
                        where, length, file.bytes_.size()));
    file.data_ = kLengthBytes + length;
    const json header = parse_header(std::string_view(file.bytes_).substr(kLengthBytes, length), where);
    if (!header.is_object()) throw InputError(where + ": the safetensors header must be a JSON object");

    for (const auto& [key, value] : header.items()) {
        if (key != kMetadataKey) {
            file.entries_.emplace(key, read_entry(value, fmt::format("{}: tensor '{}'", where, key)));
            continue;
        }
        if (!value.is_object()) throw InputError(where + ": __metadata__ must be an object of strings");
        for (const auto& [text, content] : value.items()) {
            if (!content.is_string())
                throw InputError(fmt::format("{}: metadata '{}' must be a string", where, text));
            file.metadata_.emplace(text, content.get<std::string>());
        }
    }

    // Together the tensors must cover the data section, each byte once.
    std::vector<const std::pair<const std::string, Entry>*> order;
    for (const auto& item : file.entries_) order.push_back(&item);
    std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
        return std::pair(a->second.begin, a->second.end) < std::pair(b->second.begin, b->second.end);
    });
    std::size_t covered = 0;
    for (const auto* item : order) {
        if (item->second.begin != covered)
            throw InputError(fmt::format(
                "{}: tensor '{}' begins at byte {} of the data, expected {} (no holes, no overlap)", where,
                item->first, item->second.begin, covered));
        covered = item->second.end;
    }
    if (const std::size_t present = file.bytes_.size() - file.data_; covered != present)
        throw InputError(fmt::format("{}: the header describes {} bytes of data, the file holds {}", where,
                                     covered, present));
    return file;
}

const SafetensorsFile::Entry& SafetensorsFile::entry(const std::string& tensor) const {
    const auto found = entries_.find(tensor);
    if (found == entries_.end()) throw InputError(fmt::format("{}: there is no tensor '{}'", name_, tensor));
    return found->second;
}

std::span<const char> SafetensorsFile::bytes(const std::string& tensor, TensorType type,
                                             const std::vector<std::int64_t>& shape) const {
    const Entry& found = entry(tensor);
    if (found.type != type || found.shape != shape)
        throw InputError(fmt::format("{}: tensor '{}' is {} {}, expected {} {}", name_, tensor,
                                     tensor_type_name(found.type), shape_text(found.shape),
                                     tensor_type_name(type), shape_text(shape)));
    return std::span(bytes_).subspan(data_ + found.begin, found.end - found.begin);
}

template <class T>
std::vector<T> SafetensorsFile::values(const std::string& tensor, TensorType type) const {
    const std::span<const char> data = bytes(tensor, type, entry(tensor).shape);
    std::vector<T> values(data.size() / sizeof(T));
    if (!values.empty()) std::memcpy(values.data(), data.data(), data.size());
    return values;
}

std::vector<float> SafetensorsFile::floats(const std::string& tensor) const {
    return values<float>(tensor, TensorType::f32);
}
std::vector<double> SafetensorsFile::doubles(const std::string& tensor) const {
    return values<double>(tensor, TensorType::f64);
}
std::vector<std::int64_t> SafetensorsFile::integers(const std::string& tensor) const {
    return values<std::int64_t>(tensor, TensorType::i64);
}

const std::vector<std::int64_t>& SafetensorsFile::shape(const std::string& tensor) const {
    return entry(tensor).shape;
}

const std::string& SafetensorsFile::metadata_value(const std::string& key) const {
    const auto found = metadata_.find(key);
    if (found == metadata_.end()) throw InputError(fmt::format("{}: there is no metadata '{}'", name_, key));
    return found->second;
}

}  // namespace abr
