/** The meanings that colours carry in every face; a mark stands beside each, never colour alone. */
const CODES = {
  added: 32,
  changed: 33,
  metadata: 35,
  removed: 31,
  hidden: 2,
  accent: 33,
  strong: 1,
  quiet: 2,
} as const;

export type Meaning = keyof typeof CODES;
export type Paint = (meaning: Meaning, text: string) => string;

/** Wraps text in the escape sequences of a meaning, or leaves it alone where colours are off. */
export const createPaint = (on: boolean): Paint =>
  on ? (meaning, text) => `\u001b[${CODES[meaning]}m${text}\u001b[0m` : (_meaning, text) => text;
