import { PkiError } from "@vcc-pki/errors";
import { type Certificate, parseTbsCertificate, type TbsCertificate } from "../certificate.ts";
import { parseTbsCertList, type TbsCertList } from "../crl.ts";
import { EXTENSION_RULES } from "./certificate-extensions.ts";
import { FIELD_RULES } from "./certificate-fields.ts";
import { CRL_RULES, EntryFindings } from "./certificate-list.ts";
import { NAME_RULES } from "./certificate-names.ts";
import { USAGE_RULES } from "./certificate-usage.ts";
import { type Finding, runRules } from "./rule.ts";

/** What is wrong with a certificate about to be signed; empty is clean. `issuer` is the certificate of the CA that will sign,
 *  undefined for a self-signed root. Octets that do not parse are the one finding "well-formed". */
export const lintTbsCertificate = (tbsDer: Uint8Array, issuer: Certificate | undefined): Finding[] =>
  parseAndLint(tbsDer, issuer).findings;

/** The same with what was parsed, which is there if all is clean. */
export function parseAndLint(
  tbsDer: Uint8Array,
  issuer: Certificate | undefined,
): { readonly findings: Finding[]; readonly tbs: TbsCertificate | undefined } {
  let tbs: TbsCertificate | undefined;
  const findings = orMalformed(() => {
    const parsed = parseTbsCertificate(tbsDer);
    tbs = parsed;
    return [FIELD_RULES, EXTENSION_RULES, USAGE_RULES, NAME_RULES].flatMap((rules) => runRules(rules, parsed, issuer));
  });
  return { findings, tbs };
}

/** What is wrong with a CRL about to be signed by `issuer`; empty is clean. */
export const lintTbsCertList = (tbsDer: Uint8Array, issuer: Certificate): Finding[] =>
  parseAndLintList(tbsDer, issuer).findings;

/** The same with what was parsed, which is there if all is clean. */
export function parseAndLintList(
  tbsDer: Uint8Array,
  issuer: Certificate,
): { readonly findings: Finding[]; readonly tbs: TbsCertList | undefined } {
  let tbs: TbsCertList | undefined;
  const findings = orMalformed(() => {
    const entries = new EntryFindings();
    const parsed = parseTbsCertList(tbsDer, entries.look);
    tbs = parsed;
    return [...runRules(CRL_RULES, parsed, issuer), ...entries.of(parsed)];
  });
  return { findings, tbs };
}

/** A parser's refusal is a finding; anything else is a bug and passes through. */
function orMalformed(lint: () => Finding[]): Finding[] {
  try {
    return lint();
  } catch (error) {
    if (error instanceof PkiError) return [{ rule: "well-formed", message: error.message }];
    throw error;
  }
}
