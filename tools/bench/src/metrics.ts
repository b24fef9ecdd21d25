/** All values of a Prometheus metric of the service whose health port this is, added up: those with these labels, or all. 0 while there
 *  is none. */
export async function readMetric(healthPort: number, name: string, labels: string[] = []): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${healthPort}/metrics`);
  return sumOf(await response.text(), name, labels);
}

/** `labels` as they are written: `kind="ahead"`. */
export function sumOf(text: string, name: string, labels: readonly string[] = []): number {
  let sum = 0;
  for (const line of text.split("\n")) {
    const [, metric, labelled = "", value] = /^([A-Za-z0-9_:]+)(\{.*\})? (\S+)/.exec(line) ?? [];
    if (metric === name && labels.every((label) => labelled.includes(label))) sum += Number(value);
  }
  return sum;
}
