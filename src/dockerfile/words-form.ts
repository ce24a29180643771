import { readJsonForm } from './json-form.ts';
import { problem } from './problems.ts';
import type { Found } from './raw.ts';
import { type Piece, splitBlanks, wholeWord } from './source.ts';

/** The words of EXPOSE (between blanks) or VOLUME (a JSON array, or between blanks). */
export function readWords(kind: 'EXPOSE' | 'VOLUME', rest: Piece): Found<object> {
  const json = kind === 'VOLUME' ? readJsonForm(rest) : ({ kind: 'none' } as const);
  const { range } = wholeWord(rest);
  if (json.kind === 'mixed') {
    return {
      value: undefined,
      problems: [problem('DOCKERFILE_JSON_NOT_STRINGS', { name: kind }, range)],
    };
  }
  const words = json.kind === 'strings' ? json.words : splitBlanks(rest);
  const message =
    words.length === 0
      ? `${kind} requires at least one argument`
      : words.some((word) => word.text.trim() === '')
        ? `${kind} specified can not be an empty string`
        : undefined;
  if (message !== undefined) {
    return { value: undefined, problems: [problem('DOCKERFILE_ARGUMENTS', { message }, range)] };
  }
  return { value: { kind, words, json: json.kind === 'strings' }, problems: [] };
}
