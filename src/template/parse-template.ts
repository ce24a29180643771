/**
 * Go's text/template as far as `--format` needs it. Pure: text and plain values in, text out.
 * @module
 */
import type { Node, Pipe, Template } from './ast.ts';
import { type Cursor, createCursor } from './cursor.ts';
import { linePlace, templateError } from './errors.ts';
import { parsePipe } from './parse-pipe.ts';

/** Characters of a template: what a person or script writes on a command line. */
const MAX_TEMPLATE = 64 * 1024;
/** Branches inside branches. */
const MAX_DEPTH = 100;

/** The template that the text spells. @throws TEMPLATE_INVALID with line and place */
export function parseTemplate(text: string): Template {
  if (text.length > MAX_TEMPLATE) {
    throw templateError('TEMPLATE_INVALID', { line: 1, why: `more than ${MAX_TEMPLATE} characters` });
  }
  const table = /^table(?:\s|\{\{|$)/.exec(text);
  const cursor = createCursor(text, table === null ? 0 : 'table'.length);
  if (table !== null) cursor.skipSpace();
  const { nodes, end } = parseNodes(cursor, 0, false);
  if (end.kind !== 'eof') throw cursor.fail(`unexpected {{${end.kind}}}`, end.at);
  return { text, table: table !== null, nodes };
}

type End =
  | { readonly kind: 'eof'; readonly at: number }
  | { readonly kind: 'end'; readonly at: number }
  | {
      readonly kind: 'else';
      readonly at: number;
      readonly next?: { readonly kind: 'if' | 'with'; readonly pipe: Pipe };
    };

function parseNodes(cursor: Cursor, depth: number, inRange: boolean): { nodes: Node[]; end: End } {
  if (depth > MAX_DEPTH) throw cursor.fail(`more than ${MAX_DEPTH} branches inside each other`);
  const nodes: Node[] = [];
  for (;;) {
    const text = cursor.text();
    if (text !== '') nodes.push({ kind: 'text', text });
    const at = cursor.at();
    if (!cursor.openAction()) return { nodes, end: { kind: 'eof', at } };
    if (cursor.comment()) continue;
    const word = cursor.keyword();
    switch (word) {
      case 'end':
        cursor.closeAction();
        return { nodes, end: { kind: 'end', at } };
      case 'else':
        return { nodes, end: parseElse(cursor, at) };
      case 'if':
      case 'with':
      case 'range':
        nodes.push(parseBranch(cursor, word, depth, inRange || word === 'range'));
        break;
      case 'break':
      case 'continue':
        if (!inRange) throw cursor.fail(`{{${word}}} outside {{range}}`, at);
        cursor.closeAction();
        nodes.push({ kind: word });
        break;
      case 'define':
      case 'template':
      case 'block':
        throw cursor.fail(`{{${word}}} is not supported here`, at);
      default: {
        const pipe = parsePipe(cursor, false);
        cursor.closeAction();
        nodes.push({ kind: 'action', pipe });
      }
    }
  }
}

function parseElse(cursor: Cursor, at: number): End {
  cursor.skipSpace();
  const word = cursor.keyword();
  if (word === undefined) {
    cursor.closeAction();
    return { kind: 'else', at };
  }
  if (word !== 'if' && word !== 'with') throw cursor.fail(`unexpected ${word} after else`, at);
  const pipe = parsePipe(cursor, false);
  cursor.closeAction();
  return { kind: 'else', at, next: { kind: word, pipe } };
}

function parseBranch(cursor: Cursor, kind: 'if' | 'with' | 'range', depth: number, inRange: boolean): Node {
  const at = cursor.at();
  const pipe = parsePipe(cursor, kind === 'range');
  cursor.closeAction();
  return parseBodies(cursor, { kind, pipe, at }, depth, inRange);
}

function parseBodies(
  cursor: Cursor,
  head: { readonly kind: 'if' | 'with' | 'range'; readonly pipe: Pipe; readonly at: number },
  depth: number,
  inRange: boolean,
): Node {
  const { kind, pipe } = head;
  const body = parseNodes(cursor, depth + 1, inRange);
  const unclosed = (end: End) =>
    cursor.fail(
      `unexpected EOF: {{${kind}}} of line ${linePlace(cursor.source, head.at).line} has no {{end}}`,
      end.at,
    );
  if (body.end.kind === 'eof') throw unclosed(body.end);
  if (body.end.kind === 'end') return { kind, pipe, body: body.nodes, otherwise: [] };
  const { next, at } = body.end;
  if (next !== undefined) {
    if (kind === 'range') throw cursor.fail(`unexpected ${next.kind} after else of a range`, at);
    const inner = parseBodies(cursor, { ...next, at }, depth + 1, inRange);
    return { kind, pipe, body: body.nodes, otherwise: [inner] };
  }
  const other = parseNodes(cursor, depth + 1, inRange);
  if (other.end.kind === 'eof') throw unclosed(other.end);
  if (other.end.kind === 'else') throw cursor.fail('expected {{end}}, got a second {{else}}', other.end.at);
  return { kind, pipe, body: body.nodes, otherwise: other.nodes };
}
