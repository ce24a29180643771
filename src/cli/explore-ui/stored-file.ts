import type { FileKind } from '../../layer/types.ts';
import type { Acting, Extractable } from './acting.ts';
import { inodeOfRow, type Row } from './comparison.ts';
import { createFileText } from './file-text.ts';
import type { Subject } from './state.ts';
import type { TreeView } from './tree-view.ts';

/** A regular file as a layer stores it. */
export interface StoredFile {
  readonly layer: number;
  readonly order: number;
  readonly size: number;
}

const KINDS: Readonly<Record<Exclude<FileKind, 'file'>, string>> = {
  directory: 'a directory',
  symlink: 'a symbolic link',
  hardlink: 'a hard link',
  character: 'a device',
  block: 'a device',
  fifo: 'a pipe',
};

/** Where a row's bytes are, or why there are none. */
export function storedFile(subject: Subject, view: TreeView, row: Row): StoredFile | string {
  if (row.ghost !== undefined) {
    const { layer, path, how } = row.ghost;
    const order =
      how === 'twice' ? overwrittenEntry(subject, layer, path) : subject.indexes[layer]?.find(path)?.order;
    return order === undefined
      ? `${row.name} is not found in layer ${layer}`
      : { layer, order, size: row.ghost.bytes };
  }
  const inode = inodeOfRow(view.comparison, row);
  if (inode === undefined) return 'a directory holds no text';
  if (inode.kind !== 'file') {
    const target = inode.linkTo === undefined ? '' : ` to ${inode.linkTo}`;
    return `${KINDS[inode.kind]}${target} holds no bytes`;
  }
  return { layer: inode.layer, order: inode.order, size: inode.size };
}

/** What a row means on disk, or why it cannot be there. */
export function extractable(subject: Subject, view: TreeView, row: Row): Extractable | string {
  const { path, name, ghost } = row;
  if (ghost !== undefined) {
    const file = storedFile(subject, view, row);
    if (typeof file === 'string') return file;
    const { kind: _, ...entry } = subject.indexes[file.layer]!.at(file.order);
    return { layer: file.layer, path, name, inode: { ...entry, kind: 'file', layer: file.layer } };
  }
  const inode = inodeOfRow(view.comparison, row);
  if (inode === undefined) return 'only the files in it can be written';
  if (inode.kind !== 'file' && inode.kind !== 'directory' && inode.kind !== 'symlink')
    return `${KINDS[inode.kind]} is not written to disk`;
  const { to, from } = view.comparison.layers;
  return { layer: row.after === undefined ? (from ?? 0) : to, path, name, inode };
}

/** The entry that a later one of the same layer took the place of. */
function overwrittenEntry({ indexes }: Subject, layer: number, path: string): number | undefined {
  const last = indexes[layer]?.find(path);
  for (const entry of indexes[layer]?.entries() ?? [])
    if (entry.path === path && entry.kind === 'file' && entry.order !== last?.order) return entry.order;
  return undefined;
}

/** Reads a row's file and shows it. */
export async function openStored({ s, world }: Acting, row: Row): Promise<void> {
  const file = storedFile(s.subject, s.view, row);
  if (typeof file === 'string') {
    s.message = file;
    return;
  }
  const busy = `reading ${row.name} from layer ${file.layer} …`;
  s.busy = busy;
  try {
    const { bytes, size } = await world.read(file.layer, file.order);
    // Another key may have come first.
    if (s.busy !== busy) return;
    const text = createFileText(`/${row.path}`, bytes, size);
    const hex = !text.isText;
    s.viewer = { file: text, hex, top: 0, left: 0, wanted: '' };
  } catch (error) {
    s.message = `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
  } finally {
    if (s.busy === busy) s.busy = undefined;
    world.changed();
  }
}
