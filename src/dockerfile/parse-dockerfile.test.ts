import { existsSync, readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Dockerfile, Range } from './ast.ts';
import { describeDockerfile } from './describe.ts';
import { MAX_LINE_BYTES, parseDockerfile } from './parse-dockerfile.ts';

const golden = new URL('golden/', import.meta.url);
const cases = readdirSync(golden).filter((name) => existsSync(new URL(`${name}/Dockerfile`, golden)));

describe('parseDockerfile', () => {
  it.each(cases)('reads golden/%s', (name) => {
    const text = readFileSync(new URL(`${name}/Dockerfile`, golden), 'utf8');
    const want = JSON.parse(readFileSync(new URL(`${name}/result.json`, golden), 'utf8')) as unknown;
    expect(describeDockerfile(parseDockerfile(text))).toEqual(want);
  });

  it.each(cases)('gives the text of golden/%s back', (name) => {
    const text = readFileSync(new URL(`${name}/Dockerfile`, golden), 'utf8');
    expect(tiled(parseDockerfile(text))).toBe(text);
  });

  const piece = fc.constantFrom(
    ...['FROM a AS b', 'RUN', 'run ', 'COPY', 'ENV a=b', 'ARG', 'LABEL "x y"=1', 'HEALTHCHECK', 'ONBUILD '],
    ...[
      ' ',
      '\t',
      '\\',
      '\\\n',
      '`',
      '\n',
      '\n',
      '\r\n',
      '\n\n',
      '# c',
      '#escape=`\n',
      '#syntax=x\n',
      '\uFEFF',
    ],
    ...[
      '<<EOF',
      '<<-E',
      '<< EOF',
      "<<'a b'",
      'EOF',
      'E',
      '["a", "b"]',
      '["a"',
      "'",
      '"',
      '--from=0 ',
      '--x',
      '$a',
    ],
    ...['äöü', '😀', '\ud800', '='],
  );
  const texts = fc.array(piece, { maxLength: 40 }).map((parts) => parts.join(''));

  it('never throws, and its tiles give any text back', () => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(tiled(parseDockerfile(text))).toBe(text);
      }),
      { numRuns: 3000 },
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        expect(tiled(parseDockerfile(text))).toBe(text);
      }),
    );
  });

  it('gives every word and problem a range inside the text, in lines and columns that agree with the offset', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const file = parseDockerfile(text);
        for (const range of rangesIn(file)) {
          expect(range.start.offset).toBeLessThanOrEqual(range.end.offset);
          expect(range.end.offset).toBeLessThanOrEqual(text.length);
          for (const { line, column, offset } of [range.start, range.end]) {
            const before = text.slice(0, offset).split('\n');
            expect([before.length, before.at(-1)!.length + 1]).toEqual([line, column]);
          }
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('puts the range of a word on the word', () => {
    const text = 'FROM a AS b\nCOPY --from=b "x" \\\n  y /z/\nENV k="v w"';
    const file = parseDockerfile(text);
    const at = ({ start, end }: Range): string => text.slice(start.offset, end.offset);
    const [from, copy, env] = file.instructions;
    expect(from?.kind === 'FROM' && at(from.as!.name.range)).toBe('b');
    expect(copy?.kind === 'COPY' && copy.sources.map(({ range }) => at(range))).toEqual(['"x"', 'y']);
    expect(copy?.kind === 'COPY' && at(copy.dest.range)).toBe('/z/');
    expect(copy?.kind === 'COPY' && at(copy.flags[0]!.value!.range)).toBe('b');
    expect(env?.kind === 'ENV' && at(env.pairs[0]!.value.range)).toBe('"v w"');
    expect(at(copy!.range)).toBe('COPY --from=b "x" \\\n  y /z/');
  });

  it('keeps instructions of several lines together, heredocs and all', () => {
    const file = parseDockerfile('FROM a\n\nRUN <<X\na\nX\nRUN b \\\n # c\n d\n');
    const lines = file.instructions.map(({ range }) => [range.start.line, range.end.line]);
    expect(lines).toEqual([
      [1, 1],
      [3, 5],
      [6, 8],
    ]);
  });

  it('refuses lines longer than every builder takes, and no shorter ones', () => {
    const line = (bytes: number): string => `FROM scratch\nRUN ${'x'.repeat(bytes - 4)}\n`;
    expect(parseDockerfile(line(MAX_LINE_BYTES)).problems).toEqual([]);
    expect(parseDockerfile(line(MAX_LINE_BYTES + 1)).problems).toMatchObject([
      {
        code: 'DOCKERFILE_LINE_TOO_LONG',
        message: 'dockerfile line greater than max allowed size of 65535: got 65536 bytes',
      },
    ]);
    expect(parseDockerfile(`FROM scratch\nRUN ${'ä'.repeat(32_766)}`).problems).toHaveLength(1);
  });

  it('stays linear over many lines, continuations, heredocs and brackets', () => {
    const many = 100_000;
    expect(parseDockerfile('RUN x\n'.repeat(many)).instructions).toHaveLength(many);
    expect(parseDockerfile(`FROM a\nRUN ${'x \\\n'.repeat(many)}`).instructions).toHaveLength(2);
    expect(parseDockerfile(`FROM a\nRUN <<E\n${'x\n'.repeat(many)}E\n`).problems).toEqual([]);
    expect(parseDockerfile(`FROM a\nCMD ${'['.repeat(60_000)}`).problems).toEqual([]);
    expect(parseDockerfile(`FROM a\nRUN ${'<<E '.repeat(10_000)}\n`).problems.length).toBeGreaterThan(0);
    expect(parseDockerfile(`FROM a\n${'ONBUILD '.repeat(7_000)}RUN x`).problems).toHaveLength(1);
  });
});

function tiled({ text, tiles }: Dockerfile): string {
  return tiles.map(({ range }) => text.slice(range.start.offset, range.end.offset)).join('');
}

/** Every range anywhere in a value. */
function rangesIn(value: unknown): Range[] {
  if (typeof value !== 'object' || value === null) return [];
  if ('start' in value && 'end' in value) return [value as Range];
  return Object.values(value).flatMap(rangesIn);
}
