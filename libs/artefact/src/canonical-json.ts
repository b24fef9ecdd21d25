/** A value of JSON without numbers, so that there is nothing to decide about their form. */
export type PlainJson =
  | string
  | boolean
  | null
  | readonly PlainJson[]
  | { readonly [key: string]: PlainJson | undefined };

/** JSON in its canonical form (RFC 8785): members by their names' UTF-16 units, no white space, the shortest escapes. Members that are
 *  undefined are left out. */
export function canonicalJson(value: PlainJson): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (isList(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const members = Object.keys(value)
    .sort()
    .flatMap((key) => {
      const member = value[key];
      return member === undefined ? [] : [`${JSON.stringify(key)}:${canonicalJson(member)}`];
    });
  return `{${members.join(",")}}`;
}

const isList = (value: object): value is readonly PlainJson[] => Array.isArray(value);
