import { describe, expect, it } from "vitest";
import { formatToken, isSecret, newId, newSecret, parseToken } from "./secret.ts";

describe("a token", () => {
  it("is read as it was written, and proves itself", () => {
    const [id, secret] = [newId(), newSecret()];
    const parsed = parseToken(formatToken(id, secret));
    expect(parsed).toEqual({ tokenId: id, secret: secret.text });
    expect(isSecret(parsed?.secret ?? "", secret.sha256)).toBe(true);
    expect(isSecret(newSecret().text, secret.sha256)).toBe(false);
  });

  it.each(["", "vcc-enrol-1.a.b", "vcc-enrol-2.aaaaaaaaaaaaaaaa.", `vcc-enrol-1.${"a".repeat(16)}.${"a".repeat(44)}`])(
    "is not %j",
    (text) => expect(parseToken(text)).toBeUndefined(),
  );
});
