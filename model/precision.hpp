// The number types of a pass, by what they are for (mixed precision as in Micikevicius et al. 2018).
#pragma once

namespace abr {

// The product's.
struct Fp32 {
    using Storage = float;     // activations, their gradients, and the parameters that ops read
    using Arithmetic = float;  // sums and statistics inside and between ops
    using Master = float;      // the parameters that learn, and their gradients
};

// The tests' oracle.
struct Fp64 {
    using Storage = double;
    using Arithmetic = double;
    using Master = double;
};

}  // namespace abr
