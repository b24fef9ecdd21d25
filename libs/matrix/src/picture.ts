import { createRequire } from "node:module";
import { Graphviz } from "@hpcc-js/wasm-graphviz";
import { Resvg } from "@resvg/resvg-js";
import { graphDot } from "./graph.ts";
import type { Matrix } from "./rule.ts";

const FONT = createRequire(import.meta.url).resolve("dejavu-fonts-ttf/ttf/DejaVuSans.ttf");
/** Sharp on a screen of twice the density, too. */
const PNG_SCALE = 2;

/** The matrix as a picture: SVG text, with a title for those who do not see it. */
export async function matrixSvg(matrix: Matrix, title: string): Promise<string> {
  const graphviz = await Graphviz.load();
  const svg = graphviz.layout(graphDot(matrix, title), "svg", "dot");
  return svg.replace("<svg ", '<svg role="img" aria-label="Communication matrix" ');
}

/** The same as PNG, with a font of our own: a server has none. */
export async function matrixPng(matrix: Matrix, title: string): Promise<Uint8Array> {
  const svg = await matrixSvg(matrix, title);
  const font = { fontFiles: [FONT], loadSystemFonts: false, defaultFontFamily: "DejaVu Sans" };
  return new Resvg(svg, { font, fitTo: { mode: "zoom", value: PNG_SCALE } }).render().asPng();
}
