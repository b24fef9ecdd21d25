import { describe, expect, it } from "vitest";
import { CORRUPTED_PATHS, PATHS_ONLY_WE_ACCEPT, PATHS_ONLY_WE_REFUSE, SOUND_PATHS } from "./path-cases.ts";
import { verdicts } from "./path-chain.ts";

/* OpenSSL is asked the same questions about the same chains: `openssl verify -x509_strict -policy … -crl_check_all`. */

describe("sound chains are accepted by OpenSSL and by us", () => {
  it.each(SOUND_PATHS)("%s", (_, spec) => expect(verdicts(spec)).toEqual({ ours: "ok", openssl: true }));
});

describe("corrupted chains are refused by OpenSSL and by us", () => {
  it.each(CORRUPTED_PATHS)("%s", (_, reason, spec) => {
    expect(verdicts(spec)).toEqual({ ours: reason, openssl: false });
  });
});

describe("where OpenSSL decides otherwise", () => {
  it.each(PATHS_ONLY_WE_REFUSE)("%s", (_, reason, spec) => {
    expect(verdicts(spec)).toEqual({ ours: reason, openssl: true });
  });

  it.each(PATHS_ONLY_WE_ACCEPT)("%s", (_, spec) => expect(verdicts(spec)).toEqual({ ours: "ok", openssl: false }));
});
