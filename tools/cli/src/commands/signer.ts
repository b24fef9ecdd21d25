import { randomUUIDv7 } from "node:crypto";
import { Signer, type SignerCreation, SignerList } from "@vcc-pki/gateway/api";
import { type Session, scopeOf } from "../session.ts";
import { fields, table } from "../table.ts";
import { date, dateWithDistance } from "../when.ts";

export interface CreateSignerOptions {
  readonly profile: NonNullable<SignerCreation["profile"]>;
  readonly keyAlgorithm: NonNullable<SignerCreation["key_algorithm"]>;
  readonly requestId?: string;
}

/** A key in the token and a certificate for it. Of a signer that has one already it is the next. */
export async function createSigner(signer: string, options: CreateSignerOptions, session: Session): Promise<void> {
  const { requestId = randomUUIDv7(), profile, keyAlgorithm } = options;
  const body: SignerCreation = { signer, profile, key_algorithm: keyAlgorithm };
  const call = { method: "POST", path: "/api/v1/signers", query: scopeOf(session), body, requestId } as const;
  const asked = session.client.call({ ...call, answer: Signer });
  const made = await session.during(`making a key and a certificate for ${signer}`, asked);
  session.result(made, () => signerText(made, session));
}

const signerText = (made: Signer, { io }: Session): string =>
  fields([
    ["signer", `${made.signer} of ${made.organization_id}`],
    ["key", `${made.signer_key_id} (${made.key_algorithm})`],
    ["profile", made.profile],
    ["state", made.state],
    ["expires", dateWithDistance(made.expires_at, io.clock.now())],
  ]);

export interface ListSignersOptions {
  readonly signer?: string;
}

export async function listSigners({ signer }: ListSignersOptions, session: Session): Promise<void> {
  const found = await session.client.call({
    path: "/api/v1/signers",
    query: { ...scopeOf(session), signer },
    answer: SignerList,
  });
  session.result(found, () => {
    const rows = found.signers.map((each) => [
      each.signer,
      each.state,
      each.key_algorithm,
      each.profile,
      date(each.expires_at),
      each.signer_key_id,
    ]);
    return table(["signer", "state", "key", "profile", "expires", "id"], rows, "no signers: see vcc-pki signer create");
  });
}

export interface RetireSignerOptions {
  readonly yes?: boolean;
}

export async function retireSigner(id: string, { yes }: RetireSignerOptions, session: Session): Promise<void> {
  await session.confirm(`${id} will sign nothing any more. Retire it?`, yes);
  const path = `/api/v1/signers/${encodeURIComponent(id)}/retire`;
  const retired = await session.client.call({
    method: "POST",
    path,
    query: scopeOf(session),
    body: {},
    answer: Signer,
  });
  session.result(retired, () => signerText(retired, session));
}
