import { randomUUIDv7 } from "node:crypto";
import { CreatedToken, EnrolmentToken, EnrolmentTokenList, type TokenCreation } from "@vcc-pki/gateway/api";
import type { Session } from "../session.ts";
import { fields, table } from "../table.ts";
import { date, dateWithDistance } from "../when.ts";

const TOKENS = "/api/v1/enrolment/tokens";

export interface CreateTokenOptions {
  readonly dns?: string[];
  readonly ip?: string[];
  readonly profile?: string;
  readonly validFor?: number;
  readonly network?: string;
  readonly spkiSha256?: string;
}

/** The token alone goes to standard output, so that it can be piped; what it is for to standard error. */
export async function createToken(service: string, options: CreateTokenOptions, session: Session): Promise<void> {
  const { settings, client, io } = session;
  const body: TokenCreation = {
    ...{ service, dns_names: options.dns, ip_addresses: options.ip, profile: options.profile },
    ...{ network: options.network, spki_sha256: options.spkiSha256 },
    valid_for_seconds: options.validFor === undefined ? undefined : Math.ceil(options.validFor / 1_000),
  };
  const query = { organisation: settings.organisation };
  const requestId = randomUUIDv7();
  const made = await client.call({ method: "POST", path: TOKENS, query, body, requestId, answer: CreatedToken });
  session.note(
    fields([
      ["service", `${made.service} of ${made.organisation}`],
      ["names", [...made.dns_names, ...made.ip_addresses].join("\n")],
      ["profile", made.profile],
      ["from", made.network],
      ["key", made.spki_sha256],
      ["expires", dateWithDistance(made.expires_at, io.clock.now())],
      ["token", `${made.token_id}; it is shown this once`],
    ]),
  );
  session.result(made, () => made.token);
}

export async function listTokens({ service }: { service?: string }, session: Session): Promise<void> {
  const query = { organisation: session.settings.organisation, service };
  const found = await session.client.call({ path: TOKENS, query, answer: EnrolmentTokenList });
  session.result(found, () => {
    const rows = found.tokens.map((each) => [
      ...[each.token_id, each.service, each.status, date(each.expires_at), date(each.used_at), each.created_by],
    ]);
    return table(["id", "service", "status", "expires", "used", "made by"], rows, "no tokens");
  });
}

export async function revokeToken(id: string, session: Session): Promise<void> {
  const path = `${TOKENS}/${encodeURIComponent(id)}`;
  const query = { organisation: session.settings.organisation };
  const revoked = await session.client.call({ method: "DELETE", path, query, answer: EnrolmentToken });
  session.result(revoked, () => `${revoked.token_id} for ${revoked.service}: ${revoked.status}`);
}
