import { z } from "zod";

/** The last part of a workload's SPIFFE id, or a type. */
const serviceName = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, "small letters, digits, '.', '_', '-'");
const namePattern = z.string().regex(/^[a-z0-9._*-]{1,63}$/, "a name, '*' for any characters");
const permissionName = z.string().regex(/^[a-z][a-z0-9_]{0,62}$/, "small letters, digits, '_'");
const methods = z
  .array(z.string().regex(/^[A-Z]{1,20}$/, "methods are in capital letters"))
  .min(1)
  .max(20);
const paths = z.array(z.string().max(1_000)).min(1).max(200);

const Restricted = z.strictObject({
  service: namePattern,
  /** Absent: any. gRPC calls are POST. */
  methods: methods.optional(),
  /** Absent: any. "/api/v1/jobs", "/api/*", "/api/**". A gRPC method is "/package.Service/Method". */
  paths: paths.optional(),
});

const Outbound = z.union([namePattern, Restricted]);

const ServicePolicy = z.strictObject({
  /** Whom it may call. */
  allowed_outbound: z.array(Outbound).max(1_000).default([]),
  /** Whom it may not call, whatever else allows it. */
  denied_outbound: z.array(Outbound).max(1_000).default([]),
  /** Permissions of `special_permissions` that it holds. */
  special_permissions: z.array(permissionName).max(100).default([]),
  /** High: it is called by those who name it, a wildcard does not reach it. */
  isolation_level: z.enum(["normal", "high"]).default("normal"),
});

/** Services of one type share a policy. Each is held against each. */
const MAX_POLICIES = 500;

export const MatrixFile = z.strictObject({
  /** By service, or by type of services. */
  service_communication_policies: z
    .record(serviceName, ServicePolicy)
    .refine((policies) => Object.keys(policies).length <= MAX_POLICIES, `more than ${MAX_POLICIES} services`),
  /** Paths that are for holders of a permission alone. */
  special_permissions: z.record(permissionName, Restricted.extend({ paths })).default({}),
  /** Whether services may call each other in a circle: a warning, or no matrix at all. */
  cycles: z.enum(["warn", "refuse"]).default("warn"),
});

export type MatrixFile = z.output<typeof MatrixFile>;
export type Outbound = z.output<typeof Outbound>;
