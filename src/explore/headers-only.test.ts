import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { DIVE_LAYERS } from '../../test/support/dive-image.ts';
import { imageOfLayers } from '../../test/support/explored.ts';
import { layerStacks } from '../../test/support/random-layers.ts';
import type { VectorEntry } from '../../test/support/vector-tar.ts';
import { createDirectoryStore } from '../store/directory-store.ts';
import { diveNumbers } from './dive-compat.ts';
import { openExploration } from './explore-image.ts';
import { evaluateRules } from './rules/evaluate-rules.ts';

interface Vector {
  readonly name: string;
  readonly layers: readonly (readonly VectorEntry[])[];
}

const folder = mkdtempSync(join(tmpdir(), 'dobos-headers-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let stores = 0;

/** Both reports: from headers first, since the whole indexes leave notes. */
async function bothWays(layers: readonly (readonly VectorEntry[])[]) {
  const store = createDirectoryStore(join(folder, String(stores++)));
  const image = await imageOfLayers(store, layers);
  const fromHeaders = await openExploration(store, image, { unproven: true });
  const whole = await openExploration(store, image);
  return { fromHeaders, whole };
}

async function expectSame(layers: readonly (readonly VectorEntry[])[]): Promise<void> {
  const { fromHeaders, whole } = await bothWays(layers);
  expect(fromHeaders.indexes.every(({ unproven }) => unproven === true)).toBe(true);
  expect(whole.indexes.some(({ unproven }) => unproven === true)).toBe(false);
  expect(fromHeaders.report).toEqual(whole.report);
  expect(diveNumbers(fromHeaders.indexes)).toEqual(diveNumbers(whole.indexes));
}

const vectors = ['layer-vectors.json', 'layer-vectors-own.json'].flatMap((name): readonly Vector[] =>
  JSON.parse(readFileSync(new URL(`../../test/fixtures/${name}`, import.meta.url), 'utf8')),
);

test.each(vectors)('vector $name has the same report from headers', ({ layers }) => expectSame(layers));

test("dive's own image has the same report from headers", () => expectSame(DIVE_LAYERS));

test('any image has the same report from headers', async () => {
  await fc.assert(fc.asyncProperty(layerStacks, expectSame), { numRuns: 50 });
});

test('contents that are too many to compare in passing are read whole', async () => {
  const content = 'a'.repeat(65 * 1024 * 1024);
  const file = (mode: number): VectorEntry => ({ path: 'a', type: 'file', content, mode, tarPath: 'a' });
  const { fromHeaders, whole } = await bothWays([[file(0o644)], [file(0o755)]]);
  expect(fromHeaders.indexes.some(({ unproven }) => unproven === true)).toBe(false);
  expect(fromHeaders.report).toEqual(whole.report);
  expect(fromHeaders.report.hiddenFiles).toMatchObject([{ how: 'copied' }]);
});

test('growth and forbidden paths are told of without a content', async () => {
  const place = join(folder, 'gone');
  const store = createDirectoryStore(place);
  const text = (path: string, content: string): VectorEntry => ({
    path,
    type: 'file',
    content,
    tarPath: path,
  });
  const open = async (entries: readonly VectorEntry[]) =>
    openExploration(store, await imageOfLayers(store, [entries]), { unproven: true });
  const before = await open([text('same', 'aaaa'), text('grown', 'b')]);
  const after = await open([text('same', 'AAAA'), text('grown', 'bbb'), text('new', 'nnnn')]);
  rmSync(place, { recursive: true });
  const limits = { 'max-growth': { unit: 'bytes', value: 0 }, forbid: ['**'] } as const;
  const o = { limits, ignore: [], ownLayers: false };
  const [growth, forbid] = evaluateRules(after, { ...before, name: 'before' }, o);
  expect(growth).toMatchObject({ status: 'failed', findings: [{ path: 'new' }, { path: 'grown' }] });
  expect(forbid).toMatchObject({ status: 'failed', actual: 3 });
});
