/**
 * Changes of single members of a JSON text that leave every other byte as it is: order, spacing, numbers too large for JavaScript, keys that look like numbers.
 * @module
 */

/** A value's place in the text; `members` in order for an object. */
interface Node {
  readonly start: number;
  readonly end: number;
  readonly members?: readonly Member[] | undefined;
}
interface Member {
  readonly key: string;
  readonly start: number;
  readonly value: Node;
}

/** No file of settings nests deeper; keeps the reader's stack small. */
const MAX_DEPTH = 64;

/** The 1-based line of the first mistake in a JSON text; undefined when there is none. */
export function jsonMistake(text: string): number | undefined {
  try {
    scan(text);
    return undefined;
  } catch (error) {
    const { at } = error as { at?: number };
    if (at === undefined) throw error;
    return text.slice(0, at).split('\n').length;
  }
}

/** The text with the member at `path` set, or without it when `value` is undefined. Objects on the way are made. The text must be a JSON object. */
export function editJson(text: string, path: readonly string[], value: unknown): string {
  return value === undefined ? removeMember(text, path) : setMember(text, path, value);
}

function setMember(text: string, path: readonly string[], value: unknown): string {
  let node = scan(text);
  for (const [depth, key] of path.entries()) {
    const rest = path.slice(depth + 1);
    const member = node.members?.findLast((each) => each.key === key);
    if (member === undefined) return insert(text, node, depth + 1, key, nest(rest, value));
    // What stands in the way of a path is replaced: `null` where an object could be.
    if (rest.length === 0 || member.value.members === undefined) {
      const { start, end } = member.value;
      return text.slice(0, start) + write(text, nest(rest, value), depth + 1) + text.slice(end);
    }
    node = member.value;
  }
  return text;
}

const nest = (path: readonly string[], value: unknown): unknown =>
  path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);

function insert(text: string, node: Node, depth: number, key: string, value: unknown): string {
  const unit = indentOf(text);
  const line = unit === '' ? '' : `\n${unit.repeat(depth)}`;
  const member = `${line}${JSON.stringify(key)}:${unit === '' ? '' : ' '}${write(text, value, depth)}`;
  const last = node.members?.at(-1);
  if (last !== undefined) return `${text.slice(0, last.value.end)},${member}${text.slice(last.value.end)}`;
  const close = unit === '' ? '' : `\n${unit.repeat(depth - 1)}`;
  return `${text.slice(0, node.start)}{${member}${close}}${text.slice(node.end)}`;
}

function write(text: string, value: unknown, depth: number): string {
  const unit = indentOf(text);
  return JSON.stringify(value, undefined, unit).replaceAll('\n', `\n${unit.repeat(depth)}`);
}

/** The white space before the first member; a tab, as Docker writes it, where the text does not say. */
function indentOf(text: string): string {
  const found = /^\s*\{[^\S\n]*\n([^\S\n]+)\S/.exec(text)?.[1];
  if (found !== undefined) return found;
  return /^\s*\{\s*\}\s*$/.test(text) ? '\t' : '';
}

function removeMember(text: string, path: readonly string[]): string {
  let left = text;
  for (;;) {
    const parent = path
      .slice(0, -1)
      .reduce<Node | undefined>(
        (node, key) => node?.members?.findLast((each) => each.key === key)?.value,
        scan(left),
      );
    const members = parent?.members ?? [];
    const at = members.findLastIndex((each) => each.key === path.at(-1));
    if (parent === undefined || at < 0) return left;
    left = without(left, parent, members, at);
  }
}

function without(text: string, parent: Node, members: readonly Member[], at: number): string {
  const [before, self, after] = [members[at - 1], members[at]!, members[at + 1]];
  if (before !== undefined) return text.slice(0, before.value.end) + text.slice(self.value.end);
  if (after !== undefined) return text.slice(0, self.start) + text.slice(after.start);
  return `${text.slice(0, parent.start)}{}${text.slice(parent.end)}`;
}

const mistake = (at: number): Error & { at: number } => Object.assign(new Error('not JSON'), { at });

/** @throws a mistake, with its place */
function scan(text: string): Node {
  let at = 0;
  const space = (): void => {
    while (at < text.length && ' \t\n\r'.includes(text[at]!)) at++;
  };
  const take = (word: string): boolean => {
    if (!text.startsWith(word, at)) return false;
    at += word.length;
    return true;
  };
  const want = (word: string): void => {
    if (!take(word)) throw mistake(at);
  };
  const string = (): string => {
    const start = at;
    want('"');
    for (; text[at] !== '"'; at++) {
      if (at >= text.length || text.charCodeAt(at) < 0x20) throw mistake(at);
      if (text[at] === '\\') at++;
    }
    at++;
    try {
      return JSON.parse(text.slice(start, at)) as string;
    } catch {
      throw mistake(start);
    }
  };
  const separated = (close: string, each: () => void): void => {
    space();
    if (take(close)) return;
    do {
      space();
      each();
      space();
    } while (take(','));
    want(close);
  };
  const value = (depth: number): Node => {
    if (depth > MAX_DEPTH) throw mistake(at);
    const start = at;
    if (take('{')) {
      const members: Member[] = [];
      separated('}', () => {
        const begin = at;
        const key = string();
        space();
        want(':');
        space();
        members.push({ key, start: begin, value: value(depth + 1) });
      });
      return { start, end: at, members };
    }
    if (take('[')) separated(']', () => value(depth + 1));
    else if (text[at] === '"') string();
    else scalar();
    return { start, end: at };
  };
  const scalar = (): void => {
    SCALAR.lastIndex = at;
    const found = SCALAR.exec(text);
    if (found === null) throw mistake(at);
    at = SCALAR.lastIndex;
  };
  space();
  const root = value(0);
  space();
  if (at < text.length) throw mistake(at);
  return root;
}

const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
