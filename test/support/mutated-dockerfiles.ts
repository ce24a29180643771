import { existsSync, readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';

const golden = new URL('../../src/dockerfile/golden/', import.meta.url);
/** The texts of the golden Dockerfiles. */
export const texts = readdirSync(golden)
  .map((name) => new URL(`${name}/Dockerfile`, golden))
  .filter((file) => existsSync(file))
  .map((file) => readFileSync(file, 'utf8'));

/** What one mistake of a person or a program does to a text. */
type Mutation =
  | { readonly kind: 'cut'; readonly at: number; readonly size: number }
  | { readonly kind: 'insert'; readonly at: number; readonly text: string }
  | { readonly kind: 'repeat'; readonly at: number; readonly size: number; readonly times: number }
  | { readonly kind: 'swap lines'; readonly a: number; readonly b: number }
  | { readonly kind: 'splice'; readonly at: number; readonly other: number };

const place = fc.nat({ max: 10_000 });
const odd = fc.constantFrom(
  ...[
    '\\\n',
    '\\',
    '\n',
    '\r',
    '\r\n',
    '\0',
    '\uFEFF',
    '"',
    "'",
    '`',
    '$',
    '${',
    '}',
    '[',
    '["',
    ']',
    '#',
    '# escape=`\n',
  ],
  ...[
    '<<EOF',
    '<<-"E O F"',
    'EOF\n',
    '--',
    '--mount=',
    '--from=',
    '=',
    ',',
    ' ',
    '\t',
    'FROM ',
    'ONBUILD ',
    'RUN ',
    'é',
    '\ud83d',
  ],
);
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({ kind: fc.constant('cut' as const), at: place, size: fc.nat({ max: 40 }) }),
  fc.record({ kind: fc.constant('insert' as const), at: place, text: odd }),
  fc.record({
    kind: fc.constant('repeat' as const),
    at: place,
    size: fc.nat({ max: 30 }),
    times: fc.nat({ max: 200 }),
  }),
  fc.record({ kind: fc.constant('swap lines' as const), a: place, b: place }),
  fc.record({ kind: fc.constant('splice' as const), at: place, other: fc.nat({ max: texts.length - 1 }) }),
);

/** Golden Dockerfiles with one to six mistakes in each. */
export const mutatedDockerfiles: fc.Arbitrary<string> = fc
  .tuple(fc.constantFrom(...texts), fc.array(mutation, { minLength: 1, maxLength: 6 }))
  .map(([text, changes]) => changes.reduce(mutate, text));

function mutate(text: string, change: Mutation): string {
  const at = 'at' in change ? change.at % (text.length + 1) : 0;
  switch (change.kind) {
    case 'cut':
      return text.slice(0, at) + text.slice(at + change.size);
    case 'insert':
      return text.slice(0, at) + change.text + text.slice(at);
    case 'repeat':
      return text.slice(0, at) + text.slice(at, at + change.size).repeat(change.times) + text.slice(at);
    case 'swap lines': {
      const lines = text.split('\n');
      const [a, b] = [change.a % lines.length, change.b % lines.length];
      [lines[a], lines[b]] = [lines[b]!, lines[a]!];
      return lines.join('\n');
    }
    case 'splice':
      return text.slice(0, at) + texts[change.other]!.slice(at % texts[change.other]!.length);
  }
}
