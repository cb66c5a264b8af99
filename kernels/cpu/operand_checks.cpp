#include "kernels/operand_checks.hpp"

#include <stdexcept>
#include <string>

namespace abr {

void reject_operands(std::string_view op, std::initializer_list<NamedShape> operands) {
    std::string text = std::string(op) + ": operands that do not fit:";
    for (const NamedShape& operand : operands) {
        text += std::string(&operand == operands.begin() ? " " : ", ") + std::string(operand.name) + " (" +
                std::to_string(operand.batch) + ", " + std::to_string(operand.length) + ", " +
                std::to_string(operand.channels) + ")";
        if (operand.pad > 0) text += " with " + std::to_string(operand.pad) + " zero rows";
    }
    throw std::logic_error(text);
}

}  // namespace abr
