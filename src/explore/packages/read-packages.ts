import { collect } from '../../base/bytes.ts';
import type { CallOptions } from '../../base/options.ts';
import { baseName, cleanPath, MAX_PATH_LENGTH, parentPath } from '../../layer/entry-paths.ts';
import type { FileTree } from '../../layer/types.ts';
import type { LocalStore } from '../../store/contract.ts';
import type { OpenExploration } from '../explore-image.ts';
import { readFiles } from '../read-files.ts';
import { isUnreadDatabase, type PackageFile, type PackageManager, packageFileAt } from './package-files.ts';

/** Bytes of one database file, and of all that are read; dpkg's status of a large system has 10 MB. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;
const MAX_ALL_BYTES = 512 * 1024 * 1024;

export interface ImagePackage {
  readonly manager: PackageManager;
  readonly name: string;
  readonly version: string;
  readonly architecture?: string | undefined;
  /** Of npm and Python: the directory that it is in, or its metadata. */
  readonly place?: string | undefined;
  /** Bytes of its regular files in all layers, hidden ones too. */
  readonly bytes: number;
  /** True if the image has it; false if a layer removed it. */
  readonly present: boolean;
}

export interface LayerPackage {
  /** Position in `packages`. */
  readonly package: number;
  readonly change: 'added' | 'removed' | 'changed' | 'same';
  /** The version before, if it was another one. */
  readonly before?: string | undefined;
  /** The version after; absent if it was removed. */
  readonly version?: string | undefined;
  /** Bytes of its files that this layer stores. */
  readonly bytes: number;
}

export interface ImagePackages {
  readonly packages: readonly ImagePackage[];
  /** Base first; packages that the layer changes or stores files of, most bytes first. */
  readonly layers: readonly { readonly packages: readonly LayerPackage[]; readonly otherBytes: number }[];
  /** Databases that are there and that are not read (rpm's older formats), are damaged or too large. */
  readonly unread: readonly string[];
}

/** A package under its key: manager, and place or name and architecture. */
interface State {
  readonly manager: PackageManager;
  readonly name: string;
  readonly version: string;
  readonly architecture: string | undefined;
  readonly place: string | undefined;
}

/** The packages that each layer adds, changes and removes, and whose files it stores: of dpkg (also distroless' `status.d`), apk, rpm, npm and Python. Reads their databases out of the layers that have them. @throws as `readFiles` */
export async function readPackages(
  exploration: OpenExploration,
  store: LocalStore,
  o: CallOptions = {},
): Promise<ImagePackages> {
  const { indexes, trees, study } = exploration;
  const unread = new Set<string>();
  const { files, paths } = await readDatabases(exploration, store, unread, o);
  const owners = createOwners();
  const keys = new Map<string, number>();
  const packages: (State & { bytes: number; present: boolean })[] = [];
  const numberOf = (key: string, state: State): number => {
    const known = keys.get(key);
    if (known !== undefined) {
      // The newest version is the one that is shown.
      packages[known] = { ...packages[known]!, ...state };
      return known;
    }
    keys.set(key, packages.length);
    return packages.push({ ...state, bytes: 0, present: false }) - 1;
  };
  let before = new Map<string, State>();
  const layers = indexes.map((_, layer) => {
    const tree = trees[layer]!;
    const now = statesOf(tree, paths, files, owners);
    const rows = new Map<number, Omit<LayerPackage, 'bytes' | 'package'> & { bytes: number }>();
    for (const [key, state] of now) {
      const old = before.get(key);
      const number = numberOf(key, state);
      if (old === undefined) rows.set(number, { change: 'added', version: state.version, bytes: 0 });
      else if (old.version !== state.version)
        rows.set(number, { change: 'changed', before: old.version, version: state.version, bytes: 0 });
    }
    for (const [key, state] of before)
      if (!now.has(key))
        rows.set(numberOf(key, state), { change: 'removed', before: state.version, bytes: 0 });
    let otherBytes = 0;
    const index = study.indexes[layer]!;
    const folders = new Map<string, string>();
    for (let order = 0; order < index.count; order++) {
      const size = index.kindAt(order) === 'file' ? index.sizeAt(order) : 0;
      if (size === 0) continue;
      const path = realPath(tree, folders, index.pathAt(order));
      const key = owners.ownerOf(path);
      const number = key === undefined ? undefined : keys.get(key);
      if (number === undefined) {
        otherBytes += size;
        continue;
      }
      packages[number]!.bytes += size;
      const row = rows.get(number) ?? { change: 'same' as const, version: now.get(key!)?.version, bytes: 0 };
      row.bytes += size;
      rows.set(number, row);
    }
    before = now;
    const sorted = [...rows].map(([number, row]): LayerPackage => ({ package: number, ...row }));
    return { packages: sorted.sort((a, b) => b.bytes - a.bytes || a.package - b.package), otherBytes };
  });
  for (const key of before.keys()) packages[keys.get(key)!]!.present = true;
  return { packages, layers, unread: [...unread].sort() };
}

/** The path with the links of its directories followed: dpkg lists /bin/x where /bin is a link to usr/bin. */
function realPath(tree: FileTree, folders: Map<string, string>, path: string): string {
  const folder = parentPath(path);
  let real = folders.get(folder);
  if (real === undefined) {
    try {
      real = tree.resolve(folder);
    } catch {
      real = folder;
    }
    folders.set(folder, real);
  }
  return real === '' ? baseName(path) : `${real}/${baseName(path)}`;
}

interface Databases {
  /** What was read, by layer and order. */
  readonly files: ReadonlyMap<string, PackageFile>;
  /** Paths that may hold a database in some layer. */
  readonly paths: ReadonlySet<string>;
}

async function readDatabases(
  exploration: OpenExploration,
  store: LocalStore,
  unread: Set<string>,
  o: CallOptions,
): Promise<Databases> {
  const wanted: {
    readonly layer: number;
    readonly order: number;
    readonly parse: (bytes: Buffer) => PackageFile | undefined;
  }[] = [];
  const paths = new Set<string>();
  let all = 0;
  for (const [layer, index] of exploration.study.indexes.entries()) {
    for (let order = 0; order < index.count; order++) {
      if (index.kindAt(order) !== 'file') continue;
      const path = index.pathAt(order);
      if (isUnreadDatabase(path)) unread.add(path);
      const parse = packageFileAt(path);
      if (parse === undefined) continue;
      const size = index.sizeAt(order);
      if (size > MAX_FILE_BYTES || all + size > MAX_ALL_BYTES) unread.add(path);
      else {
        all += size;
        paths.add(path);
        wanted.push({ layer, order, parse });
      }
    }
  }
  const files = new Map<string, PackageFile>();
  await readFiles(
    exploration,
    store,
    wanted,
    async ({ layer, order, parse }, content) => {
      const file = parse(await collect(content, MAX_FILE_BYTES));
      if (file === undefined) unread.add(exploration.study.indexes[layer]!.pathAt(order));
      else files.set(`${layer}:${order}`, file);
    },
    o,
  );
  return { files, paths };
}

/** The packages that a tree's databases tell of; files that they own are noted. */
function statesOf(
  tree: FileTree,
  paths: ReadonlySet<string>,
  files: ReadonlyMap<string, PackageFile>,
  owners: ReturnType<typeof createOwners>,
): Map<string, State> {
  const states = new Map<string, State>();
  const owned: { readonly file: PackageFile; readonly path: string }[] = [];
  /** dpkg's lists are named by the package, where several architectures may be installed with the architecture. */
  const dpkgKeys = new Map<string, string>();
  for (const path of paths) {
    const inode = tree.get(path);
    const file = inode === undefined ? undefined : files.get(`${inode.layer}:${inode.order}`);
    if (file === undefined) continue;
    const { manager, place } = file;
    for (const { name, version, architecture, files: listed } of file.packages) {
      const key = `${manager} ${place ?? `${name}:${architecture ?? ''}`}`;
      states.set(key, { manager, name, version, architecture, place });
      if (manager === 'dpkg') dpkgKeys.set(name, key).set(`${name}:${architecture}`, key);
      if (listed !== undefined) owners.own(tree, key, listed, inode!);
    }
    if (file.owned !== undefined) owned.push({ file, path });
  }
  for (const { file, path } of owned) {
    const { of, files: listed } = file.owned!;
    const key = file.manager === 'dpkg' ? dpkgKeys.get(of) : `${file.manager} ${of}`;
    if (key !== undefined) owners.own(tree, key, listed, tree.get(path)!);
  }
  return states;
}

/** Which package a path belongs to, of all that databases ever said. */
function createOwners() {
  const owners = new Map<string, string>();
  const seen = new Set<string>();
  return {
    /** `by` is the entry that says so: what it says is noted once. */
    own(
      tree: FileTree,
      key: string,
      listed: readonly string[],
      by: { readonly layer: number; readonly order: number },
    ): void {
      const mark = `${by.layer}:${by.order} ${key}`;
      if (seen.has(mark)) return;
      seen.add(mark);
      const folders = new Map<string, string>();
      for (const path of listed) {
        if (path.length > MAX_PATH_LENGTH || path.includes('\0')) continue;
        const real = realPath(tree, folders, path.includes('..') ? cleanPath(path) : path);
        // Python's files that Debian installed are Debian's.
        if (!key.startsWith('python ') || !owners.has(real)) owners.set(real, key);
      }
    },
    ownerOf(path: string): string | undefined {
      return owners.get(path) ?? npmOwner(path);
    },
  };
}

/** `node_modules/a/…` belongs to `a`, in the innermost `node_modules`. */
function npmOwner(path: string): string | undefined {
  const [, place] = /^((?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/@][^/]*)\//.exec(path) ?? [];
  return place === undefined ? undefined : `npm ${place}`;
}
