import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exploredLayers } from '../../test/support/explored.ts';
import type { VectorEntry } from '../../test/support/vector-tar.ts';
import { compilePathGlob } from './path-glob.ts';
import { findPaths, type GrepOptions, grepFiles } from './search-image.ts';

const file = (tarPath: string, content = 'x'): VectorEntry => ({
  path: tarPath,
  type: 'file',
  content,
  tarPath,
});
const dir = (path: string): VectorEntry => ({ path, type: 'dir', tarPath: path });
const gone = (tarPath: string): VectorEntry => ({ path: '', type: 'whiteout', tarPath });

describe('a pattern', () => {
  it.each([
    ['*.conf', 'etc/app.conf', true],
    ['*.conf', 'etc/app.conf.d', false],
    ['/etc/*.conf', 'etc/app.conf', true],
    ['etc/*.conf', 'etc/sub/app.conf', false],
    ['/etc/**/*.conf', 'etc/app.conf', true],
    ['/etc/**/*.conf', 'etc/a/b/c/app.conf', true],
    ['**/b/**', 'a/b', true],
    ['**/b/**', 'a/b/c', true],
    ['**/b/**', 'a/c', false],
    ['/**', 'anything/at/all', true],
    ['**', 'anything/at/all', true],
    ['[a-c]?', 'x/b1', true],
    ['/a', 'b/a', false],
  ])('%s on %s is %s', (pattern, path, matches) => {
    expect(compilePathGlob(pattern)!(path)).toBe(matches);
  });

  it.each(['', '/', '[a', 'a\\'])('%j is malformed', (pattern) => {
    expect(compilePathGlob(pattern)).toBeUndefined();
  });

  it('costs little, however it is written', () => {
    const path = 'a/'.repeat(2000).slice(0, -1);
    expect(compilePathGlob(`${'/**/a'.repeat(40)}/b`)!(path)).toBe(false);
    expect(compilePathGlob(`${'*a'.repeat(60)}b`)!('a'.repeat(4000))).toBe(false);
  });
});

const LAYERS = [
  [
    dir('d'),
    file('d/a', 'needle one\nneedle two\nthree needle\n'),
    file('b', 'no\nNeedle at the end'),
    file('e', ''),
  ],
  [file('d/a', 'needle'), { path: 'l', type: 'symlink', target: 'b', tarPath: 'l' } as const],
  [gone('.wh.l'), file('bin', `\0${'x'.repeat(100)}needle needle`)],
];

it('paths are found in all layers, with who hides them', async () => {
  const exploration = await exploredLayers(LAYERS);
  const told = (pattern: string) =>
    [...findPaths(exploration, compilePathGlob(pattern)!)].map(
      ({ layer, path, hidden }) => `${layer} ${path}${hidden === undefined ? '' : ` ◌${hidden.by ?? ''}`}`,
    );
  expect(told('**')).toEqual(['0 d', '0 d/a ◌1', '0 b', '0 e', '1 d/a', '1 l ◌', '2 bin']);
  expect(told('/d/*')).toEqual(['0 d/a ◌1', '1 d/a']);
  expect([...findPaths(await exploredLayers([]), () => true)]).toEqual([]);
});

describe('text', () => {
  const grep = async (layers: readonly (readonly VectorEntry[])[], text: string, o: GrepOptions = {}) => {
    const exploration = await exploredLayers(layers);
    const found: string[] = [];
    const all = findPaths(exploration, () => true);
    await grepFiles(
      exploration,
      exploration.store,
      all,
      text,
      async ({ layer, path, line, text: shown }) =>
        void found.push(`${layer} ${path}:${line ?? 'binary'}:${shown}`),
      o,
    );
    return found;
  };

  it('is found line by line, hidden files included, and once in what is no text', async () => {
    expect(await grep(LAYERS, 'needle')).toEqual([
      '0 d/a:1:needle one',
      '0 d/a:2:needle two',
      '0 d/a:3:three needle',
      '1 d/a:1:needle',
      '2 bin:binary:',
    ]);
    expect(await grep(LAYERS, 'NEEDLE', { ignoreCase: true })).toContain('0 b:2:Needle at the end');
    expect(await grep(LAYERS, 'nowhere')).toEqual([]);
  });

  it('is found wherever chunks end, in lines of any length', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(2_200_000), fc.boolean(), async (before, lines) => {
        const filling = (lines ? 'filling it\n' : 'filling it ').repeat(before / 11 + 1).slice(0, before);
        const found = await grep([[file('f', `${filling}nee${'dle'} and more\n${filling}`)]], 'needle');
        expect(found).toHaveLength(1);
        expect(found[0]).toContain('needle and');
        expect(found[0]).toMatch(new RegExp(`^0 f:${lines ? filling.split('\n').length : 1}:`));
      }),
      { numRuns: 6 },
    );
  });
});
