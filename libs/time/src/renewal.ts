const LIFE_BEFORE_RENEWAL = 2 / 3;
/** Spreads the renewals of those that were enrolled together. */
const JITTER = 0.05;

/** When a certificate should be renewed: at two thirds of its life, give or take `spread` (-1 to 1) times five percent. */
export function renewalDueAt({ notBefore, notAfter }: { notBefore: Date; notAfter: Date }, spread = 0): Date {
  const lifeMs = notAfter.getTime() - notBefore.getTime();
  return new Date(notBefore.getTime() + lifeMs * (LIFE_BEFORE_RENEWAL + spread * JITTER));
}
