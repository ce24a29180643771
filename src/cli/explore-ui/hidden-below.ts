import type { HiddenFile } from '../../explore/types.ts';

/** The files that nobody sees, by folder: what no name of the image leads to, at the paths where its layers store it. */
export interface HiddenFolder {
  /** Of the files in it and below. */
  bytes: number;
  readonly folders: Map<string, HiddenFolder>;
  /** Versions of one path, lowest layer first. */
  readonly files: Map<string, HiddenFile[]>;
}

/** The root of the hidden files' folders. */
export function hiddenFolders(files: Iterable<HiddenFile>): HiddenFolder {
  const root = emptyFolder();
  for (const file of files) {
    let folder = root;
    folder.bytes += file.bytes;
    const names = file.path.split('/');
    const last = names.pop()!;
    for (const name of names) {
      let below = folder.folders.get(name);
      if (below === undefined) {
        below = emptyFolder();
        folder.folders.set(name, below);
      }
      below.bytes += file.bytes;
      folder = below;
    }
    const versions = folder.files.get(last);
    if (versions === undefined) folder.files.set(last, [file]);
    else {
      versions.push(file);
      versions.sort((a, b) => a.layer - b.layer);
    }
  }
  return root;
}

const emptyFolder = (): HiddenFolder => ({ bytes: 0, folders: new Map(), files: new Map() });

/** The versions stored at this path. */
export function hiddenAt(root: HiddenFolder, path: string): readonly HiddenFile[] {
  const names = path.split('/');
  const last = names.pop()!;
  let folder: HiddenFolder | undefined = root;
  for (const name of names) folder = folder?.folders.get(name);
  return folder?.files.get(last) ?? [];
}
