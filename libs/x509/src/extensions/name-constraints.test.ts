import { describe, expect, it } from "vitest";
import { leafTbs, makeCa } from "../../test/authority.ts";
import { openssl } from "../../test/openssl.ts";
import { buildName, nameConstraints, onlyTheseNames, pemEncode, subjectAltName } from "../index.ts";

const ca = makeCa();

describe("onlyTheseNames", () => {
  const constrained = makeCa(
    "Constrained CA",
    {
      constraints: nameConstraints(
        onlyTheseNames({ dns: ["vcc.internal"], uri: ["vcc.internal"], ip: ["10.0.0.0/8"] }),
      ),
    },
    ca,
  );
  const verify = (names: Parameters<typeof subjectAltName>[0], subject = buildName([])) => {
    const tbsDer = leafTbs(constrained, { subject, extensions: { subjectAltName: subjectAltName(names, true) } });
    const files = {
      "root.pem": pemEncode("CERTIFICATE", ca.certificate.der),
      "ca.pem": pemEncode("CERTIFICATE", constrained.certificate.der),
      "leaf.pem": pemEncode("CERTIFICATE", constrained.sign(tbsDer)),
    };
    try {
      openssl(
        ["verify", "-x509_strict", "-CAfile", "root.pem", "-untrusted", "ca.pem", "-attime", "1780000000", "leaf.pem"],
        files,
      );
      return "OK";
    } catch (error) {
      return /error \d+ at 0 depth lookup: (.*)/.exec((error as { stdout: string }).stdout)?.[1];
    }
  };

  it("lets OpenSSL accept the listed names", () => {
    expect(verify({ dns: ["argus.vcc.internal"], uri: ["spiffe://vcc.internal/pki/ca"], ip: ["10.1.2.3"] })).toBe("OK");
  });

  it.each([
    ["another DNS name", { dns: ["argus.vcc.local"] }, "permitted subtree violation"],
    ["a DNS name that only ends alike", { dns: ["argus.evilvcc.internal"] }, "permitted subtree violation"],
    ["another trust domain", { uri: ["spiffe://vcc.local/pki/ca"] }, "permitted subtree violation"],
    ["another IP address", { ip: ["11.0.0.1"] }, "permitted subtree violation"],
    ["an IPv6 address", { ip: ["2001:db8::1"] }, "permitted subtree violation"],
    ["a mailbox", { email: ["a@vcc.internal"] }, "permitted subtree violation"],
    ["a directory name", { directory: [buildName([["CN", "x"]])] }, "excluded subtree violation"],
  ])("lets OpenSSL refuse %s", (_, names, reason) => expect(verify(names)).toBe(reason));

  it("shuts the subject as well when no directory name is listed", () => {
    expect(verify({ dns: ["argus.vcc.internal"] }, buildName([["CN", "argus.vcc.internal"]]))).toBe(
      "excluded subtree violation",
    );
  });
});
