import { describe, expect, it } from 'vitest';
import type { Exploration, ExploredLayer } from '../explore/types.ts';
import { createPaint } from './colour.ts';
import { efficiencySentence, exploreReport } from './explore-report.ts';

const none = { paths: 0, bytes: 0 };
const changes = {
  added: none,
  content: none,
  metadata: none,
  type: none,
  rewritten: none,
  removed: none,
};
const layer = (number: number, more: Partial<ExploredLayer>): ExploredLayer => ({
  number,
  diffId: 'sha256:0',
  digest: 'sha256:0',
  mediaType: '',
  storedBytes: 0,
  tarBytes: 0,
  entries: 0,
  fileBytes: 0,
  added: none,
  changed: none,
  copied: none,
  removed: none,
  changes,
  contribution: 0,
  cumulative: 0,
  level: 0,
  origin: 'instruction',
  hiddenBytes: 0,
  hiddenFiles: 0,
  hidesBytes: 0,
  ...more,
});
const report: Exploration = {
  version: 1,
  image: { digest: 'sha256:1', id: `sha256:${'a'.repeat(64)}`, os: 'linux', architecture: 'amd64' },
  total: 4000,
  visible: 3000,
  hidden: 1000,
  efficiency: 0.75,
  storedBytes: 9000,
  levels: [],
  layers: [
    layer(0, { fileBytes: 3000, hiddenBytes: 1000, history: 0 }),
    layer(1, {
      fileBytes: 1000,
      history: 1,
      createdBy: `RUN /bin/sh -c make ${'all '.repeat(60)}# buildkit`,
    }),
    layer(2, {}),
  ],
  hiddenFiles: [
    { layer: 0, hiddenBy: 1, how: 'replaced', path: `some/${'deep/'.repeat(30)}file\u001b[31m`, bytes: 1000 },
  ],
  history: [
    { comment: 'Imported from -', empty: false, layer: 0 },
    { empty: false, layer: 1 },
  ],
  warnings: [],
};
const show = (columns: number): string[] =>
  exploreReport('app', report, createPaint(false), columns).split('\n');

describe('the report of explore', () => {
  it.each([60, 76, 80, 100, 140, 200])('fits %d columns', (columns) => {
    const wide = show(columns).filter((line) => line.length >= columns && !line.includes('can go'));
    expect(wide).toEqual([]);
  });

  it('has the top of the image on top, each layer with what made it', () => {
    const rows = show(140).slice(4, 7);
    expect(rows.map((row) => row.trim()[0])).toEqual(['2', '1', '0']);
    expect(rows[0]).toMatch(/0 B +— .*\(no instruction tells of this layer\)$/);
    expect(rows[1]).toMatch(/1\.0 kB.*RUN make all all/);
    expect(rows[2]).toMatch(/3\.0 kB +◌ 1\.0 kB.*Imported from -$/);
  });

  it('names what is hidden by the end of its path, and no control character of it', () => {
    const line = show(80).find((each) => each.includes('hidden by layer 1'))!;
    expect(line).toMatch(/^ +1\.0 kB {2}◌ ….*deep\/file {2}in layer 0, hidden by layer 1$/);
    expect(line).not.toContain('\u001b');
  });

  it('tells the efficiency as a sentence', () => {
    expect(efficiencySentence(report)).toBe('75 % of what is shipped is visible; 1.0 kB in 1 layer can go');
    expect(efficiencySentence({ ...report, hidden: 0 })).toBe(
      'everything that is shipped is visible: 4.0 kB in 3 layers',
    );
    expect(efficiencySentence({ ...report, total: 0 })).toBe('no files at all');
  });
});
