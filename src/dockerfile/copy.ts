import type { Heredoc, Word } from './ast.ts';
import { readJsonForm } from './json-form.ts';
import { problem } from './problems.ts';
import type { Found } from './raw.ts';
import { type Piece, splitBlanks, wholeWord } from './source.ts';

/** Sources and destination of COPY or ADD; heredocs are sources of their own, at their place among the others. */
export function readCopy(
  kind: 'COPY' | 'ADD',
  rest: Piece,
  heredocs: readonly Heredoc[],
): Found<{
  readonly kind: 'COPY' | 'ADD';
  readonly sources: readonly Word[];
  readonly dest: Word;
  readonly json: boolean;
}> {
  const json = readJsonForm(rest);
  const { range } = wholeWord(rest);
  if (json.kind === 'mixed') {
    return {
      value: undefined,
      problems: [problem('DOCKERFILE_JSON_NOT_STRINGS', { name: kind }, range)],
    };
  }
  const words =
    json.kind === 'strings' ? json.words : splitBlanks(rest).filter((word) => !isHeredoc(word, heredocs));
  const last = heredocs.at(-1);
  if (last !== undefined && last.word.range.end.offset === range.end.offset) {
    return { value: undefined, problems: [problem('DOCKERFILE_HEREDOC_DEST', {}, last.word.range)] };
  }
  const dest = words.at(-1);
  if (dest === undefined || words.length + heredocs.length < 2) {
    const message =
      dest === undefined
        ? `${kind} requires at least one argument`
        : `${kind} requires at least two arguments, but only one was provided. Destination could not be determined`;
    return { value: undefined, problems: [problem('DOCKERFILE_ARGUMENTS', { message }, range)] };
  }
  return {
    value: { kind, sources: words.slice(0, -1), dest, json: json.kind === 'strings' },
    problems: [],
  };
}

/** A word between blanks that is a heredoc's, or a part of one (`<< EOF`, `<<"one two"`). */
function isHeredoc(word: Word, heredocs: readonly Heredoc[]): boolean {
  return heredocs.some(
    ({ word: { range } }) =>
      word.range.start.offset >= range.start.offset && word.range.end.offset <= range.end.offset,
  );
}
