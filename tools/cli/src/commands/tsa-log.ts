import { TokenList, TsaStatus } from "@vcc-pki/gateway/api";
import type { HashAlgorithm } from "@vcc-pki/x509";
import { EXIT } from "../exit-codes.ts";
import { hashFile } from "../hash-file.ts";
import type { Session } from "../session.ts";
import { fields, table } from "../table.ts";
import { date, dateWithDistance } from "../when.ts";

/** The clock and the units. Exit code 3 when the time is not proven or one does not sign. */
export async function showTsaStatus(session: Session): Promise<void> {
  const { client, io } = session;
  const status = await client.call({ path: "/api/v1/tsa/status", answer: TsaStatus });
  const { replica, clock, units, tokens } = status;
  if ([clock, ...units].some(({ unavailable }) => unavailable !== undefined)) session.conclude(EXIT.refused);
  session.result(status, () => {
    const head = fields([
      ["clock", clockText(clock, io.paint)],
      ["evidence", clock.evidence_id && `${clock.evidence_id}, ${date(clock.evidence_taken_at)}`],
      [
        "offset",
        clock.unproven
          ? undefined
          : `${clock.offset_ms.toFixed(3)} ms, wrong by ${clock.error_ms.toFixed(3)} ms at most`,
      ],
      ["tokens", String(tokens)],
      ["replica", replica],
    ]);
    const rows = units.map((unit) => [
      unit.test ? `${unit.unit} (test)` : unit.unit,
      unit.unavailable === undefined ? io.paint("green", "signs") : io.paint("red", unit.unavailable),
      unit.policies.join(" "),
      unit.key_algorithm,
      `${unit.accuracy_ms} ms`,
      dateWithDistance(unit.signs_until, io.clock.now()),
    ]);
    return `${head}\n\n${table(["unit", "", "policies", "key", "accuracy", "key signs until"], rows, "no units")}`;
  });
}

function clockText({ unavailable, unproven }: TsaStatus["clock"], paint: Session["io"]["paint"]): string {
  if (unproven) return paint("yellow", "not proven: for trying out, time stamps prove nothing");
  return unavailable === undefined ? paint("green", "proven") : paint("red", `not proven: ${unavailable}`);
}

export interface FindOptions {
  readonly hash: HashAlgorithm;
  readonly limit: number;
}

/** Time stamps in the log over a digest, or over a file's. Exit code 3 when there is none. */
export async function findTimeStamps(what: string, { hash, limit }: FindOptions, session: Session): Promise<void> {
  const digest = /^([0-9a-fA-F]{2}){32,64}$/.test(what) ? what : (await hashFile(what, hash, session)).toString("hex");
  const query = { digest, page_size: limit };
  const found = await session.client.call({ path: "/api/v1/tsa/tokens", query, answer: TokenList });
  if (found.tokens.length === 0) session.conclude(EXIT.refused);
  session.result(found, () => {
    const rows = found.tokens.map((token) => [
      token.gen_time,
      token.test ? `${token.unit} (test)` : token.unit,
      token.policy,
      token.serial_number,
    ]);
    const more = found.next_page_token === undefined ? "" : `\nonly the newest ${limit}: see --limit`;
    return table(["time", "unit", "policy", "serial"], rows, "not stamped here") + more;
  });
}
