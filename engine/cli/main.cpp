#include "engine/cli/cli.hpp"

int main(int argc, char** argv) {
    return abr::run_cli(argc, argv);
}
