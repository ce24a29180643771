import { expect, it } from 'vitest';
import type { BuildSquash } from '../../build/squash-build.ts';
import { squashLines } from './squash-lines.ts';

const lines = (squash: Partial<BuildSquash>, platform?: string): string[] =>
  squashLines({ what: 'new', layers: 3, baseLayers: 0, report: undefined, ...squash }, platform);
const report = (before: number, after: number, into: 0 | 1 = 1) => ({ layers: 3, into, before, after });

it.each<readonly [Partial<BuildSquash>, string]>([
  [{ report: report(12e6, 7e6) }, 'squashed 3 layers into 1: 12.0 MB became 7.0 MB, 5.0 MB of hidden files gone'],
  [{ report: report(7e6, 7e6) }, 'squashed 3 layers into 1: nothing to save, 7.0 MB as before'],
  [{ report: report(40, 0, 0) }, 'squashed 3 layers into none: 40 B became 0 B, 40 B of hidden files gone'],
  [{ report: report(0, 40) }, 'squashed 3 layers into 1: 0 B became 40 B, as files that lost their name in the base are in it now'],
  [{ layers: 1 }, 'nothing to squash: this build adds one layer'],
  [{ layers: 0 }, 'nothing to squash: this build adds no layer'],
  [{ layers: 1, what: 'all' }, 'nothing to squash: the image has one layer'],
])('%o', (squash, line) => {
  expect(lines(squash)).toEqual([line]);
  expect(lines(squash, 'linux/arm64')).toEqual([`linux/arm64: ${line}`]);
}); // biome-ignore format: rows

it('says that nothing is shared with the base any more', () => {
  expect(lines({ what: 'all', baseLayers: 2, report: report(7, 7) })[1]).toBe(
    'no layer is shared with the base any more',
  );
});
