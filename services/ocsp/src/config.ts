import { BaseConfig, Duration } from "@vcc-pki/service";
import { z } from "zod";

const duration = (usual: string) => Duration.prefault(usual);

export const OcspConfig = BaseConfig.extend({
  /** The service's SQLite file. */
  store: BaseConfig.shape.store.unwrap(),
  /** Where relying parties ask: plain HTTP, because who checks a certificate cannot first check another one for that. */
  http: BaseConfig.shape.listen,
  /** The organisation that runs the suite: alarms are its events. */
  organisation: z.string(),
  projection: z
    .strictObject({
      /** How often the ca is asked for changes, whether or not events come. */
      pullInterval: duration("1s"),
      /** How long the ca may be silent before nothing is called good any more but what was signed before. */
      maxSilence: duration("30s"),
      /** How often the ca is asked which authorities there are. */
      issuersInterval: duration("10s"),
    })
    .prefault({}),
  answers: z
    .strictObject({
      /** nextUpdate - thisUpdate. Refreshed at half of it, so that half a day without token or ca is not noticed; as long as a list. */
      validity: duration("24h"),
      /** Up to this part of the validity is taken off nextUpdate at random, so that answers do not all fall due at once. */
      jitter: z.number().min(0).max(0.5).default(0.1),
      /** Hashes of CertIDs whose answers are signed ahead. Others are signed when asked for. */
      hashes: z.array(z.enum(["sha1", "sha256"])).default(["sha1"]),
      /** Signatures per second that signing ahead may take; revocations do not wait for it. */
      signaturesPerSecond: z.int().positive().default(8_000),
      /** Signatures per second for what cannot be signed ahead: nonces, several certificates, unknown serial numbers. */
      onDemandPerSecond: z.int().positive().default(20_000),
      /** What is answered about a serial number its authority never issued: unknown, or revoked as RFC 6960 section 4.4.8 has it. */
      neverIssued: z.enum(["unknown", "revoked"]).default("unknown"),
      /** How long that is true: the number may be issued next. */
      neverIssuedValidity: duration("5m"),
      /** How long caches may keep an answer to GET: the time a revocation may stay unseen behind them. */
      cacheFor: duration("5m"),
    })
    .prefault({}),
  responders: z
    .strictObject({
      /** The ca's profile for responders. */
      profile: z.string().default("ocsp_responder"),
      /** How often certificates are looked after. */
      interval: duration("10s"),
      /** Age at which a responder gets a new key; before that a renewed certificate is for the same key, and answers stay. */
      keyLife: duration("90d"),
    })
    .prefault({}),
  lists: z
    .strictObject({
      /** How often the ca is asked for new lists, whether or not events come. */
      interval: duration("10s"),
      /** How long caches may keep a list or certificate, at most until its nextUpdate. */
      cacheFor: duration("5m"),
    })
    .prefault({}),
  alarms: z
    .strictObject({
      /** How often the state of affairs is looked at. */
      interval: duration("10s"),
      /** Part of its life that an answer signed ahead may have behind it. */
      answerAge: z.number().min(0.5).max(1).default(0.75),
      /** The same for lists. */
      listAge: z.number().min(0.1).max(1).default(0.75),
      /** How long before its end a responder's certificate must have been renewed. */
      responderExpiry: duration("3d"),
      /** How long the copy of the ca's knowledge may be out of date. */
      projectionLag: duration("30s"),
    })
    .prefault({}),
  limits: z
    .strictObject({
      /** HTTP connections at once; those above are closed. */
      maxConnections: z.int().positive().default(15_000),
      /** How long a connection may be silent between requests. */
      keepAlive: duration("60s"),
      /** How long headers may take. */
      headers: duration("10s"),
      /** How long a whole request may take. */
      request: duration("15s"),
      /** Whole answers kept ready, by what was asked. */
      cachedAnswers: z.int().positive().default(8_192),
    })
    .prefault({}),
});

export type OcspConfig = z.output<typeof OcspConfig>;
