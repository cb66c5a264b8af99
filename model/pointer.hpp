// A head that points at a sample: a convolution with its norm describes every sample, a score is made of that, and the
// softmax of the scores points.
#pragma once

#include "kernels/pointing.hpp"
#include "model/residual_block.hpp"

namespace abr {

class Pointer {
  public:
    struct Shape {
        Index channels, length, pad, kernel, groups, embedding;
        SamplePlaces places;
    };
    // What it puts out for each recording.
    struct Outputs {
        const Tensor& score;    // (length, 1)
        const Tensor& map;      // (window), its softmax; without a gradient
        const Tensor& place;    // (1)
        const Tensor& reading;  // (channels), what is said of the sample there
    };

    Pointer(Builder& b, const std::string& name, const Shape& s, ParameterGroup group)
        : places_(s.places),
          filtered_(b.tensor({.length = s.length, .channels = s.channels, .gradient_pad = s.pad})),
          described_(b.tensor({.length = s.length, .channels = s.channels})),
          conv_(b, name + ".conv", same(s), s.length, group),
          norm_(b,
                {.norm = name + ".norm",
                 .film = name + ".film",
                 .channels = s.channels,
                 .groups = s.groups,
                 .embedding = s.embedding},
                group),
          score_(b, name + ".score", Conv1d{.in_channels = s.channels}, s.length, group, Bias::none) {
        b.need_workspace(pointing_workspace(places_, b.max_batch));
    }

    template <class P>
    void forward(const P& p, const Tensor& x, const Tensor& embedding, const Outputs& y) const {
        conv_.forward(p, x, filtered_);
        norm_.forward(p, filtered_, embedding, {}, described_);
        score_.forward(p, described_, y.score);
        pointing_forward(p.stream, places_,
                         PointingForward<typename P::Storage>{.score = p.value(y.score),
                                                              .x = p.value(described_),
                                                              .a = as_matrix(p.output(y.map)),
                                                              .place = as_matrix(p.output(y.place)),
                                                              .reading = as_matrix(p.output(y.reading))});
    }
    template <class P>
    void backward(const P& p, const Tensor& x, const Tensor& embedding, const Outputs& y) const {
        const auto dscore = p.contribution(y.score);
        const auto dx = p.contribution(described_);
        pointing_backward(p.stream, places_,
                          PointingBackward<typename P::Storage>{.dplace = as_matrix(p.gradient(y.place)),
                                                                .dreading = as_matrix(p.gradient(y.reading)),
                                                                .x = p.value(described_),
                                                                .a = as_matrix(p.value(y.map)),
                                                                .dscore = dscore.to,
                                                                .write_score = dscore.write,
                                                                .dx = dx.to,
                                                                .write_x = dx.write,
                                                                .workspace = p.workspace});
        score_.backward(p, described_, y.score);
        norm_.backward(p, filtered_, embedding, {}, described_);
        conv_.backward(p, x, filtered_);
    }

  private:
    static Conv1d same(const Shape& s) {
        return {.in_channels = s.channels,
                .out_channels = s.channels,
                .kernel = s.kernel,
                .padding = s.kernel / 2};
    }

    SamplePlaces places_;
    Tensor filtered_, described_;
    ConvLayer conv_;
    FilmNorm norm_;
    ConvLayer score_;
};

}  // namespace abr
