#include "engine/formats/npy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <string_view>

#include "engine/error.hpp"

namespace abr {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kMagic = "\x93NUMPY"sv;
constexpr std::size_t kLargestDimensions = 32;  // NumPy's own limit before version 2

struct Header {
    std::string type;
    bool fortran_order = false;
    std::vector<std::int64_t> shape;
};

// The header is the literal of a Python dictionary with exactly these three keys:
//   {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
class HeaderParser {
  public:
    HeaderParser(std::string_view text, const std::string& name) : text_(text), name_(name) {}

    Header parse() {
        Header header;
        bool has_type = false, has_order = false, has_shape = false;
        expect('{');
        while (!accept('}')) {
            const std::string_view key = quoted();
            expect(':');
            if (key == "descr" && !has_type) {
                has_type = true;
                if (peek() == '[' || peek() == '(')
                    throw InputError(
                        name_ + ": structured arrays are not read; save each field as an array of its own");
                header.type = quoted();
            } else if (key == "fortran_order" && !has_order) {
                has_order = true;
                header.fortran_order = boolean();
            } else if (key == "shape" && !has_shape) {
                has_shape = true;
                header.shape = tuple();
            } else {
                fail();
            }
            if (!accept(',') && peek() != '}') fail();
        }
        if (peek() != '\0' || !has_type || !has_order || !has_shape) fail();
        return header;
    }

  private:
    [[noreturn]] void fail() const {
        throw InputError(name_ + ": damaged .npy header; write the file with numpy.savez");
    }
    // The next character that is no white space, '\0' at the end.
    char peek() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
        return at_ < text_.size() ? text_[at_] : '\0';
    }
    bool accept(char c) {
        if (peek() != c) return false;
        ++at_;
        return true;
    }
    void expect(char c) {
        if (!accept(c)) fail();
    }
    std::string_view quoted() {
        const char quote = peek();
        if (quote != '\'' && quote != '"') fail();
        const std::size_t begin = at_ + 1, end = text_.find(quote, begin);
        if (end == std::string_view::npos) fail();
        at_ = end + 1;
        return text_.substr(begin, end - begin);
    }
    bool boolean() {
        peek();
        for (const auto& [word, value] : {std::pair("True"sv, true), std::pair("False"sv, false)})
            if (text_.substr(at_).starts_with(word)) {
                at_ += word.size();
                return value;
            }
        fail();
    }
    std::vector<std::int64_t> tuple() {
        std::vector<std::int64_t> values;
        expect('(');
        while (!accept(')')) {
            peek();
            std::int64_t value = -1;
            const char* first = text_.data() + at_;
            const auto [end, error] = std::from_chars(first, text_.data() + text_.size(), value);
            if (error != std::errc() || value < 0 || values.size() == kLargestDimensions) fail();
            at_ += static_cast<std::size_t>(end - first);
            values.push_back(value);
            if (!accept(',') && peek() != ')') fail();
        }
        return values;
    }

    std::string_view text_;
    const std::string& name_;
    std::size_t at_ = 0;
};

// Kind and item size of a dtype such as "<f4".
void set_type(const std::string& type, NpyArray& array) {
    const auto fail = [&](std::string_view remedy) {
        return InputError(fmt::format("{}: arrays of dtype '{}' are not read; {}", array.name, type, remedy));
    };
    if (type.size() < 2) throw fail("write the file with numpy.savez");
    const char order = type[0];
    array.kind = type[1];
    if (array.kind == 'O')
        throw fail("they hold pickled Python objects: convert to text with .astype(str) or to a number type");
    std::int64_t count = 0;
    const char* last = type.data() + type.size();
    const auto [end, error] = std::from_chars(type.data() + 2, last, count);
    if (error != std::errc() || end != last || count < 1 || count > std::numeric_limits<std::int32_t>::max())
        throw fail("convert it to float32, int64 or text");
    array.item_size = array.kind == 'U' ? 4 * count : count;
    const auto is_one_of = [&](std::initializer_list<std::int64_t> sizes) {
        return std::find(sizes.begin(), sizes.end(), count) != sizes.end();
    };
    const bool known = array.kind == 'f'                        ? is_one_of({4, 8})
                       : array.kind == 'i' || array.kind == 'u' ? is_one_of({1, 2, 4, 8})
                       : array.kind == 'b'                      ? is_one_of({1})
                                                                : array.kind == 'U' || array.kind == 'S';
    if (!known) throw fail("convert it to float32, int64 or text");
    if (order == '>') throw fail("it is big-endian: convert with .astype(dtype.newbyteorder('<'))");
    if (order != '<' && order != '|') throw fail("convert it to float32, int64 or text");
}

// Elements in C order from elements in Fortran order.
std::string to_c_order(const std::string& bytes, const NpyArray& array) {
    const auto item = static_cast<std::size_t>(array.item_size);
    std::vector<std::size_t> stride(array.shape.size()), place(array.shape.size(), 0);
    std::size_t step = item;
    for (std::size_t d = 0; d < array.shape.size(); ++d) {
        stride[d] = step;
        step *= static_cast<std::size_t>(array.shape[d]);
    }
    std::string out;
    out.reserve(bytes.size());
    std::size_t from = 0;
    while (out.size() < bytes.size()) {
        out.append(bytes, from, item);
        for (std::size_t d = array.shape.size(); d-- > 0;) {
            from += stride[d];
            if (++place[d] < static_cast<std::size_t>(array.shape[d])) break;
            from -= stride[d] * place[d];
            place[d] = 0;
        }
    }
    return out;
}

std::optional<std::string> utf8(std::span<const char> utf32) {
    std::string text;
    std::size_t length = 0;  // up to the last character that is not 0
    for (std::size_t at = 0; at < utf32.size(); at += 4) {
        std::uint32_t c = 0;
        std::memcpy(&c, utf32.data() + at, 4);
        if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) return std::nullopt;
        const auto tail = [&](int shift) { text += static_cast<char>(0x80 | (c >> shift & 0x3F)); };
        if (c < 0x80) {
            text += static_cast<char>(c);
        } else if (c < 0x800) {
            text += static_cast<char>(0xC0 | c >> 6);
            tail(0);
        } else if (c < 0x10000) {
            text += static_cast<char>(0xE0 | c >> 12);
            tail(6);
            tail(0);
        } else {
            text += static_cast<char>(0xF0 | c >> 18);
            tail(12);
            tail(6);
            tail(0);
        }
        if (c != 0) length = text.size();
    }
    text.resize(length);
    return text;
}

template <class From, class To>
void convert(const std::string& bytes, std::vector<To>& values) {
    for (std::size_t i = 0; i < values.size(); ++i) {
        From value;
        std::memcpy(&value, bytes.data() + i * sizeof(From), sizeof(From));
        values[i] = static_cast<To>(value);
    }
}

template <class To>
std::vector<To> numbers(const NpyArray& array) {
    std::vector<To> values(static_cast<std::size_t>(array.size()));
    const std::string& bytes = array.bytes;
    if (array.kind == 'f')
        array.item_size == 4 ? convert<float>(bytes, values) : convert<double>(bytes, values);
    else if (array.kind == 'i' && array.item_size == 8)
        convert<std::int64_t>(bytes, values);
    else if (array.kind == 'i' && array.item_size == 4)
        convert<std::int32_t>(bytes, values);
    else if (array.kind == 'i' && array.item_size == 2)
        convert<std::int16_t>(bytes, values);
    else if (array.kind == 'i')
        convert<std::int8_t>(bytes, values);
    else if (array.item_size == 8)
        convert<std::uint64_t>(bytes, values);
    else if (array.item_size == 4)
        convert<std::uint32_t>(bytes, values);
    else if (array.item_size == 2)
        convert<std::uint16_t>(bytes, values);
    else
        convert<std::uint8_t>(bytes, values);  // booleans too
    return values;
}

InputError wrong_kind(const NpyArray& array, std::string_view expected) {
    return InputError(fmt::format("{}: expected {}, found dtype kind '{}' of {} bytes", array.name, expected,
                                  array.kind, array.item_size));
}

}  // namespace

NpyArray parse_npy(std::string bytes, std::string name) {
    NpyArray array;
    array.name = std::move(name);
    const auto truncated = [&] {
        return InputError(array.name + ": no .npy array, or truncated; save it again");
    };
    // Magic, two bytes of version, the header's length: 2 bytes in version 1, 4 in versions 2 and 3.
    if (bytes.size() < kMagic.size() + 4 || !bytes.starts_with(kMagic)) throw truncated();
    const int version = static_cast<unsigned char>(bytes[kMagic.size()]);
    if (version < 1 || version > 3)
        throw InputError(fmt::format("{}: .npy version {}, expected 1 to 3", array.name, version));
    const std::size_t length_bytes = version == 1 ? 2 : 4, length_at = kMagic.size() + 2;
    if (bytes.size() < length_at + length_bytes) throw truncated();
    std::uint32_t length = 0;
    std::memcpy(&length, bytes.data() + length_at, length_bytes);
    const std::size_t header_at = length_at + length_bytes;
    if (length > bytes.size() - header_at) throw truncated();

    Header header = HeaderParser(std::string_view(bytes).substr(header_at, length), array.name).parse();
    set_type(header.type, array);
    array.shape = std::move(header.shape);
    auto expected = static_cast<std::size_t>(array.item_size);
    bool overflow = false;
    for (const std::int64_t d : array.shape)
        overflow = overflow || __builtin_mul_overflow(expected, static_cast<std::size_t>(d), &expected);
    const std::size_t present = bytes.size() - header_at - length;
    if (overflow || expected != present)
        throw InputError(
            fmt::format("{}: shape ({}) of '{}' does not fit its {} bytes of data; save it again", array.name,
                        fmt::join(array.shape, ", "), header.type, present));
    bytes.erase(0, header_at + length);
    array.bytes =
        header.fortran_order && array.shape.size() > 1 ? to_c_order(bytes, array) : std::move(bytes);
    return array;
}

std::int64_t NpyArray::size() const {
    std::int64_t elements = 1;
    for (const std::int64_t d : shape) elements *= d;
    return elements;
}

std::vector<float> NpyArray::to_floats() const {
    if (is_text()) throw wrong_kind(*this, "numbers");
    return numbers<float>(*this);
}

std::vector<double> NpyArray::to_doubles() const {
    if (is_text()) throw wrong_kind(*this, "numbers");
    return numbers<double>(*this);
}

std::vector<std::int64_t> NpyArray::to_integers() const {
    if (is_text() || kind == 'f') throw wrong_kind(*this, "integers");
    std::vector<std::int64_t> values = numbers<std::int64_t>(*this);
    if (kind == 'u' && item_size == 8)
        for (const std::int64_t value : values)
            if (value < 0)
                throw InputError(
                    fmt::format("{}: {} is beyond 2^63 - 1", name, static_cast<std::uint64_t>(value)));
    return values;
}

std::vector<std::string> NpyArray::to_strings() const {
    if (!is_text()) throw wrong_kind(*this, "text (<U or |S)");
    std::vector<std::string> values;
    const auto item = static_cast<std::size_t>(item_size);
    for (std::size_t i = 0; i < static_cast<std::size_t>(size()); ++i) {
        const auto element = std::span(bytes).subspan(i * item, item);
        if (kind == 'U') {
            const auto text = utf8(element);
            if (!text) throw InputError(fmt::format("{}: element {} is no valid Unicode text", name, i));
            values.push_back(*text);
        } else {
            std::string text(element.begin(), element.end());
            text.resize(text.find_last_not_of('\0') + 1);
            values.push_back(std::move(text));
        }
    }
    return values;
}

}  // namespace abr
