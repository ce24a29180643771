import type { CallOptions } from '../../base/options.ts';
import type { Image } from '../../image/types.ts';
import { createLayerContents } from '../../layer/layer-contents.ts';
import type { PlannedEntry } from '../../layer/types.ts';
import type { LocalStore } from '../../store/contract.ts';
import { viewImage } from '../image-view.ts';

export interface MergedFiles {
  /** Parents before children, siblings by name; of several names of a file all but the first are hard links to it. */
  readonly entries: readonly PlannedEntry[];
  /** The contents may be read until then. */
  close(): Promise<void>;
}

/** The files that an image shows, of all its layers together; nothing is unpacked. Cost: its layers' indexes, and a plain copy of each compressed layer. */
export async function mergeFiles(store: LocalStore, image: Image, o: CallOptions): Promise<MergedFiles> {
  const { tree, indexes } = await viewImage(store, image, undefined, o);
  const contents = createLayerContents(store, image.layers, indexes);
  try {
    const found = [...tree.walk()];
    const files = found.flatMap(([, inode]) => (inode.kind === 'file' ? [inode] : []));
    const contentOf = await contents.open(files, o);
    const first = new Map<string, string>();
    const entries = found.map(([path, inode]): PlannedEntry => {
      const { kind, mode, uid, gid, mtime, xattrs, linkTo, device, layer, order } = inode;
      const facts = { path, mode, uid, gid, mtime: mtime.seconds, xattrs };
      const known = order < 0 || kind === 'directory' ? undefined : first.get(`${layer}:${order}`);
      if (known !== undefined) return { ...facts, kind: 'hardlink', linkTo: known };
      first.set(`${layer}:${order}`, path);
      const content = kind === 'file' ? contentOf(layer, order) : undefined;
      return { ...facts, kind, linkTo, device, content };
    });
    return { entries, close: () => contents.close() };
  } catch (error) {
    await contents.close();
    throw error;
  }
}
