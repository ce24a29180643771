/** The fields of one line of comma-separated values, as `--output`, `--cache-to` and `--mount` are written: `"a,b"` is one field, `""` in it a quote. Undefined where a quote is not closed. */
export function commaFields(text: string): string[] | undefined {
  const fields: string[] = [];
  let field = '';
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (quoted) {
      if (char !== '"') field += char;
      else if (text[at + 1] === '"') field += text[++at];
      else quoted = false;
    } else if (char === '"' && field === '') quoted = true;
    else if (char === ',') {
      fields.push(field);
      field = '';
    } else field += char;
  }
  return quoted ? undefined : [...fields, field];
}

/** The values of `key=value` fields by their lower-case keys; of one key the last. @throws what `invalid` makes of a field without `=` */
export function keyValues(
  fields: readonly string[],
  invalid: (problem: string) => Error,
): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const field of fields) {
    const cut = field.indexOf('=');
    if (cut < 0) throw invalid(`invalid value ${JSON.stringify(field)}, want key=value`);
    values.set(field.slice(0, cut).trim().toLowerCase(), field.slice(cut + 1));
  }
  return values;
}
