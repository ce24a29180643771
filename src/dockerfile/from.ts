import type { Range, Word } from './ast.ts';
import { problem } from './problems.ts';
import type { Found } from './raw.ts';

/** A stage name in lower case (spec build.md a.6). */
const STAGE_NAME = /^[a-z][a-z0-9\-_.]*$/;

/** `image` or `image AS name`. */
export function readFrom(words: readonly Word[], keyword: Range): Found<object> {
  const [image, as, name] = words;
  if (image === undefined || (words.length !== 1 && words.length !== 3)) return wrongCount(words, keyword);
  if (as === undefined || name === undefined) return { value: { kind: 'FROM', image }, problems: [] };
  if (as.text.toLowerCase() !== 'as') return wrongCount(words, keyword);
  if (!STAGE_NAME.test(name.text.toLowerCase())) {
    return {
      value: undefined,
      problems: [problem('DOCKERFILE_STAGE_NAME', { name: name.text }, name.range)],
    };
  }
  return { value: { kind: 'FROM', image, as: { keyword: as, name } }, problems: [] };
}

function wrongCount(words: readonly Word[], keyword: Range): Found<never> {
  const end = words.at(-1)?.range.end ?? keyword.end;
  const message = 'FROM requires either one or three arguments';
  const facts = { message, hint: 'FROM image, or FROM image AS name' };
  return {
    value: undefined,
    problems: [problem('DOCKERFILE_ARGUMENTS', facts, { start: keyword.start, end })],
  };
}
