/** The field of edwards25519 and its constant d (RFC 8032 section 5.1). */
const P = 2n ** 255n - 19n;
const D = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;

/** y of the points of order 8, up to sign; those of order 1, 2 and 4 have y = 1, -1 and 0. */
const Y_OF_ORDER_8 = 2707385501144840649318225287225658788936804267575313519463743609750303402022n;

const SMALL_ORDER_Y = new Set([0n, 1n, P - 1n, Y_OF_ORDER_8, P - Y_OF_ORDER_8]);

/** Says why the 32 octets are no usable Ed25519 public key, or undefined. A point of small order would let some signatures
 *  verify for any message. */
export function findEd25519Weakness(encoded: Uint8Array): string | undefined {
  const y = littleEndian(encoded) & (2n ** 255n - 1n);
  if (y >= P) return "point is not encoded canonically";
  if (SMALL_ORDER_Y.has(y)) return "point has small order";
  // x² = (y² - 1) / (d y² + 1) must have a root (RFC 8032 section 5.1.3); multiplying by (d y² + 1)² does not change that.
  const ySquared = (y * y) % P;
  const xSquared = ((ySquared - 1n) * (D * ySquared + 1n)) % P;
  return power(xSquared, (P - 1n) / 2n) === 1n ? undefined : "point is not on the curve";
}

function littleEndian(octets: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(octets).reverse().toString("hex")}`);
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = base;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % P;
    square = (square * square) % P;
  }
  return result;
}
