import type { Directive, Problem } from './ast.ts';
import { problem } from './problems.ts';
import type { Source, TextLine } from './source.ts';

const DIRECTIVE = /^([\t\v\f\r ]*#\s*)([a-zA-Z][a-zA-Z0-9]*)(\s*=\s*)(.+?)\s*$/;
const NAMES = ['syntax', 'escape', 'check'] as const;
const BUILT_IN_SYNTAX = /^(?:docker\.io\/)?(?:docker\/dockerfile|docker\/dockerfile-upstream)(?:[:@].*)?$/;

export interface Head {
  readonly directives: readonly Directive[];
  readonly escape: '\\' | '`';
  readonly problems: readonly Problem[];
}

/** The parser directives: they end at the first line that is none, be it a comment, a blank line or an unknown key. `start` is behind a byte order mark. */
export function readDirectives(source: Source, lines: readonly TextLine[], start: number): Head {
  const directives: Directive[] = [];
  const problems: Problem[] = [];
  let escapeChar: '\\' | '`' = '\\';
  for (const [index, line] of lines.entries()) {
    const from = index === 0 ? start : line.start;
    const match = DIRECTIVE.exec(source.text.slice(from, line.end));
    const name = NAMES.find((known) => known === match?.[2]?.toLowerCase());
    if (match === null || name === undefined) break;
    const text = match[4]!;
    const at = from + match[1]!.length + match[2]!.length + match[3]!.length;
    const range = source.range(from, line.end);
    const value = { text, range: source.range(at, at + text.length) };
    if (directives.some((earlier) => earlier.name === name)) {
      problems.push(problem('DOCKERFILE_DIRECTIVE_TWICE', { name }, range));
      continue;
    }
    directives.push({ name, value, range });
    if (name === 'escape') {
      if (text === '\\' || text === '`') escapeChar = text;
      else problems.push(problem('DOCKERFILE_ESCAPE', { value: text }, value.range));
    }
    if (name === 'syntax' && !BUILT_IN_SYNTAX.test(text)) {
      problems.push(problem('DOCKERFILE_SYNTAX', { value: text }, value.range));
    }
  }
  return { directives, escape: escapeChar, problems };
}
