import type { Step } from '../graph.ts';

/**
 * A step's text on one line as its Dockerfile has it, where `step.text` has values of arguments in place of their names: a record holds none that
 * the file does not hold. Of a trigger that stands in another file the text as it is, but for the value of an ARG.
 */
export function writtenText(
  { text, origin, implied }: Pick<Step, 'text' | 'origin' | 'implied'>,
  dockerfile: string,
): string {
  const [line = ''] = text.split('\n', 1);
  const [keyword = ''] = line.split(' ', 1);
  // The shell expands what RUN says, not the language.
  if (implied === true || keyword === 'RUN') return line;
  const source = dockerfile.slice(origin.start.offset, origin.end.offset);
  if (source.slice(0, keyword.length).toUpperCase() !== keyword)
    return keyword === 'ARG' ? line.replace(/=.*$/s, '') : line;
  return keyword + oneLine(source.slice(keyword.length));
}

function oneLine(source: string): string {
  const joined = source.replace(/[\\`][ \t]*\r?\n(?:[ \t]*(?:#.*)?\r?\n)*/g, ' ');
  return (joined.split(/\r?\n/, 1)[0] ?? '').replace(/[ \t]+/g, ' ').trimEnd();
}
