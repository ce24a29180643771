import { linePlace, templateError } from './errors.ts';

/** A place in a template's text that moves forward. */
export interface Cursor {
  readonly source: string;
  at(): number;
  peek(length?: number): string;
  skip(count: number): void;
  /** True if there was white space. */
  skipSpace(): boolean;
  /** The match of a sticky pattern here, passed over. */
  match(pattern: RegExp): string | undefined;
  /** Text up to the next action, trimmed as the markers beside it say. */
  text(): string;
  openAction(): boolean;
  closeAction(): void;
  /** True if the action is a comment, passed over as a whole. */
  comment(): boolean;
  /** True before `}}` or ` -}}`. */
  atClose(): boolean;
  keyword(): string | undefined;
  fail(why: string, at?: number): Error;
}

const KEYWORDS = /(?:if|else|end|range|with|break|continue|define|template|block)(?![A-Za-z0-9_.])/y;
const CLOSE = /\s+-\}\}|\s*\}\}/y;
const TRIMMED_OPEN = /\{\{-(?=\s)/y;
const SPACE = /\s+/y;

/** A cursor over the text, from `start` on. */
export function createCursor(source: string, start: number): Cursor {
  let at = start;
  let trimNext = false;
  const matchAt = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(source)?.[0];
  };
  const cursor: Cursor = {
    source,
    at: () => at,
    peek: (length = 1) => source.slice(at, at + length),
    skip(count) {
      at += count;
    },
    match(pattern) {
      const found = matchAt(pattern);
      if (found !== undefined) at += found.length;
      return found;
    },
    skipSpace: () => cursor.match(SPACE) !== undefined,
    text() {
      const open = source.indexOf('{{', at);
      let text = source.slice(at, open < 0 ? source.length : open);
      at += text.length;
      if (trimNext) text = text.trimStart();
      trimNext = false;
      if (open >= 0 && matchAt(TRIMMED_OPEN) !== undefined) text = text.trimEnd();
      return text;
    },
    openAction() {
      if (at >= source.length) return false;
      if (cursor.match(TRIMMED_OPEN) === undefined) at += 2;
      cursor.skipSpace();
      return true;
    },
    closeAction() {
      const close = cursor.match(CLOSE);
      if (close === undefined) {
        cursor.skipSpace();
        throw cursor.fail(
          at >= source.length ? 'unclosed action' : `unexpected ${JSON.stringify(cursor.peek())} in action`,
        );
      }
      trimNext = close.endsWith('-}}');
    },
    comment() {
      if (!source.startsWith('/*', at)) return false;
      const end = source.indexOf('*/', at + 2);
      if (end < 0) throw cursor.fail('unclosed comment');
      at = end + 2;
      cursor.closeAction();
      return true;
    },
    atClose: () => matchAt(CLOSE) !== undefined,
    keyword() {
      const word = cursor.match(KEYWORDS);
      if (word !== undefined) matchAt(CLOSE) ?? cursor.skipSpace();
      return word;
    },
    fail: (why, place = at) =>
      templateError('TEMPLATE_INVALID', { line: linePlace(source, place).line, why }),
  };
  return cursor;
}
