import { describe, expect, test } from 'vitest';
import type { Digest, HistoryEntry } from '../oci/types.ts';
import { imageLevels, type KnownImage, levelOf } from './image-levels.ts';

const digest = (letter: string): Digest => `sha256:${letter.repeat(64)}`;
const layer = (text: string): HistoryEntry => ({ created: '2026-01-01T00:00:00Z', created_by: text });
const setting = (text: string): HistoryEntry => ({ ...layer(text), empty_layer: true });

const HISTORY = [layer('ADD root'), setting('CMD ["sh"]'), layer('RUN a'), layer('COPY b'), setting('CMD c')];
const DIFF_IDS = [digest('1'), digest('2'), digest('3')];
const known = (id: string, layers: number, rows: number, more: Partial<KnownImage> = {}): KnownImage => ({
  names: [`docker.io/library/${id}:latest`],
  id: digest(id),
  digests: [digest(id)],
  diffIds: DIFF_IDS.slice(0, layers),
  history: HISTORY.slice(0, rows),
  ...more,
});
const levels = (all: readonly KnownImage[], base = {}, history = HISTORY) =>
  imageLevels(
    {
      id: digest('f'),
      base,
      config: {
        os: 'linux',
        architecture: 'amd64',
        rootfs: { type: 'layers', diff_ids: DIFF_IDS },
        history,
      },
    },
    all,
    [100, 20, 3],
  );
const told = (...args: Parameters<typeof levels>) =>
  levels(...args).map(({ how, names, first, added, bytes }) => [how, names.length, first, added, bytes]);

describe('the levels of an image', () => {
  test('are the known images below it, with all their names, also those that add settings only', () => {
    const other = known('a', 1, 1, { names: ['docker.io/library/z:1'] });
    expect(told([known('b', 1, 2), known('a', 1, 1), other, known('c', 2, 3)])).toEqual([
      ['store', 2, 0, 1, 100],
      ['store', 1, 1, 0, 0],
      ['store', 1, 1, 1, 20],
      ['image', 0, 2, 1, 3],
    ]);
  });

  test.each<[string, KnownImage]>([
    ['itself', known('f', 3, 5)],
    ['one with another history', known('b', 2, 3, { history: [layer('ADD root'), layer('RUN other')] })],
    ['one with other layers', known('b', 2, 3, { diffIds: [digest('1'), digest('9')] })],
    ['one with the same layers that goes on otherwise', known('b', 3, 5)],
    ['one with more layers', known('b', 3, 4, { diffIds: [...DIFF_IDS, digest('4')] })],
    ['one without layers', known('b', 0, 0)],
  ])('are not %s', (_, one) => {
    expect(told([known('a', 1, 2), one]).map(([how]) => how)).toEqual(['store', 'image']);
  });

  test('guess a base by the CMD that closes it, and name it as the image does', () => {
    expect(told([])).toEqual([
      ['history', 0, 0, 1, 100],
      ['image', 0, 1, 2, 23],
    ]);
    expect(levels([], { name: 'example.com/base:1' })[0]).toMatchObject({
      how: 'annotation',
      names: ['example.com/base:1'],
    });
    expect(levels([known('a', 1, 2)], { digest: digest('a') })[0]).toMatchObject({ how: 'annotation' });
    expect(told([], {}, [layer('RUN a'), layer('RUN b'), layer('RUN c'), setting('CMD x')])).toHaveLength(1);
  });

  test('give each layer one', () => {
    const all = levels([known('a', 1, 1), known('b', 1, 2)]);
    expect([0, 1, 2].map((each) => levelOf(all, each))).toEqual([0, 2, 2]);
  });
});
