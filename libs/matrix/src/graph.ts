import { restrictionText } from "./difference.ts";
import { drawnIn, edgesOf } from "./reach.ts";
import { type Matrix, wordsOf } from "./rule.ts";

/** The matrix in the language of Graphviz: services as boxes, types around their members, isolated ones drawn double, arrows where the one
 *  may call the other, with what a call is restricted to. */
export function graphDot(matrix: Matrix, title: string): string {
  const { alike, nameOf } = drawnIn(matrix);
  const services = alike.flat().toSorted();
  const isolated = new Set(matrix.services.filter(({ isolation }) => isolation === "high").map(({ name }) => name));
  const isIsolated = (service: string) => wordsOf(service, matrix.types).some((word) => isolated.has(word));
  const node = (service: string) =>
    `${quoted(nameOf(service))} [${isIsolated(service) ? 'peripheries=2, color="#a4262c", tooltip="isolated: only who names it"' : ""}];`;

  const families = Map.groupBy(services, (service) => matrix.types[service] ?? service);
  const clusters = [...families].map(([type, members], i) => {
    const isFamily = members.length > 1;
    const nodes = members.map(node).join(" ");
    return isFamily
      ? `subgraph cluster_${i} { label=${quoted(type)}; style="rounded,dashed"; color="#8a8886"; ${nodes} }`
      : nodes;
  });
  const edges = edgesOf(matrix, alike).map(({ source, target, rule }) => {
    const text = restrictionText(rule);
    const label = text === "all" ? "" : `label=${quoted(text)}, style=dashed, `;
    return `${quoted(nameOf(source))} -> ${quoted(nameOf(target))} [${label}tooltip=${quoted(`${rule.id}, line ${rule.line}`)}];`;
  });
  return [
    "digraph matrix {",
    `label=${quoted(title)}; labelloc=t; rankdir=LR; bgcolor=white; fontname="DejaVu Sans"; fontsize=18; nodesep=0.35; ranksep=1.1;`,
    'node [shape=box, style="rounded,filled", fillcolor="#eef4fb", color="#2b579a", fontname="DejaVu Sans", fontsize=13, margin="0.18,0.1"];',
    'edge [color="#605e5c", fontname="DejaVu Sans", fontsize=10, arrowsize=0.8];',
    ...clusters,
    ...edges,
    "}",
  ].join("\n");
}

const quoted = (text: string): string => `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
