import { BaseConfig, Duration } from "@vcc-pki/service";
import { z } from "zod";
import { ProbeConfig, SourcesConfig } from "./probe-config.ts";

const KubernetesIssuer = z
  .strictObject({
    /** Its `iss`, as the API server is configured. */
    issuer: z.string().min(1),
    /** What a token has to be made for: the audience of the projected volume. */
    audience: z.string().min(1),
    /** The issuer's public keys: a JSON file, or an HTTPS address such as https://kubernetes.default.svc/openid/v1/jwks. */
    jwksFile: z.string().optional(),
    jwksUrl: z.url({ protocol: /^https$/ }).optional(),
    /** How long a token may live; Kubernetes makes them for an hour. */
    maxLife: Duration.prefault("2h"),
    /** Which service account is which service. */
    bindings: z
      .array(
        z.strictObject({
          namespace: z.string(),
          serviceAccount: z.string(),
          organisation: z.string(),
          service: z.string(),
        }),
      )
      .min(1),
  })
  .refine(({ jwksFile, jwksUrl }) => (jwksFile === undefined) !== (jwksUrl === undefined), {
    error: "either jwksFile or jwksUrl",
  });

export type KubernetesIssuer = z.output<typeof KubernetesIssuer>;

export const DiscoveryConfig = BaseConfig.extend({
  /** The service's SQLite file. */
  store: BaseConfig.shape.store.unwrap(),
  /** The organisation that runs the suite: callers without one are put on record under it. */
  organisation: z.string(),
  /** What is known of services before anybody registers them (deploy/policies/services.yaml). */
  catalogueFile: z.string(),
  /** Whom services may call, in organisations that have put no matrix of their own (deploy/policies/service-matrix.yaml). Read again when it changes. */
  matrixFile: z.string(),
  /** Profiles of the ca that a service may have; the first unless another is asked for. */
  profiles: z.array(z.string()).min(1).default(["mtls_service", "mtls_service_short", "vcc_service_template"]),
  probes: ProbeConfig.prefault({}),
  sources: SourcesConfig.prefault({}),
  enrolment: z
    .strictObject({
      /** How long a token may be used unless its maker says otherwise. */
      tokenLife: Duration.prefault("15m"),
      /** How long at most. */
      maxTokenLife: Duration.prefault("24h"),
      /** Clusters whose pods enrol by their service account tokens. */
      kubernetes: z.array(KubernetesIssuer).default([]),
    })
    .prefault({}),
});

export type DiscoveryConfig = z.output<typeof DiscoveryConfig>;
