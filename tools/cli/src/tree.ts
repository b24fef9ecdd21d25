import type { Authority } from "@vcc-pki/gateway/api";
import { printable } from "./table.ts";
import { date } from "./when.ts";

/** The hierarchy with validity and key, children in the order of their ids. An authority whose parent is not shown (another
 *  organisation's) stands at the left edge like a root. */
export function drawTree(authorities: readonly Authority[]): string {
  const shown = new Set(authorities.map((authority) => authority.ca_id));
  const childrenOf = Map.groupBy(
    authorities.toSorted((a, b) => (a.ca_id < b.ca_id ? -1 : 1)),
    ({ parent_ca_id: parent }) => (parent !== undefined && shown.has(parent) ? parent : undefined),
  );

  const branch = (authority: Authority, lead: string): string[] => {
    const children = childrenOf.get(authority.ca_id) ?? [];
    return children.flatMap((child, index) => {
      const last = index === children.length - 1;
      const stem = `${lead}${last ? "└── " : "├── "}`;
      return [stem + describe(child), ...branch(child, `${lead}${last ? "    " : "│   "}`)];
    });
  };
  const roots = childrenOf.get(undefined) ?? [];
  return roots.flatMap((root) => [describe(root), ...branch(root, "")]).join("\n");
}

function describe(authority: Authority): string {
  const validity = authority.expires_at === undefined ? "no certificate yet" : `valid to ${date(authority.expires_at)}`;
  const state = authority.status === "active" ? [] : [authority.status.toUpperCase()];
  return [`${commonName(authority)} [${authority.ca_id}]`, authority.key_algorithm, validity, ...state].join(" · ");
}

/** The CN of an RFC 4514 name, or all of it when there is none. For people only. */
function commonName({ subject_dn: subject }: Authority): string {
  const found = /(?:^|,)CN=((?:\\.|[^,\\])*)/.exec(subject)?.[1];
  return printable(found ?? subject);
}
