import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { indexTar } from '../../test/support/layer-index.ts';
import { type VectorEntry, vectorTar } from '../../test/support/vector-tar.ts';
import type { FileTree } from '../layer/types.ts';
import { diveNumbers } from './dive-compat.ts';
import { studyLayers } from './study-layers.ts';

interface Vector {
  readonly name: string;
  readonly layers: readonly (readonly VectorEntry[])[];
  readonly expect: {
    readonly finalView: readonly {
      readonly path: string;
      readonly type: string;
      readonly layer: number;
      readonly content?: string;
      readonly mode?: number;
      readonly target?: string;
    }[];
    readonly hardlinkGroups: readonly (readonly string[])[];
    readonly totalFileBytes: number;
    readonly layerFileBytes: readonly number[];
    readonly hiddenBytes: number;
    readonly reclaimableByLayer: readonly number[];
    readonly hiddenFiles: readonly {
      readonly layer: number;
      readonly path: string;
      readonly bytes: number;
    }[];
    readonly spaceEfficiency: number;
    readonly warnings: readonly string[];
    readonly diveCompat?: {
      readonly efficiency: number;
      readonly wastedBytes: number;
      readonly userSizeBytes: number;
      readonly wastedUserPercent: number | null;
      readonly abortsOnDanglingWhiteout: boolean;
    };
  };
}

const golden = readVectors('layer-vectors.json');
const own = readVectors('layer-vectors-own.json');

test("there are 39 golden vectors, each with dive's numbers", () => {
  expect(golden.length).toBe(39);
  expect(golden.filter(({ expect: { diveCompat } }) => diveCompat === undefined)).toEqual([]);
});

describe.each([...golden, ...own])('vector $name', ({ layers, expect: want }) => {
  const tars = layers.map((entries) => vectorTar(entries));
  const indexes = tars.map((tar) => indexTar(tar));
  const study = studyLayers(indexes);

  test('shows the final view, each path from its layer', () => {
    expect(finalView(study.trees.at(-1)!, tars)).toEqual(want.finalView);
  });

  test('keeps hard links together', () => {
    expect(linkGroups(study.trees.at(-1)!)).toEqual(want.hardlinkGroups);
  });

  test('counts what is hidden, and where', () => {
    expect(study.total).toBe(want.totalFileBytes);
    expect(indexes.map((index) => index.fileBytes)).toEqual(want.layerFileBytes);
    expect(study.hidden).toBe(want.hiddenBytes);
    expect(study.layers.map((layer) => layer.hiddenBytes)).toEqual(want.reclaimableByLayer);
    const byPlace = (a: { layer: number; path: string }, b: { layer: number; path: string }) =>
      a.layer - b.layer || (a.path < b.path ? -1 : 1);
    const hidden = study.hiddenFiles.map(({ layer, path, bytes }) => ({ layer, path, bytes }));
    expect(hidden.sort(byPlace)).toEqual([...want.hiddenFiles].sort(byPlace));
    const efficiency = study.total === 0 ? 1 : (study.total - study.hidden) / study.total;
    expect(efficiency).toBeCloseTo(want.spaceEfficiency, 15);
  });

  test('warns of what is odd', () => {
    expect(study.warnings.map((warning) => warning.message)).toEqual(want.warnings);
  });

  const { diveCompat } = want;
  if (diveCompat === undefined) return;
  test('knows what dive says', () => {
    expect(diveNumbers(indexes)).toMatchObject(diveCompat);
  });
});

function finalView(tree: FileTree, tars: readonly Buffer[]): unknown[] {
  const indexes = tars.map((tar) => indexTar(tar, 700));
  return [...tree.walk()].map(([path, inode]) => {
    const { layer } = inode;
    if (inode.kind === 'directory') return { path, type: 'dir', layer, mode: inode.mode };
    if (inode.kind === 'symlink') return { path, type: 'symlink', layer, target: inode.linkTo };
    const { offset, size } = indexes[layer]!.at(inode.order);
    const content = tars[layer]!.subarray(offset, offset + size).toString();
    return { path, type: inode.kind, layer, content, mode: inode.mode };
  });
}

function linkGroups(tree: FileTree): string[][] {
  const groups = new Map<string, string[]>();
  for (const [path, { kind, layer, order }] of tree.walk()) {
    if (kind !== 'file') continue;
    const key = `${layer}:${order}`;
    groups.set(key, [...(groups.get(key) ?? []), path]);
  }
  return [...groups.values()].filter((paths) => paths.length > 1).map((paths) => paths.sort());
}

function readVectors(name: string): readonly Vector[] {
  return JSON.parse(readFileSync(new URL(`../../test/fixtures/${name}`, import.meta.url), 'utf8'));
}
