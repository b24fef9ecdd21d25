/** Notices before the end of a long life, in days. */
const NOTICE_DAYS = [30, 14, 7, 1] as const;

/** A life of at least this long gets notices at whole days; a shorter one at the same fractions of life. */
const FULL_LIFE_DAYS = 90;
const DAY_MS = 86_400_000;

/** A notice to be given about a certificate. */
export interface Notice {
  readonly at: Date;
  /** What was crossed: "7d" before the end, or "7/90" of the life left; "end" for the end itself. */
  readonly threshold: string;
}

interface Life {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** All notices of a certificate in their order, the last at its end. 24 hours of life: at 1/3, 14/90, 7/90 and 1/90 of it. */
export function noticesOf({ notBefore, notAfter }: Life): Notice[] {
  const end = notAfter.getTime() + 1_000; // notAfter is the last valid second
  const lifeMs = end - notBefore.getTime();
  const isFull = lifeMs >= FULL_LIFE_DAYS * DAY_MS;
  const notices = NOTICE_DAYS.map((days) => ({
    at: new Date(end - (isFull ? days * DAY_MS : Math.floor((lifeMs * days) / FULL_LIFE_DAYS))),
    threshold: isFull ? `${days}d` : fraction(days),
  }));
  return [...notices, { at: new Date(end), threshold: "end" }];
}

const fraction = (days: number): string =>
  FULL_LIFE_DAYS % days === 0 ? `1/${FULL_LIFE_DAYS / days}` : `${days}/${FULL_LIFE_DAYS}`;

/** When the first notice is due. */
export const firstNotice = (life: Life): Date | undefined => noticesOf(life)[0]?.at;
