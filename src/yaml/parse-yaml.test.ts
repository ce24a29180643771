import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isDobosError } from '../base/errors.ts';
import { parseYaml } from './parse-yaml.ts';
import type { YamlNode } from './types.ts';

/** The node without its places: texts, arrays, objects. */
function plain(node: YamlNode): unknown {
  if (node.kind === 'scalar') return node.text;
  if (node.kind === 'list') return node.items.map(plain);
  return Object.fromEntries([...node.entries].map(([key, { value }]) => [key, plain(value)]));
}

const read = (text: string): unknown => plain(parseYaml(text, 'f.yaml'));

function problem(text: string): string {
  try {
    parseYaml(text, 'f.yaml');
  } catch (error) {
    if (isDobosError(error, 'YAML_SYNTAX')) return error.message;
    throw error;
  }
  return 'read';
}

describe('what is refused, and where', () => {
  test.each([
    ['a: 1\nb', 'line 2, column 1: a name without a ":" behind it'],
    ['a: b: c', 'line 1, column 5: a second ":" in one line'],
    ['a: "b" c', 'line 1, column 8: the value has ended, and something follows'],
    ['a:\n\tb: 1', 'line 2, column 1: a tab indents this line'],
    ['a:\n  b: 1\n c: 2', 'line 3, column 2: this line belongs to nothing above it'],
    ['a: one\n  two', 'line 2, column 3: this line belongs to nothing above it'],
    ['- a\n  - b', 'line 2, column 3: this line belongs to nothing above it'],
    ['a: - b', 'line 1, column 4: a list begins behind a name'],
    ['a: 1\nb: 2\na: 3', 'line 3, column 1: "a" stands twice, first in line 1'],
    ['{a: 1, a: 2}', 'line 1, column 8: "a" stands twice, first in line 1'],
    ['a: &x 1', 'line 1, column 4: an anchor (&), which is not read here'],
    ['a: *x', 'line 1, column 4: an alias (*), which is not read here'],
    ['a: !!str 1', 'line 1, column 4: a tag (!), which is not read here'],
    ['a: |\n  b', 'line 1, column 4: a block text (|), which is not read here'],
    ['? a', 'line 1, column 1: a complex key (?), which is not read here'],
    ['%YAML 1.2', 'line 1, column 1: a directive (%), which is not read here'],
    ['a: "b\nc"', 'line 1, column 4: a quote that is not closed on its line'],
    ["a: 'b", 'line 1, column 4: a quote that is not closed on its line'],
    ['a: "\\q"', 'line 1, column 5: an escape that YAML does not have'],
    ['a: "\\u12"', 'line 1, column 5: an escape that YAML does not have'],
    ['a: [1, 2', 'line 1, column 4: a "[" that is not closed'],
    ['a: {b: 1', 'line 1, column 4: a "{" that is not closed'],
    ['[1 2, [3] 4]', 'line 1, column 11: neither "," nor "]" stands here'],
    ['[,]', 'line 1, column 2: a value is missing here'],
    ['{[a]: 1}', 'line 1, column 2: a collection as a name'],
    ['{a}', 'line 1, column 2: a name without a ":" behind it'],
    ['a: ,b', 'line 1, column 4: a "," that nothing is open for'],
    ['- ]', 'line 1, column 3: a "]" that nothing is open for'],
    [': b', 'line 1, column 1: a ":" without a name before it'],
    ['{: b}', 'line 1, column 2: a ":" without a name before it'],
    ['a: 1\n---\nb: 2', 'line 2, column 1: a second document begins'],
    ['a: \u0000', 'line 1, column 4: a control character'],
    [`${'['.repeat(80)}`, 'line 1, column 65: more than 64 collections inside of each other'],
    [`${'- '.repeat(80)}`, 'line 1, column 131: more than 64 collections inside of each other'],
  ])('%j', (text, what) => {
    expect(problem(text)).toBe(`f.yaml, ${what}`);
  });

  test('is shown with a mark below it', () => {
    expect(() => parseYaml('a: 1\nbc: *d', 'f.yaml')).toThrow(
      expect.objectContaining({ place: { file: 'f.yaml', line: 2, snippet: '2 | bc: *d\n        ^' } }),
    );
  });
});

describe('what is read', () => {
  test.each<readonly [string, unknown]>([
    ['', ''],
    ['# nothing\n\n', ''],
    ['---\n', ''],
    ['a', 'a'],
    ['a:', { a: '' }],
    ['a:\nb: 1', { a: '', b: '1' }],
    ['\uFEFFa: 1\r\nb: 2\r\n', { a: '1', b: '2' }],
    ['--- # top\na: 1 # one\n...\n', { a: '1' }],
    ['a: x#y # z', { a: 'x#y' }],
    ['a: "# no" # yes', { a: '# no' }],
    ['a : http://x/y:1', { a: 'http://x/y:1' }],
    ["a: 'it''s'", { a: "it's" }],
    ['a: "\\u00e9\\x41\\n\\"\\\\"', { a: 'éA\n"\\' }],
    ['"a b": 1', { 'a b': '1' }],
    ['a:\n  b:\n    c: 1\n  d: 2\ne: 3', { a: { b: { c: '1' }, d: '2' }, e: '3' }],
    ['a:\n- 1\n- 2\nb: 3', { a: ['1', '2'], b: '3' }],
    ['a:\n  - x: 1\n    y: 2\n  -\n  - - 1\n    - 2', { a: [{ x: '1', y: '2' }, '', ['1', '2']] }],
    ['- a:\n- b', [{ a: '' }, 'b']],
    ['-x: -1', { '-x': '-1' }],
    ['a: [x, "y, z", {b: 1, c: }, []]', { a: ['x', 'y, z', { b: '1', c: '' }, []] }],
    ['a: [\n  x, # one\n\ty,\n]\nb: {}', { a: ['x', 'y'], b: {} }],
    ['{"a":1,"b":["\\/",null]}', { a: '1', b: ['/', 'null'] }],
    ['{\n\t"a": 1\n}\n', { a: '1' }],
    ['__proto__: 1', Object.fromEntries([['__proto__', '1']])],
    [
      'rules:\n  # If so\n  lowestEfficiency: 0.95\n\n  highestWastedBytes: 20Mb',
      { rules: { lowestEfficiency: '0.95', highestWastedBytes: '20Mb' } },
    ],
  ])('%j', (text, value) => {
    expect(read(text)).toEqual(value);
  });

  test('tells quoted texts from plain ones, and where each stands', () => {
    const node = parseYaml('a:\n  - "1"\n  - 1', 'f');
    expect(node).toMatchObject({ kind: 'map', line: 1, column: 1 });
    const { value } = node.kind === 'map' ? node.entries.get('a')! : { value: undefined };
    expect(value).toEqual({
      kind: 'list',
      line: 2,
      column: 3,
      items: [
        { kind: 'scalar', line: 2, column: 5, text: '1', quoted: true },
        { kind: 'scalar', line: 3, column: 5, text: '1', quoted: false },
      ],
    });
  });
});

test('JSON is read as what it is', () => {
  const texts = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(texts)
      : typeof value === 'object' && value !== null
        ? Object.fromEntries(Object.entries(value).map(([key, each]) => [key, texts(each)]))
        : String(value);
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom(undefined, 2, '\t'), (value, indent) => {
      expect(read(JSON.stringify(value, undefined, indent).replaceAll('\u007f', '\\u007f'))).toEqual(
        texts(value),
      );
    }),
  );
});

test('any text is read or refused, never worse', () => {
  const piece = fc.constantFrom(
    'a',
    ': ',
    '- ',
    '\n',
    '  ',
    '"',
    "'",
    '[',
    ']',
    '{',
    '}',
    ',',
    '#',
    '\t',
    '---',
    '|',
    '\\',
    '\r',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      problem(pieces.join(''));
    }),
    { numRuns: 2000 },
  );
});
