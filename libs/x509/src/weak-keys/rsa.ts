/*
 * Moduli that can be factored, or were made by generators known to be broken. A modulus that passes here is not proven
 * strong; one that fails is certainly weak (ROCA: but for one in 100 million).
 */

const SMALL_PRIMES = primesBelow(752);
const SMALL_PRIMES_PRODUCT = SMALL_PRIMES.reduce((product, prime) => product * BigInt(prime), 1n);

/** The odd primes up to 167 modulo which the powers of 65537 leave most residues out. */
const ROCA_PRIMES = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157];
const ROCA_RESIDUES = new Map(ROCA_PRIMES.map((prime) => [prime, powersOf(65_537, prime)]));

/** Says why the modulus is weak, or undefined. `modulus` has at most 16,384 bits. */
export function findRsaWeakness(modulus: bigint): string | undefined {
  const residue = modulus % SMALL_PRIMES_PRODUCT;
  const residues = new Map(SMALL_PRIMES.map((prime) => [prime, Number(residue % BigInt(prime))]));
  if (residues.values().some((remainder) => remainder === 0)) return "modulus has a small factor";
  if (ROCA_PRIMES.every((prime) => ROCA_RESIDUES.get(prime)?.has(residues.get(prime) ?? 0))) {
    return "modulus has the fingerprint of ROCA (CVE-2017-15361)";
  }
  if (hasCloseFactors(modulus)) return "factors of the modulus are too close to each other";
  return undefined;
}

/** Fermat's factorisation, a hundred rounds (CVE-2022-26320): finds p and q when they agree in almost all of their upper half. */
function hasCloseFactors(modulus: bigint): boolean {
  let a = squareRoot(modulus);
  if (a * a < modulus) a += 1n;
  let difference = a * a - modulus;
  for (let round = 0; round < 100; round++) {
    if (isSquare(difference)) return true;
    difference += 2n * a + 1n;
    a += 1n;
  }
  return false;
}

const SQUARES_MODULO_64 = new Set(Array.from({ length: 64 }, (_, i) => (i * i) % 64));

function isSquare(value: bigint): boolean {
  if (!SQUARES_MODULO_64.has(Number(BigInt.asUintN(6, value)))) return false;
  const root = squareRoot(value);
  return root * root === value;
}

/** Integer square root, rounded down (Newton). */
function squareRoot(value: bigint): bigint {
  if (value < 2n) return value;
  let root = 1n << BigInt((value.toString(16).length * 4) / 2 + 1);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

function primesBelow(limit: number): number[] {
  const primes: number[] = [];
  for (let n = 2; n < limit; n++) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  return primes;
}

function powersOf(base: number, prime: number): Set<number> {
  const powers = new Set<number>();
  for (let power = 1; !powers.has(power); power = (power * base) % prime) powers.add(power);
  return powers;
}
