import { PkiError } from "@vcc-pki/errors";
import { HistoryServiceDefinition } from "@vcc-pki/proto/lifecycle";
import { type Callers, implement, type ServiceImplementation } from "@vcc-pki/rpc";
import type { Administrators } from "@vcc-pki/service";
import type { ManagedCertificate } from "../certificate.ts";
import type { CertificateTable, Cursor } from "../store/certificates.ts";
import type { ChangeTable } from "../store/changes.ts";
import { certificateToProto, changeToProto, stateFromProto } from "./messages.ts";

export interface HistoryDoor {
  readonly administrators: Administrators;
  readonly certificates: CertificateTable;
  readonly changes: ChangeTable;
}

/** Administrators come through the gateway. */
const CALLERS: Callers<typeof HistoryServiceDefinition> = { getHistory: ["gateway"], list: ["gateway"] };

const MAX_LINE = 100;
const DEFAULT_PAGE = 100;
const MAX_PAGE = 1_000;

export function historyService({ administrators, certificates, changes }: HistoryDoor): ServiceImplementation {
  return implement(
    HistoryServiceDefinition,
    {
      async getHistory({ organisation: named, certificateId }, context) {
        const organisation = await administrators.resolveOrganisation(context, named);
        const line = certificates.line(find(certificates, organisation, certificateId), MAX_LINE);
        return {
          certificates: line.toReversed().map((certificate) => ({
            certificate: certificateToProto(certificate),
            changes: changes.of(certificate).map(changeToProto),
          })),
        };
      },

      async list({ organisation: named, state, profile, expiresBefore, pageSize, pageToken }, context) {
        const organisation = await administrators.resolveOrganisation(context, named);
        const filter = { organisation, state: stateFromProto(state), profile, expiresBefore };
        const size = Math.min(pageSize || DEFAULT_PAGE, MAX_PAGE);
        const page = certificates.page(filter, decodeCursor(pageToken), size + 1);
        const [shown, last] = [page.slice(0, size), page[size - 1]];
        const next = page.length > size && last ? encodeCursor(last) : "";
        return { certificates: shown.map(certificateToProto), nextPageToken: next };
      },
    },
    CALLERS,
  );
}

/** By certificate id, or by serial number in hex. Throws NOT_FOUND, AMBIGUOUS when two authorities used the serial number. */
function find(certificates: CertificateTable, organisation: string, id: string): ManagedCertificate {
  const [certificate, second] = /^([0-9a-fA-F]{2}){1,20}$/.test(id)
    ? certificates.findBySerial(organisation, id.toLowerCase())
    : [certificates.find({ organisation, certificateId: id })];
  if (certificate === undefined) throw new PkiError("NOT_FOUND", "no such certificate");
  if (second !== undefined)
    throw new PkiError("AMBIGUOUS", "several certificates have this serial number: use the certificate id");
  return certificate;
}

const encodeCursor = ({ notAfter, certificateId }: ManagedCertificate): string =>
  Buffer.from(JSON.stringify([notAfter.getTime(), certificateId])).toString("base64url");

function decodeCursor(token: string): Cursor | undefined {
  if (token === "") return undefined;
  try {
    const [notAfterMs, certificateId, more] = JSON.parse(Buffer.from(token, "base64url").toString("utf8"));
    if (Number.isSafeInteger(notAfterMs) && typeof certificateId === "string" && more === undefined)
      return { notAfterMs, certificateId };
  } catch {
    // Answered below, as any other token that is not ours.
  }
  throw new PkiError("REQUEST_MALFORMED", "not a page token of this service");
}
