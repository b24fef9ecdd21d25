import { describe, expect, it } from "vitest";
import { sumOf } from "./metrics.ts";

const TEXT = `# HELP pki_ocsp_answers_total OCSP answers sent
# TYPE pki_ocsp_answers_total counter
pki_ocsp_answers_total{kind="ahead"} 40
pki_ocsp_answers_total{kind="on-demand"} 2
pki_ocsp_answers_total_created 7
pki_ocsp_certificates 1e+6
`;

describe("metrics", () => {
  it("adds up all values of a metric, or those with a label", () => {
    expect(sumOf(TEXT, "pki_ocsp_answers_total")).toBe(42);
    expect(sumOf(TEXT, "pki_ocsp_answers_total", ['kind="ahead"'])).toBe(40);
    expect(sumOf(TEXT, "pki_ocsp_certificates")).toBe(1_000_000);
    expect(sumOf(TEXT, "none")).toBe(0);
  });
});
