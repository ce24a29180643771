import { expect } from 'vitest';
import { createPlanChecker } from '../../src/layer/plan-checker.ts';
import type { SquashedEntry } from '../../src/layer/squash-entries.ts';
import type { FileTree, Inode, LayerIndex, PlannedEntry } from '../../src/layer/types.ts';
import { encodeHeader, endOfArchive, padding } from '../../src/tar/encoder.ts';

/** The tar of the entries, contents from the tars of the layers. */
export function packEntries(
  entries: Iterable<SquashedEntry>,
  tars: readonly Buffer[],
  indexes: readonly LayerIndex[],
): Buffer {
  const parts: Buffer[] = [];
  const toHeader = createPlanChecker({ verbatim: true });
  for (const { source, ...entry } of entries) {
    const bytes = source === undefined ? Buffer.alloc(0) : contentOf(tars, indexes, source);
    const planned: PlannedEntry = {
      ...entry,
      ...(entry.kind === 'file' && { content: { kind: 'bytes', bytes } }),
    };
    parts.push(encodeHeader(toHeader(planned)), bytes, Buffer.alloc(padding(bytes.length)));
  }
  return Buffer.concat([...parts, endOfArchive()]);
}

function contentOf(
  tars: readonly Buffer[],
  indexes: readonly LayerIndex[],
  { layer, order }: { readonly layer: number; readonly order: number },
): Buffer {
  const { offset, size } = indexes[layer]!.at(order);
  return tars[layer]!.subarray(offset, offset + size);
}

/** Every path with what is to be seen of it: type, bytes, attributes, and its names by the first of them. */
export function viewLines(tree: FileTree): string[] {
  const first = new Map<string, string>();
  const line = (path: string, inode: Inode): string => {
    const { kind, mode, uid, gid, mtime, size, linkTo, device, xattrs, contentDigest } = inode;
    const key = `${inode.layer}:${inode.order}`;
    const name = kind === 'directory' ? path : (first.get(key) ?? path);
    first.set(key, name);
    const shown = [...(xattrs ?? [])].map(([key, value]) => `${key}=${Buffer.from(value).toString('hex')}`);
    return JSON.stringify([
      path, kind, mode, uid, gid, mtime, size, linkTo, device, shown.sort(), contentDigest, name,
    ]); // biome-ignore format: one row
  };
  return [line('', tree.get('')!), ...[...tree.walk()].map(([path, inode]) => line(path, inode))];
}

/** Fails unless both show the same. */
export function sameView(got: FileTree, want: FileTree, of: string): void {
  expect(viewLines(got), of).toEqual(viewLines(want));
}
