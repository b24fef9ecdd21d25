import type { Authority } from "@vcc-pki/gateway/api";
import { expect, it } from "vitest";
import { drawTree } from "./tree.ts";

const authority = (ca_id: string, parent_ca_id?: string, more: Partial<Authority> = {}): Authority => ({
  ca_id,
  parent_ca_id,
  organization_id: "vcc",
  status: "active",
  subject_dn: `CN=${ca_id.toUpperCase()},O=VCC`,
  key_algorithm: "ec-p384",
  expires_at: "2046-11-01T00:00:00.000Z",
  profiles: [],
  created_at: "2026-11-01T00:00:00.000Z",
  token: "software token (SoftHSM)",
  ...more,
});

it("draws children below their parents, with validity, key and any state but active", () => {
  const tree = drawTree([
    authority("tsa", "root", { status: "pending", expires_at: undefined }),
    authority("root"),
    authority("partner", "external", { status: "revoked", subject_dn: "CN=A\\, B,O=C" }),
    authority("external", "root"),
  ]);
  expect(tree).toBe(
    [
      "ROOT [root] · ec-p384 · valid to 2046-11-01 00:00 UTC",
      "├── EXTERNAL [external] · ec-p384 · valid to 2046-11-01 00:00 UTC",
      "│   └── A\\, B [partner] · ec-p384 · valid to 2046-11-01 00:00 UTC · REVOKED",
      "└── TSA [tsa] · ec-p384 · no certificate yet · PENDING",
    ].join("\n"),
  );
});

it("shows an authority whose parent belongs to somebody else at the left edge", () => {
  expect(drawTree([authority("partner", "not-mine")])).toMatch(/^PARTNER/);
});

it("lets no name draw on the terminal", () => {
  expect(drawTree([authority("a", undefined, { subject_dn: "CN=\u001b[2Jx" })])).not.toContain("\u001b");
});
