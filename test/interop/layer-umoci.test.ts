import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stackLayers } from '../../src/layer/apply-layer.ts';
import type { FileTree } from '../../src/layer/types.ts';
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
    const tree = stackLayers(tars.map((tar) => indexTar(tar)));
    expect(viewOfTree(tree)).toEqual(viewOfDisk(join(bundle, 'rootfs')));
  } finally {
    rmSync(bundle, { recursive: true, force: true });
    rmSync(layout, { recursive: true, force: true });
  }
}

/** path -> what a person can see of it; hard links by the first of their names. */
type View = Record<string, string>;

function viewOfTree(tree: FileTree): View {
  const view: View = {};
  const first = new Map<string, string>();
  const implied = new Set<string>();
  for (const [path, inode] of tree.walk()) {
    if (inode.order < 0) implied.add(path);
    const owner = `${inode.uid}:${inode.gid}`;
    const mode = inode.mode.toString(8);
    if (inode.kind === 'symlink') view[path] = `symlink ${owner} -> ${inode.linkTo}`;
    else if (inode.kind === 'directory') view[path] = `directory ${mode} ${owner}`;
    else {
      const key = `${inode.layer}:${inode.order}`;
      const name = first.get(key) ?? path;
      first.set(key, name);
      const content = inode.kind === 'file' ? `${inode.size} ${inode.contentDigest}` : inode.kind;
      view[path] = `${inode.kind} ${mode} ${owner} ${inode.mtime.seconds} ${content} = ${name}`;
    }
  }
  return view;
}

function viewOfDisk(root: string): View {
  const view: View = {};
  const first = new Map<number, string>();
  const visit = (path: string): void => {
    for (const name of readdirSync(join(root, path)).sort()) {
      const below = path === '' ? name : `${path}/${name}`;
      const disk = join(root, below);
      const stat = lstatSync(disk);
      const owner = `${stat.uid}:${stat.gid}`;
      const mode = (stat.mode & 0o7777).toString(8);
      if (stat.isSymbolicLink()) view[below] = `symlink ${owner} -> ${readlinkSync(disk)}`;
      else if (stat.isDirectory()) {
        view[below] = `directory ${mode} ${owner}`;
        visit(below);
      } else {
        const same = first.get(stat.ino) ?? below;
        first.set(stat.ino, same);
        const kind = stat.isFile() ? 'file' : stat.isFIFO() ? 'fifo' : 'character';
        const digest = (): string => createHash('sha256').update(readFileSync(disk)).digest('hex');
        const content = stat.isFile() ? `${stat.size} sha256:${digest()}` : kind;
        view[below] = `${kind} ${mode} ${owner} ${Math.floor(stat.mtimeMs / 1000)} ${content} = ${same}`;
      }
    }
  };
  visit('');
  return view;
}
