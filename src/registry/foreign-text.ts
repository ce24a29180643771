/** Controls, line and paragraph separators, and what turns the direction of text. */
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]+/g;

/** A text from outside as it may stand in a message: on one line, without control characters, at most `limit` characters. */
export function foreignText(text: string, limit = 300): string {
  const clean = text
    .slice(0, 4 * limit)
    .replace(UNPRINTABLE, ' ')
    .trim();
  return clean.length > limit ? `${clean.slice(0, limit)}…` : clean;
}
