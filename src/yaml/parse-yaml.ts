/**
 * A reader of the YAML that settings are written in: maps, lists, plain and quoted texts, flow collections (so JSON too), comments, one document.
 * The rest of the language (anchors, tags, block texts, texts over several lines) is refused by name, never guessed at.
 * @module
 */
import { type Cursor, createCursor } from './cursor.ts';
import { readScalar } from './scalars.ts';
import type { YamlList, YamlMap, YamlNode, YamlScalar } from './types.ts';

/** Collections inside of collections. */
const MAX_DEPTH = 64;

/** The node that the text holds; an empty text is an empty scalar. `file` is for messages. @throws YAML_SYNTAX */
export function parseYaml(text: string, file: string): YamlNode {
  const cursor = createCursor(file, text.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n'));
  const odd = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/.exec(cursor.text);
  if (odd !== null) throw cursor.fail('a control character', 'the file is no text', odd.index);
  cursor.skip(false);
  if (isMarker(cursor, '---')) {
    cursor.at += 3;
    cursor.skip(false);
  }
  const node = isMarker(cursor, '...') ? emptyAt(cursor) : readBlock(cursor, 0, 0);
  cursor.skip(false);
  if (isMarker(cursor, '...')) {
    cursor.at += 3;
    cursor.skip(false);
  }
  if (isMarker(cursor, '---')) throw cursor.fail('a second document begins', 'one file holds one document');
  if (!cursor.atEnd()) throw strayLine(cursor);
  return node;
}

const isMarker = (cursor: Cursor, marker: string): boolean =>
  cursor.indent() === 0 &&
  cursor.text.startsWith(marker, cursor.at) &&
  /^(?:\s|$)/.test(cursor.text.slice(cursor.at + 3, cursor.at + 4));

const emptyAt = (cursor: Cursor): YamlScalar => ({
  kind: 'scalar',
  ...cursor.place(),
  text: '',
  quoted: false,
});

const isDash = (cursor: Cursor): boolean =>
  cursor.text[cursor.at] === '-' && /^(?:\s|$)/.test(cursor.text.slice(cursor.at + 1, cursor.at + 2));

const strayLine = (cursor: Cursor): Error =>
  cursor.fail(
    'this line belongs to nothing above it',
    'names of one map stand in one column; a text over several lines is not read here',
  );

/** The node at the cursor, which stands at the first character of one, or before what is indented less than `least`: then nothing. */
function readBlock(cursor: Cursor, least: number, depth: number): YamlNode {
  if (depth > MAX_DEPTH) throw cursor.fail(`more than ${MAX_DEPTH} collections inside of each other`);
  const indent = cursor.indent();
  if (cursor.atEnd() || indent < least || isMarker(cursor, '---') || isMarker(cursor, '...'))
    return emptyAt(cursor);
  if (isDash(cursor)) return readList(cursor, indent, depth);
  if (/[[{]/.test(cursor.text[cursor.at]!)) return readLine(cursor, depth);
  const from = cursor.at;
  const key = readScalar(cursor, false);
  if (keyEnds(cursor)) return readMap(cursor, indent, key, from, depth);
  endLine(cursor);
  return key;
}

/** True if a `:` closes a key here; the cursor ends behind it. */
function keyEnds(cursor: Cursor): boolean {
  const from = cursor.at;
  while (cursor.text[cursor.at] === ' ') cursor.at++;
  if (cursor.text[cursor.at] === ':' && /^(?:\s|$)/.test(cursor.text.slice(cursor.at + 1, cursor.at + 2))) {
    cursor.at++;
    return true;
  }
  cursor.at = from;
  return false;
}

/** A value that stands whole in its line, or a flow collection. */
function readLine(cursor: Cursor, depth: number): YamlNode {
  const node = /[[{]/.test(cursor.text[cursor.at]!) ? readFlow(cursor, depth + 1) : readScalar(cursor, false);
  endLine(cursor);
  return node;
}

function endLine(cursor: Cursor): void {
  cursor.skipRest();
  if (cursor.atLineEnd()) return;
  const isColon = cursor.text[cursor.at] === ':';
  throw cursor.fail(
    isColon ? 'a second ":" in one line' : 'the value has ended, and something follows',
    'put quotes around the whole value if it is one',
  );
}

function readList(cursor: Cursor, indent: number, depth: number): YamlList {
  const start = cursor.place();
  const items: YamlNode[] = [];
  while (!cursor.atEnd() && cursor.indent() === indent && isDash(cursor)) {
    cursor.at++;
    // What stands behind the dash is indented by it.
    cursor.skip(false);
    items.push(readBlock(cursor, indent + 1, depth + 1));
    cursor.skip(false);
  }
  if (!cursor.atEnd() && cursor.indent() > indent) throw strayLine(cursor);
  return { kind: 'list', ...start, items };
}

/** A map whose first key has been read, up to behind its colon. */
function readMap(cursor: Cursor, indent: number, first: YamlScalar, from: number, depth: number): YamlMap {
  const entries = new Map<string, { key: YamlScalar; value: YamlNode }>();
  let key = first;
  let keyAt = from;
  for (;;) {
    addEntry(cursor, entries, key, readValue(cursor, indent, depth), keyAt);
    cursor.skip(false);
    if (cursor.atEnd() || cursor.indent() < indent || isMarker(cursor, '---') || isMarker(cursor, '...'))
      break;
    if (cursor.indent() > indent || isDash(cursor)) throw strayLine(cursor);
    keyAt = cursor.at;
    key = readScalar(cursor, false);
    if (!keyEnds(cursor)) throw cursor.fail('a name without a ":" behind it', undefined, keyAt);
  }
  return { kind: 'map', line: first.line, column: first.column, entries };
}

function readValue(cursor: Cursor, indent: number, depth: number): YamlNode {
  const empty = emptyAt(cursor);
  cursor.skipRest();
  if (!cursor.atLineEnd()) {
    if (isDash(cursor)) throw cursor.fail('a list begins behind a name', 'begin it on the next line');
    return readLine(cursor, depth);
  }
  cursor.skip(false);
  // A list may stand in the column of the name that it belongs to.
  const least = isDash(cursor) ? indent : indent + 1;
  const node = readBlock(cursor, least, depth + 1);
  return node.kind === 'scalar' && node.text === '' && !node.quoted ? empty : node;
}

function addEntry(
  cursor: Cursor,
  entries: Map<string, { key: YamlScalar; value: YamlNode }>,
  key: YamlScalar,
  value: YamlNode,
  keyAt: number,
): void {
  const before = entries.get(key.text);
  if (before !== undefined)
    throw cursor.fail(`"${key.text}" stands twice, first in line ${before.key.line}`, undefined, keyAt);
  entries.set(key.text, { key, value });
}

/** The flow collection or text at the cursor. */
function readFlow(cursor: Cursor, depth: number): YamlNode {
  if (depth > MAX_DEPTH) throw cursor.fail(`more than ${MAX_DEPTH} collections inside of each other`);
  const open = cursor.text[cursor.at]!;
  if (open !== '[' && open !== '{') return readScalar(cursor, true);
  const start = cursor.place();
  const from = cursor.at++;
  const close = open === '[' ? ']' : '}';
  const items: YamlNode[] = [];
  const entries = new Map<string, { key: YamlScalar; value: YamlNode }>();
  for (;;) {
    cursor.skip(true);
    if (cursor.atEnd()) throw cursor.fail(`a "${open}" that is not closed`, undefined, from);
    if (cursor.text[cursor.at] === close) break;
    if (/[,\]}]/.test(cursor.text[cursor.at]!)) throw cursor.fail('a value is missing here');
    if (open === '[') items.push(readFlow(cursor, depth + 1));
    else readFlowEntry(cursor, entries, depth);
    cursor.skip(true);
    if (cursor.text[cursor.at] === ',') cursor.at++;
    else if (cursor.text[cursor.at] !== close)
      throw cursor.atEnd()
        ? cursor.fail(`a "${open}" that is not closed`, undefined, from)
        : cursor.fail(`neither "," nor "${close}" stands here`);
  }
  cursor.at++;
  return open === '[' ? { kind: 'list', ...start, items } : { kind: 'map', ...start, entries };
}

function readFlowEntry(
  cursor: Cursor,
  entries: Map<string, { key: YamlScalar; value: YamlNode }>,
  depth: number,
): void {
  const from = cursor.at;
  const key = readFlow(cursor, depth + 1);
  if (key.kind !== 'scalar') throw cursor.fail('a collection as a name', undefined, from);
  cursor.skip(true);
  if (cursor.text[cursor.at] !== ':') throw cursor.fail('a name without a ":" behind it', undefined, from);
  cursor.at++;
  cursor.skip(true);
  const missing = cursor.atEnd() || /[,}\]]/.test(cursor.text[cursor.at]!);
  addEntry(cursor, entries, key, missing ? emptyAt(cursor) : readFlow(cursor, depth + 1), from);
}
