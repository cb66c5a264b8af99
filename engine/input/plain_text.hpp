// What a person sees of a text: letters whatever their case, without the characters that show nothing.
#pragma once

#include <string>
#include <string_view>

namespace abr {

// Takes the first character off `text`, which must not be empty; of bytes that are no UTF-8 one at a time.
char32_t take_character(std::string_view& text);

// Characters without a shape of their own: soft hyphens, joiners, direction marks, byte order marks, and the
// spaces that cannot be told from a usual one.
bool is_invisible(char32_t);

// The text in lower case (Latin, Greek and Cyrillic letters; every Turkish i as `i`), without invisible
// characters and without spaces at its ends.
std::string folded(std::string_view text);

// Whether a text is a spreadsheet's error, such as #N/A, #REF! or #DIV/0! in any language.
bool is_spreadsheet_error(std::string_view text);

}  // namespace abr
