import { PkiError } from "@vcc-pki/errors";
import { BaseConfig, Duration } from "@vcc-pki/service";
import { z } from "zod";
import { ClockConfig } from "./clock/index.ts";

const duration = (usual: string) => Duration.prefault(usual);

const Oid = z.string().regex(/^[0-2](\.(0|[1-9]\d{0,9})){2,31}$/, "an object identifier, dotted");

/** By how much a genTime with so many digits may be earlier than the time it was made from, in milliseconds. */
export const cutOffMs = (fractionDigits: number): number => 10 ** (3 - fractionDigits) - 1;

/** EN 319 422 section 5.2.2 and EN 319 421 section 7.7.1: one second or better. */
const PROFILE_ACCURACY_MS = 1_000;

const Unit = z
  .strictObject({
    /** Its name in addresses (`/tsa/<name>`), key labels and metrics. */
    name: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/),
    /** Policies it issues under, below an arc of the operator's own; the first is taken when a request names none. Without a unit in its
     *  address, a request goes to the first unit that has its policy. */
    policies: z.array(Oid).min(1).max(16),
    /** Kind of key. A change leads to a new key. */
    keyAlgorithm: z.enum(["ec-p256", "ec-p384", "rsa-3072", "rsa-4096"]).default("ec-p256"),
    /** How an RSA key signs. `openssl ts -verify`, as of 3.5, knows pkcs1 only. */
    rsaPadding: z.enum(["pss", "pkcs1"]).default("pss"),
    /** How far genTime may be from UTC, all in all. The clock must be proven to this, or nothing is issued. */
    accuracy: duration("1s"),
    /** Whether genTime alone puts any two of its tokens in order. At most one token for each step of genTime is issued then. */
    ordering: z.boolean().default(false),
    /** Digits of a second's fraction in genTime. */
    fractionDigits: z.int().min(0).max(3).default(3),
    /** Whether TSTInfo names the authority: the subject of the unit's certificate. */
    tsaName: z.boolean().default(false),
    /** What a token carries when the request wants certificates: the unit's alone, or its issuers', too, without the root. */
    certificates: z.enum(["unit", "chain"]).default("chain"),
    /** Whether to hold the unit to EN 319 421 and EN 319 422: accuracy of a second or better, no ordering. */
    etsi: z.boolean().default(true),
    /** A unit for trying out: its certificate says so, and so must its policies, which no other unit may have. The only kind that may go
     *  without a proven clock. */
    test: z.boolean().default(false),
  })
  .superRefine(({ etsi, accuracy, ordering, fractionDigits }, context) => {
    const refuse = (path: string, message: string) => context.addIssue({ code: "custom", path: [path], message });
    if (accuracy < 1) refuse("accuracy", "a millisecond or more");
    if (etsi && accuracy > PROFILE_ACCURACY_MS) refuse("accuracy", "a second or better (EN 319 421 section 7.7.1)");
    if (etsi && ordering) refuse("ordering", "not set (EN 319 422 section 5.2.2)");
    if (cutOffMs(fractionDigits) > accuracy / 2) refuse("fractionDigits", "cuts off more than half of the accuracy");
  });

export type UnitConfig = z.output<typeof Unit>;

const Units = z
  .array(Unit)
  .min(1)
  .max(32)
  .superRefine((units, context) => {
    const refuse = (message: string) => context.addIssue({ code: "custom", path: [], message });
    if (new Set(units.map(({ name }) => name)).size !== units.length) refuse("a unit's name comes twice");
    const real = new Set(units.filter(({ test }) => !test).flatMap(({ policies }) => policies));
    const shared = units.filter(({ test }) => test).flatMap(({ policies }) => policies.filter((oid) => real.has(oid)));
    if (shared.length > 0) refuse(`policy ${shared[0]} is that of a unit for trying out and of another one`);
  });

export const TsaConfig = BaseConfig.extend({
  /** The service's SQLite file. */
  store: BaseConfig.shape.store.unwrap(),
  /** Where RFC 3161 is spoken: plain HTTP, for tokens are signed and requests are digests. */
  http: BaseConfig.shape.listen,
  /** The organisation that runs the suite: owner of the units' keys and of what is stamped over HTTP. */
  organisation: z.string(),
  /** Tells replicas apart; each has keys and a log of its own. */
  replica: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,31}$/)
    .default("1"),
  units: Units,
  clock: ClockConfig,
  keys: z
    .strictObject({
      /** The ca's profile for units. */
      profile: z.string().default("tsa_unit"),
      /** The DNS name that certificates of units for trying out carry as subject; the ca's `platformNames` grants it. */
      testName: z.string().default("test.tsa.vcc.internal"),
      /** How long before the end of its usage period a key is replaced. */
      rekeyBefore: duration("30d"),
      /** How long a replaced key is kept in the token before it is destroyed. */
      destroyAfter: duration("1d"),
      /** How often keys and certificates are looked after. */
      interval: duration("10s"),
    })
    .prefault({}),
  log: z
    .strictObject({
      /** How long tokens are kept. Who holds one does not need the log: it is for those who have lost theirs, and for auditors. */
      retention: duration("10y"),
      /** How often tokens are told of by events, counted. */
      summaryInterval: duration("10s"),
    })
    .prefault({}),
  limits: z
    .strictObject({
      /** HTTP connections at once; those above are closed. */
      maxConnections: z.int().positive().default(10_000),
      /** How long a connection may be silent between requests. */
      keepAlive: duration("60s"),
      /** How long headers may take. */
      headers: duration("10s"),
      /** How long a whole request may take. */
      request: duration("15s"),
      /** Tokens in the making at once; what comes above is refused with systemFailure. */
      maxWaiting: z.int().positive().default(4_000),
    })
    .prefault({}),
});

/** What no single key can say. Throws CONFIG_INVALID. */
export function requireTestUnits({ units, clock }: Pick<TsaConfig, "units" | "clock">): void {
  const unmarked = units.find(({ test }) => !test);
  if (!clock.unproven || unmarked === undefined) return;
  throw new PkiError("CONFIG_INVALID", `unit ${unmarked.name}: an unproven clock is for units with test: true`);
}

export type TsaConfig = z.output<typeof TsaConfig>;
