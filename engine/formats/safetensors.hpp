// Named tensors in one file: the safetensors format (https://github.com/huggingface/safetensors).
//
//   8 bytes   length N of the header, unsigned, little-endian
//   N bytes   JSON {"__metadata__": {text: text}, name: {"dtype", "shape", "data_offsets": [begin, end]},
//   ...},
//             padded with spaces so that the data begins at a multiple of 8
//   the rest  the tensors, row-major, little-endian, one behind the other without holes
//
// The bytes are a function of names, types, shapes, values and metadata alone: tensors stand in the order of
// the reference implementation (wider types first, then by name), metadata by key.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace abr {

enum class TensorType { i64, f64, f32, u8 };  // in the order of the file

// What a tensor's elements are called in the file, and their size in bytes.
std::string_view tensor_type_name(TensorType);
std::size_t tensor_type_size(TensorType);

// A tensor to be written; the data is read by serialize_safetensors only.
struct TensorSource {
    std::string name;
    TensorType type = TensorType::f32;
    std::vector<std::int64_t> shape;  // empty = a scalar
    const void* data = nullptr;       // row-major; may be null where a dimension is 0
};

using TensorMetadata = std::map<std::string, std::string>;

// The bytes of the file. Names and metadata must be UTF-8; a name that stands twice, "__metadata__" as a
// name, or a negative dimension is a std::invalid_argument.
std::string serialize_safetensors(std::vector<TensorSource> tensors, const TensorMetadata& metadata);

// A file that was read and checked. Anything that the format does not allow (a header that is no such JSON,
// offsets with holes, overlaps or beyond the end, a shape that does not fit its bytes, another element type,
// a name that stands twice) is an InputError that names the file and what was expected.
class SafetensorsFile {
  public:
    struct Entry {
        TensorType type = TensorType::f32;
        std::vector<std::int64_t> shape;
        std::size_t begin = 0, end = 0;  // in the data section
    };

    static SafetensorsFile open(const std::filesystem::path&);
    // `name` stands for the file in messages.
    static SafetensorsFile parse(std::string bytes, std::string name);

    const std::string& name() const { return name_; }
    const TensorMetadata& metadata() const { return metadata_; }
    const std::map<std::string, Entry>& entries() const { return entries_; }
    bool contains(const std::string& tensor) const { return entries_.count(tensor) != 0; }

    // Bytes of a tensor of this type and shape; missing or otherwise: InputError. Unaligned.
    std::span<const char> bytes(const std::string& tensor, TensorType,
                                const std::vector<std::int64_t>& shape) const;
    // Values of a tensor of type F32, F64 or I64, of any shape.
    std::vector<float> floats(const std::string& tensor) const;
    std::vector<double> doubles(const std::string& tensor) const;
    std::vector<std::int64_t> integers(const std::string& tensor) const;
    // The shape, or InputError where there is no such tensor.
    const std::vector<std::int64_t>& shape(const std::string& tensor) const;
    // A metadata value, or InputError where there is none.
    const std::string& metadata_value(const std::string& key) const;

  private:
    const Entry& entry(const std::string& tensor) const;
    template <class T>
    std::vector<T> values(const std::string& tensor, TensorType) const;

    std::string name_;
    std::string bytes_;
    std::size_t data_ = 0;  // where the data section begins
    TensorMetadata metadata_;
    std::map<std::string, Entry> entries_;
};

}  // namespace abr
