import { parseTimeStampReq } from "@vcc-pki/x509";
import { describe, expect, it } from "vitest";
import { questionPattern } from "./questions.ts";

describe("the pattern of a question", () => {
  it.each([0x00, 0x7f, 0x80, 0xff])("is a good request whatever is random (%i)", (octet) => {
    const { pattern, random } = questionPattern();
    const question = Buffer.from(pattern);
    for (const { offset, length } of random) question.fill(octet, offset, offset + length);
    const { messageImprint, nonce, certReq } = parseTimeStampReq(question);
    expect(messageImprint.digest).toEqual(Buffer.alloc(32, octet));
    expect(nonce).toEqual(Buffer.from([0x40, ...Buffer.alloc(8, octet)]));
    expect(certReq).toBe(true);
  });
});
