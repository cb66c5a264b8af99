// The network's passes for any backend. Included where a backend's are instantiated.
#pragma once

#include "model/network_parts.hpp"

namespace abr {

// view(c): of component c's output or of its gradient.
template <class P, class View>
Heads<typename P::Storage> heads_of(const PerComponent<bool>& built, const View& view) {
    Heads<typename P::Storage> heads;
    for (const Component c : kAllComponents) {
        if (!built[c] || !is_task(c)) continue;
        if (task_of(c).kind == TaskKind::signal)
            heads.signal = view(c);
        else
            heads.answer[c] = as_matrix(view(c));
    }
    return heads;
}

template <class P>
Heads<typename P::Storage> Network::outputs(const P& p) const {
    return heads_of<P>(shape_.built, [&](Component c) { return p.output(tensors().outputs[c]); });
}

template <class P>
Heads<typename P::Storage> Network::output_gradients(const P& p) const {
    return heads_of<P>(shape_.built, [&](Component c) { return p.first_contribution(tensors().outputs[c]); });
}

template <class P>
void Network::forward(const P& p) const {
    p.claims.clear();
    parts_->forward(p);
}

template <class P>
void Network::backward(const P& p) const {
    parts_->backward(p);
}

}  // namespace abr
