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
