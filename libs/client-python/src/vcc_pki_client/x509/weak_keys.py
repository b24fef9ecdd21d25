"""Keys that can be computed from their public half, or were made by generators known to be broken. A key that passes is not proven strong;
one that fails is certainly weak (ROCA: but for one in 100 million)."""

from __future__ import annotations

from math import isqrt, prod

_SMALL_PRIMES = [n for n in range(2, 752) if all(n % m for m in range(2, isqrt(n) + 1))]
_SMALL_PRIMES_PRODUCT = prod(_SMALL_PRIMES)


def _powers_of(base: int, prime: int) -> frozenset[int]:
    return frozenset(pow(base, exponent, prime) for exponent in range(prime - 1))


# The odd primes up to 167 modulo which the powers of 65537 leave most residues out.
_ROCA = {p: _powers_of(65_537, p) for p in (11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157)}


def find_rsa_weakness(modulus: int) -> str | None:
    """Says why the modulus, of at most 16,384 bits, is weak, or None."""
    residue = modulus % _SMALL_PRIMES_PRODUCT
    if any(residue % prime == 0 for prime in _SMALL_PRIMES):
        return "modulus has a small factor"
    if all(residue % prime in residues for prime, residues in _ROCA.items()):
        return "modulus has the fingerprint of ROCA (CVE-2017-15361)"
    return "factors of the modulus are too close to each other" if _has_close_factors(modulus) else None


def _has_close_factors(modulus: int) -> bool:
    """Fermat's factorisation, a hundred rounds (CVE-2022-26320)."""
    a = isqrt(modulus - 1) + 1
    for _ in range(100):
        difference = a * a - modulus
        if isqrt(difference) ** 2 == difference:
            return True
        a += 1
    return False


# The field of edwards25519 and its constant d (RFC 8032 section 5.1).
_P = 2**255 - 19
_D = 37095705934669439343138083508754565189542113879843219016388785533085940283555
# y of the points of order 8, up to sign; those of order 1, 2 and 4 have y = 1, -1 and 0.
_ORDER_8 = 2707385501144840649318225287225658788936804267575313519463743609750303402022
_SMALL_ORDER_Y = {0, 1, _P - 1, _ORDER_8, _P - _ORDER_8}


def find_ed25519_weakness(encoded: bytes) -> str | None:
    """Says why the 32 octets are no usable key, or None: under a point of small order some signatures verify for any message."""
    y = int.from_bytes(encoded, "little") & (2**255 - 1)
    if y >= _P:
        return "point is not encoded canonically"
    if y in _SMALL_ORDER_Y:
        return "point has small order"
    # x² = (y² - 1) / (d y² + 1) must have a root (RFC 8032 section 5.1.3).
    x_squared = (y * y - 1) * (_D * y * y + 1) % _P
    return None if pow(x_squared, (_P - 1) // 2, _P) == 1 else "point is not on the curve"
