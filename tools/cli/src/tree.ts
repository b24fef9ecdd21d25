import type { Authority } from "@vcc-pki/gateway/api";
import { printable } from "./table.ts";
import { date } from "./when.ts";

export interface TreeNode {
  readonly label: string;
  readonly children: readonly TreeNode[];
}

/** Each root at the left edge, what is below it drawn as branches. */
export function drawNodes(roots: readonly TreeNode[]): string {
  const branch = ({ children }: TreeNode, lead: string): string[] =>
    children.flatMap((child, index) => {
      const last = index === children.length - 1;
      const stem = `${lead}${last ? "└── " : "├── "}`;
      return [stem + child.label, ...branch(child, `${lead}${last ? "    " : "│   "}`)];
    });
  return roots.flatMap((root) => [root.label, ...branch(root, "")]).join("\n");
}

/** The hierarchy with validity and key, children in the order of their ids. An authority whose parent is not shown (another
 *  organisation's) stands at the left edge like a root. */
export function drawTree(authorities: readonly Authority[]): string {
  const shown = new Set(authorities.map((authority) => authority.ca_id));
  const childrenOf = Map.groupBy(
    authorities.toSorted((a, b) => (a.ca_id < b.ca_id ? -1 : 1)),
    ({ parent_ca_id: parent }) => (parent !== undefined && shown.has(parent) ? parent : undefined),
  );
  const below = (parent: string | undefined): TreeNode[] =>
    (childrenOf.get(parent) ?? []).map((child) => ({ label: describe(child), children: below(child.ca_id) }));
  return drawNodes(below(undefined));
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
