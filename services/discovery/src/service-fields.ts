import { PkiError } from "@vcc-pki/errors";
import { formatIpAddress, isValidDnsName, parseIpAddress } from "@vcc-pki/x509";
import { z } from "zod";
import type { ServiceFields } from "./service-record.ts";

const ServiceName = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/);
const Text = (maximum: number) =>
  z
    .string()
    .max(maximum)
    .refine((text) => text.isWellFormed() && !/\p{Cc}/u.test(text), "control characters");
const DnsName = z
  .string()
  .max(253)
  .transform((name) => name.toLowerCase())
  .refine((name) => isValidDnsName(name, { wildcard: false }), "not a DNS name");
const IpAddress = z.string().transform((text, context) => {
  try {
    return formatIpAddress(parseIpAddress(text));
  } catch {
    context.addIssue({ code: "custom", message: "not an IP address" });
    return z.NEVER;
  }
});
/** With a host and nobody's password in it. */
const EndpointUrl = z
  .string()
  .max(500)
  .refine((text) => {
    if (!URL.canParse(text) || /\s/.test(text)) return false;
    const { hostname, username, password, protocol } = new URL(text);
    return (
      hostname !== "" && username === "" && password === "" && !["file:", "data:", "javascript:"].includes(protocol)
    );
  }, "not the URL of an endpoint");
const HealthUrl = EndpointUrl.refine((text) => /^https?:/.test(text), "not an HTTP URL");

/** How many of each, so that a record stays small and a certificate possible. */
const Fields = z.object({
  type: z.string().regex(/^[a-z0-9][a-z0-9_.-]{0,62}$/),
  description: Text(500),
  owner: Text(200),
  endpoints: z.array(EndpointUrl).max(20),
  healthUrl: z.union([z.literal(""), HealthUrl]),
  healthDialect: z.string().regex(/^[a-z0-9_-]{1,40}$/),
  dnsNames: z.array(DnsName).max(50),
  ipAddresses: z.array(IpAddress).max(20),
  profile: z.string(),
  dependsOn: z.array(ServiceName).max(100),
  managedBy: z.union([z.literal(""), ServiceName]),
});

const malformed = (what: string): PkiError => new PkiError("REQUEST_MALFORMED", what);

/** The name of a service as it stands in its SPIFFE id. Throws REQUEST_MALFORMED. */
export function parseServiceName(name: string): string {
  if (!ServiceName.safeParse(name).success)
    throw malformed('a service is named by 1 to 63 of: small letters, digits, ".", "_", "-"');
  return name;
}

/** What is said of `service`. Empty: type "service", dialect "auto", the first of `profiles`. Throws REQUEST_MALFORMED naming the field, PROFILE_NOT_ALLOWED. */
export function parseServiceFields(
  service: string,
  said: Partial<Record<keyof ServiceFields, unknown>>,
  profiles: readonly string[],
): ServiceFields {
  const result = Fields.safeParse({
    ...said,
    type: said.type || "service",
    healthDialect: said.healthDialect || "auto",
    profile: said.profile || profiles[0],
  });
  if (!result.success) {
    const [issue] = result.error.issues;
    throw malformed(`${issue?.path.join(".")}: ${issue?.message}`);
  }
  const fields = result.data;
  if (!profiles.includes(fields.profile))
    throw new PkiError("PROFILE_NOT_ALLOWED", `${fields.profile} is not for services that enrol`);
  if (fields.managedBy === service || fields.dependsOn.includes(service))
    throw malformed("a service neither depends on itself nor looks after itself");
  for (const names of [fields.dnsNames, fields.ipAddresses, fields.dependsOn])
    if (new Set(names).size !== names.length) throw malformed("a name comes twice");
  return fields;
}
