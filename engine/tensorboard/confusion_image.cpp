#include "engine/tensorboard/confusion_image.hpp"

#include <png.h>

#include <algorithm>
#include <cmath>

#include "engine/error.hpp"

namespace abr {
namespace {

constexpr int kCell = 40;  // pixels a square, its border included
constexpr int kScale = 3;  // pixels a dot of a digit
constexpr int kDigitWidth = 3, kDigitHeight = 5;

// Dots of the digits, five rows of three, the left one the highest bit.
constexpr std::uint8_t kDigits[10][kDigitHeight] = {
    {7, 5, 5, 5, 7}, {2, 6, 2, 2, 7}, {7, 1, 7, 4, 7}, {7, 1, 7, 1, 7}, {5, 5, 7, 1, 1},
    {7, 4, 7, 1, 7}, {7, 4, 7, 5, 7}, {7, 1, 1, 1, 1}, {7, 5, 7, 5, 7}, {7, 5, 7, 1, 7}};

void fill(GreyImage& image, int left, int top, int width, int height, std::uint8_t grey) {
    for (int y = top; y < top + height; ++y)
        std::fill_n(image.pixels.begin() + y * image.width + left, width, grey);
}

void draw_number(GreyImage& image, int left, int top, int number, std::uint8_t grey) {
    const std::string digits = std::to_string(number);
    const int advance = (kDigitWidth + 1) * kScale;
    left += (kCell - static_cast<int>(digits.size()) * advance + kScale) / 2;
    top += (kCell - kDigitHeight * kScale) / 2;
    for (const char digit : digits) {
        for (int row = 0; row < kDigitHeight; ++row)
            for (int dot = 0; dot < kDigitWidth; ++dot)
                if (kDigits[digit - '0'][row] & (4 >> dot))
                    fill(image, left + dot * kScale, top + row * kScale, kScale, kScale, grey);
        left += advance;
    }
}

}  // namespace

GreyImage draw_confusion(const std::vector<double>& counts, std::size_t classes) {
    const int side = static_cast<int>(classes) * kCell + 1;
    GreyImage image{
        side, side,
        std::vector<std::uint8_t>(static_cast<std::size_t>(side) * static_cast<std::size_t>(side), 128)};
    for (std::size_t t = 0; t < classes; ++t) {
        double support = 0;
        for (std::size_t p = 0; p < classes; ++p) support += counts[t * classes + p];
        for (std::size_t p = 0; p < classes; ++p) {
            const double part = support > 0 ? counts[t * classes + p] / support : 0;
            const int left = static_cast<int>(p) * kCell + 1, top = static_cast<int>(t) * kCell + 1;
            fill(image, left, top, kCell - 1, kCell - 1,
                 static_cast<std::uint8_t>(std::lround(255 * (1 - part))));
            if (counts[t * classes + p] > 0)
                draw_number(image, left, top, static_cast<int>(std::lround(100 * part)),
                            part > 0.5 ? 255 : 0);
        }
    }
    return image;
}

std::string encode_png(const GreyImage& image) {
    png_image png{};
    png.version = PNG_IMAGE_VERSION;
    png.width = static_cast<png_uint_32>(image.width);
    png.height = static_cast<png_uint_32>(image.height);
    png.format = PNG_FORMAT_GRAY;
    png_alloc_size_t size = 0;
    const auto write = [&](void* memory) {
        if (!png_image_write_to_memory(&png, memory, &size, 0, image.pixels.data(), 0, nullptr))
            throw RunError(std::string("cannot encode the confusion matrix as PNG: ") + png.message);
    };
    write(nullptr);  // asks for the size
    std::string bytes(size, '\0');
    write(bytes.data());
    bytes.resize(size);
    return bytes;
}

}  // namespace abr
