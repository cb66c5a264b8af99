#include "engine/input/ear_names.hpp"

#include "engine/input/cell_number.hpp"
#include "engine/input/plain_text.hpp"

namespace abr {
namespace {

// English, German, French, Turkish, Italian, Spanish, Portuguese, Dutch; and the Latin and French
// abbreviations, of which OD is the right ear and OS the left one in both.
constexpr std::string_view kLeft[] = {"left",     "l",        "le",       "left ear",  "links",
                                      "gauche",   "og",       "sol",      "sol kulak", "sinistra",
                                      "sinistro", "sx",       "sin",      "izquierdo", "izquierda",
                                      "oi",       "esquerdo", "esquerda", "sinister",  "auris sinistra",
                                      "as",       "os"};
constexpr std::string_view kRight[] = {"right",        "r",       "re",      "right ear", "rechts",  "droite",
                                       "droit",        "sağ",     "sag",     "sağ kulak", "destra",  "destro",
                                       "dx",           "derecho", "derecha", "direito",   "direita", "dexter",
                                       "auris dextra", "ad",      "od"};

}  // namespace

EarNames::EarNames(const NamedLists& aliases) {
    for (const auto& [ear, names] : aliases)
        for (const std::string& name : names)
            ears_.emplace(folded(name), static_cast<std::int8_t>(ear == "right" ? 1 : 0));
    for (const std::string_view name : kLeft) ears_.emplace(name, std::int8_t{0});
    for (const std::string_view name : kRight) ears_.emplace(name, std::int8_t{1});
}

std::optional<std::int8_t> EarNames::find(std::string_view name) const {
    const auto found = ears_.find(folded(name));
    return found == ears_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace abr
