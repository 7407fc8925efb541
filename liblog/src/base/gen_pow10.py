#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Print dtoa_pow10.h, the powers of ten that dtoa.c multiplies by.

R. Giulietti, "The Schubfach way to render doubles", sections 9.6 and 9.8: for every k that a double can need, the
126-bit g(k) = floor(10^k * 2^-r) + 1 with r = floor(log2(10^k)) - 125. We keep all 128 bits, r two less, and round up
instead of adding one, so that exact powers stay exact; round-to-odd in dtoa.c needs no more than that.
Python's integers make each entry exact. Run it as: gen_pow10.py > dtoa_pow10.h
"""

KMIN, KMAX = -292, 324


def g(k):
    """ceil(10^k / 2^r) in [2^127, 2^128)."""
    num, den = (10**k, 1) if k >= 0 else (1, 10**-k)
    r = num.bit_length() - den.bit_length() - 128
    while True:
        n, d = (num, den << r) if r >= 0 else (num << -r, den)
        value = -(-n // d)
        if value >> 128 == 0:
            break
        r += 1
    assert value >> 127 == 1, k
    return value


def main():
    print("/* SPDX-License-Identifier: Apache-2.0 */")
    print("/* Made by gen_pow10.py, which says what this is. { high 64 bits, low 64 bits } */")
    print(f"#define POW10_MIN ({KMIN})")
    print(f"#define POW10_MAX {KMAX}")
    print()
    print("/* clang-format off */")
    print("static const struct { uint64_t hi, lo; } pow10_table[] = {")
    for k in range(KMIN, KMAX + 1):
        v = g(k)
        print(f"\t{{ 0x{v >> 64:016x}, 0x{v & (1 << 64) - 1:016x} }}, /* {k} */")
    print("};")


main()
