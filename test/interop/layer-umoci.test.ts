import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stackLayers } from '../../src/layer/apply-layer.ts';
import type { FileTree } from '../../src/layer/types.ts';
import { showXattrs, type View, viewOfDisk } from '../support/disk-view.ts';
import { indexTar } from '../support/layer-index.ts';
import { writeLayout } from '../support/oci-layout.ts';
import { layerStacks } from '../support/random-layers.ts';
import { type VectorEntry, vectorTar } from '../support/vector-tar.ts';

interface Vector {
  readonly name: string;
  readonly layers: readonly (readonly VectorEntry[])[];
  /** Why umoci shows something else, if it does. */
  readonly umoci?: string;
}

/** Unpacks per run of the random test: each starts a process. */
const RANDOM_STACKS = 200;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dobos-umoci-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const vectors: readonly Vector[] = ['layer-vectors.json', 'layer-vectors-own.json'].flatMap((name) =>
  JSON.parse(readFileSync(new URL(`../fixtures/${name}`, import.meta.url), 'utf8')),
);

describe('the final view equals what umoci unpacks', () => {
  for (const { name, layers, umoci } of vectors) {
    if (umoci !== undefined) continue;
    test(name, () => compare(layers));
  }

  const seed = Number(process.env.DOBOS_SEED ?? Date.now() % 2 ** 31);
  test(`${RANDOM_STACKS} random stacks (seed ${seed})`, () => {
    const stacks = fc.property(layerStacks, (layers) => compare(layers));
    fc.assert(stacks, { seed, numRuns: RANDOM_STACKS });
  });
});

let runs = 0;

function compare(layers: readonly (readonly VectorEntry[])[]): void {
  const tars = layers.map((entries) => vectorTar(entries));
  const bundle = join(folder, `bundle${runs++}`);
  const layout = join(folder, `layout${runs}`);
  try {
    writeLayout(layout, tars);
    execFileSync('umoci', ['unpack', '--image', `${layout}:t`, bundle], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const indexes = tars.map((tar) => indexTar(tar));
    const tree = stackLayers(indexes);
    const untimed = new Set(indexes.flatMap((_, i) => untimedPaths(stackLayers(indexes.slice(0, i + 1)))));
    expect(viewOfTree(tree, untimed)).toEqual(viewOfDisk(join(bundle, 'rootfs'), untimed));
  } finally {
    rmSync(bundle, { recursive: true, force: true });
    rmSync(layout, { recursive: true, force: true });
  }
}

/** Directories that no entry describes get the time of the unpacking; so do their parents, since umoci sets the time back of the nearest one only. */
function untimedPaths(tree: FileTree): readonly string[] {
  const implied = [...tree.walk()].filter(([, { order }]) => order < 0).map(([path]) => path);
  return implied.flatMap((path) => [path, path.slice(0, Math.max(0, path.lastIndexOf('/')))]);
}

function viewOfTree(tree: FileTree, untimed: ReadonlySet<string>): View {
  const view: View = {};
  const first = new Map<string, string>();
  for (const [path, inode] of tree.walk()) {
    const time = untimed.has(path) ? '' : ` ${inode.mtime.seconds}`;
    const owner = `${inode.uid}:${inode.gid}`;
    const mode = inode.mode.toString(8);
    const attributes = showXattrs([...(inode.xattrs ?? [])]);
    if (inode.kind === 'symlink') view[path] = `symlink ${owner}${time} -> ${inode.linkTo}`;
    else if (inode.kind === 'directory') view[path] = `directory ${mode} ${owner}${time}${attributes}`;
    else {
      const key = `${inode.layer}:${inode.order}`;
      const name = first.get(key) ?? path;
      first.set(key, name);
      const content = inode.kind === 'file' ? `${inode.size} ${inode.contentDigest}` : inode.kind;
      view[path] = `${inode.kind} ${mode} ${owner}${time}${attributes} ${content} = ${name}`;
    }
  }
  return view;
}
