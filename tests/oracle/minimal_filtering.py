#!/usr/bin/env python3
"""Derives the matrices of kernels/cpu/winograd_kernel.cpp exactly, and simulates their error in fp32.

    python3 tests/oracle/minimal_filtering.py                  # the matrices in use, and their error
    python3 tests/oracle/minimal_filtering.py 0 1 -1 1/2 -2 2  # tiles of four rows: shared points, then the last one

A group of r taps and a tile of m rows need m + r - 1 points; infinity is always one of them and not named. Groups of
three taps do without the last point. The error is that of seven taps on uniform random numbers, as a part of what
tests/kernels/support.hpp allows: twice the error of a naive fp32 sum plus 2 ulp of the largest value. Needs numpy.
"""

import math
import sys
from fractions import Fraction

import numpy as np

IN_USE = ["0", "1", "-1", "-2", "1/2"]


def inverse(matrix):
    n = len(matrix)
    rows = [row + [Fraction(int(i == j)) for j in range(n)] for i, row in enumerate(matrix)]
    for i in range(n):
        pivot = next(k for k in range(i, n) if rows[k][i] != 0)
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = [value / rows[i][i] for value in rows[i]]
        for k in range(n):
            if k != i:
                rows[k] = [a - rows[k][i] * b for a, b in zip(rows[k], rows[i])]
    return [row[n:] for row in rows]


def powers(points, count):
    """Rows of the points' powers; infinity's row is that of the last coefficient."""
    return [[p**k for k in range(count)] for p in points] + [[Fraction(int(k == count - 1)) for k in range(count)]]


def matrices(points, rows, taps):
    """A (points, rows), B^T (points, points), G (points, taps), B^T scaled to dyadic fractions."""
    n = rows + taps - 1
    b = [list(column) for column in zip(*inverse(powers(points, n)))]
    g = powers(points, taps)
    for i in range(n):
        odd = math.lcm(*(value.denominator for value in b[i]))
        while odd % 2 == 0:
            odd //= 2
        # Multiplied until its elements are of the order of one.
        scale = Fraction(odd)
        while max(abs(value) * scale for value in b[i]) > 2.5:
            scale /= 2
        b[i] = [value * scale for value in b[i]]
        g[i] = [value / scale for value in g[i]]
    return powers(points, rows), b, g


def multiply_add(a, b, c):
    """a + b * c rounded once, as a fused multiply-add."""
    return (a.astype(np.float64) + b.astype(np.float64) * c.astype(np.float64)).astype(np.float32)


def combine(matrix, parts):
    result = []
    for row in matrix:
        total = np.zeros_like(parts[0])
        for factor, part in zip(row, parts):
            if factor:
                total = multiply_add(total, np.float32(float(factor)), part)
        result.append(total)
    return result


def product(a, b):
    """Rows of a times b, summed in order."""
    total = np.zeros((a.shape[0], b.shape[1]), np.float32)
    for i in range(b.shape[0]):
        total = multiply_add(total, a[:, i, None], b[i])
    return total


def filtered(points, x, w, length):
    rows = len(points) - 2  # groups of four taps: rows + 4 - 1 points with infinity
    tiles = -(-length // rows)
    x = np.concatenate([x, np.zeros((rows + 8, x.shape[1]), np.float32)])
    window = [x[np.arange(tiles) * rows + j] for j in range(rows + 6)]
    a, b4, g4 = matrices(points, rows, 4)
    _, b3, g3 = matrices(points[:-1], rows, 3)
    v4, u4 = combine(b4, window[: rows + 3]), combine(g4, w[:4])
    v3, u3 = combine(b3, window[4:]), combine(g3, w[4:])
    shared = [*range(len(points) - 1), len(points)]
    m = [None] * (len(points) + 1)
    for at3, at4 in enumerate(shared):
        m[at4] = product(np.hstack([v4[at4], v3[at3]]), np.vstack([u4[at4], u3[at3]]))
    m[len(points) - 1] = product(v4[len(points) - 1], u4[len(points) - 1])
    y = combine(list(zip(*a)), m)
    return np.stack(y, 1).reshape(tiles * rows, -1)[:length]


def error(points, channels, outputs, length, seed):
    random = np.random.default_rng(seed)
    x = random.uniform(-1, 1, (length + 6, channels)).astype(np.float32)
    w = random.uniform(-1, 1, (7, channels, outputs)).astype(np.float32)
    exact = sum(x[k : k + length].astype(np.float64) @ w[k].astype(np.float64) for k in range(7))
    naive = product(np.hstack([x[k : k + length] for k in range(7)]), w.reshape(7 * channels, outputs))
    allowed = 2 * np.abs(naive - exact).max() + 2 * np.spacing(np.float32(np.abs(exact).max()))
    return np.abs(filtered(points, x, w, length) - exact).max() / allowed


def main():
    points = [Fraction(word) for word in (sys.argv[1:] or IN_USE)]
    rows = len(points) - 2
    for taps, used in ((3, points[:-1]), (4, points)):
        print(f"tiles of {rows} rows, groups of {taps} taps, points {', '.join(map(str, used))}, infinity")
        for name, matrix in zip(("A", "B^T", "G"), matrices(used, rows, taps)):
            for row in matrix:
                print(f"  {name:4}", "  ".join(f"{str(value):>6}" for value in row))
    print(f"products: {2 * len(points) + 1} instead of {7 * rows}")
    for channels, outputs, length in ((16, 32, 96), (32, 32, 96), (128, 24, 48)):
        worst = max(error(points, channels, outputs, length, seed) for seed in range(4))
        print(f"{channels} channels: {worst:.2f} of the error that is allowed")


if __name__ == "__main__":
    main()
