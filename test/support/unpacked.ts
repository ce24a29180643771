import { findImage } from '../../src/image/find-image.ts';
import { stackLayers } from '../../src/layer/apply-layer.ts';
import { readLayerIndex } from '../../src/layer/read-index.ts';
import type { FileTree, Inode } from '../../src/layer/types.ts';
import type { LayerRef } from '../../src/runtime/types.ts';
import { createDirectoryStore } from '../../src/store/directory-store.ts';
import type { RootfsAgent, View } from './rootfs-agent.ts';

/** What the layers show when mounted, as `RootfsAgent.view` with the times of directories too. */
export async function viewLayers(agent: RootfsAgent, layers: readonly LayerRef[]): Promise<View> {
  return (await agent.run(
    `${TIMED}
    const root = await snapshotter.prepare(layersOf(o.layers));
    try { return timed(root.mount()); } finally { await root.dispose(); }`,
    { layers },
  )) as View;
}

/** What stands in a folder, in the same words. */
export async function viewFolder(agent: RootfsAgent, path: string): Promise<View> {
  return (await agent.run(`${TIMED} return timed(o.path);`, { path })) as View;
}

const TIMED = `
const { fsPath } = await load('base/names.js');
const timed = (top) => {
  const view = viewOf(top);
  for (const path of Object.keys(view)) {
    if (!view[path].startsWith('dir ')) continue;
    view[path] += ' ' + fs.lstatSync(fsPath(top + '/' + path), { bigint: true }).mtimeNs / 1000000000n;
  }
  return view;
};
`;

/** The paths at which two views differ, with both sides. */
export function differences(ours: View, theirs: View): string[] {
  const paths = [...new Set([...Object.keys(ours), ...Object.keys(theirs)])].sort();
  return paths
    .filter((path) => ours[path] !== theirs[path])
    .map((path) => `${path}: ${ours[path]} | ${theirs[path]}`);
}

/** The file system that an image of the store shows, by the indexes of its layers. */
export async function readTree(storeFolder: string, name: string): Promise<FileTree> {
  const store = createDirectoryStore(storeFolder);
  const { layers } = await findImage(store, name);
  return stackLayers(await Promise.all(layers.map((layer) => readLayerIndex(store, layer))));
}

/** A tree in the words of a view; without `times`, what differs between two builds of the same. */
export function viewTree(tree: FileTree, o: { readonly times?: boolean } = {}): View {
  const view: Record<string, string> = {};
  const names = new Map<string, string[]>();
  for (const [path, inode] of [['', tree.get('')] as const, ...tree.walk()]) {
    if (inode === undefined) continue;
    view[path] = describeInode(inode, o.times !== false);
    const key = `${inode.layer}:${inode.order}`;
    if (inode.kind !== 'directory') names.set(key, [...(names.get(key) ?? []), path]);
  }
  for (const paths of names.values()) {
    if (paths.length > 1) for (const path of paths) view[path] += ` = ${paths[0]}`;
  }
  return view;
}

const KINDS: Readonly<Record<string, string>> = { directory: 'dir', symlink: 'link', character: 'char' };

function describeInode(inode: Inode, times: boolean): string {
  const time = times ? [String(inode.mtime.seconds)] : [];
  const isDirectory = inode.kind === 'directory';
  const parts = [KINDS[inode.kind] ?? inode.kind, inode.mode.toString(8), `${inode.uid}:${inode.gid}`];
  if (!isDirectory) parts.push(...time);
  if (inode.kind === 'symlink') parts.push(`-> ${inode.linkTo}`);
  if (inode.device !== undefined) parts.push(String(inode.device.major * 256 + inode.device.minor));
  if (inode.kind === 'file') parts.push(String(inode.size), inode.contentDigest?.slice(7, 23) ?? 'no digest');
  for (const [name, value] of [...(inode.xattrs ?? [])].sort(([a], [b]) => (a < b ? -1 : 1)))
    parts.push(`${name}=${Buffer.from(value).toString('hex')}`);
  if (isDirectory) parts.push(...time);
  return parts.join(' ');
}
