import type { HiddenFile } from '../../explore/types.ts';

/** The files that nobody sees, by folder: what no name of the image leads to, at the paths where its layers store it. */
export interface HiddenFolder {
  /** Of the files in it and below. */
  readonly bytes: number;
  readonly folders: ReadonlyMap<string, HiddenFolder>;
  /** Versions of one path, lowest layer first. */
  readonly files: ReadonlyMap<string, readonly HiddenFile[]>;
}

interface Making extends HiddenFolder {
  bytes: number;
  readonly folders: Map<string, Making>;
}

/** The root of the hidden files' folders. There may be very many files, so those of a folder are sorted by name when somebody looks into it. */
export function hiddenFolders(files: Iterable<HiddenFile>): HiddenFolder {
  const byFolder = new Map<string, HiddenFile[]>();
  for (const file of files) {
    const folder = file.path.slice(0, Math.max(0, file.path.lastIndexOf('/')));
    const list = byFolder.get(folder);
    if (list === undefined) byFolder.set(folder, [file]);
    else list.push(file);
  }
  const root = createFolder(byFolder.get('') ?? []);
  for (const [path, list] of byFolder) {
    const bytes = list.reduce((sum, file) => sum + file.bytes, 0);
    let folder = root;
    folder.bytes += bytes;
    if (path === '') continue;
    for (let start = 0, end = 0; end < path.length; start = end + 1) {
      end = path.indexOf('/', start);
      if (end < 0) end = path.length;
      const name = path.slice(start, end);
      let below = folder.folders.get(name);
      if (below === undefined) {
        below = createFolder(byFolder.get(path.slice(0, end)) ?? []);
        folder.folders.set(name, below);
      }
      below.bytes += bytes;
      folder = below;
    }
  }
  return root;
}

function createFolder(list: readonly HiddenFile[]): Making {
  let files: Map<string, HiddenFile[]> | undefined;
  return {
    bytes: 0,
    folders: new Map(),
    get files() {
      files ??= byName(list);
      return files;
    },
  };
}

function byName(list: readonly HiddenFile[]): Map<string, HiddenFile[]> {
  const files = new Map<string, HiddenFile[]>();
  for (const file of list) {
    const name = file.path.slice(file.path.lastIndexOf('/') + 1);
    const versions = files.get(name);
    if (versions === undefined) files.set(name, [file]);
    else versions.push(file);
  }
  for (const versions of files.values()) if (versions.length > 1) versions.sort((a, b) => a.layer - b.layer);
  return files;
}

/** The versions stored at this path. */
export function hiddenAt(root: HiddenFolder, path: string): readonly HiddenFile[] {
  const names = path.split('/');
  const last = names.pop()!;
  let folder: HiddenFolder | undefined = root;
  for (const name of names) folder = folder?.folders.get(name);
  return folder?.files.get(last) ?? [];
}
