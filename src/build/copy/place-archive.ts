import { placeEntries } from '../../layer/place-entries.ts';
import { subtree } from '../../layer/subtree.ts';
import type { FileTree, LayerEntry } from '../../layer/types.ts';
import { buildError } from '../errors.ts';
import { type Archive, archiveError } from './open-archive.ts';
import { type EntryRules, joinPath, type Placed } from './placed.ts';

/**
 * The entries that unpacking the archive into the directory `top` makes, by path, as Docker unpacks: the directory is the root of its names and
 * links, so that nothing gets out of it; an entry replaces whatever stands in its place, but folders stay and take the attributes of theirs.
 * @throws BUILD_ARCHIVE, BUILD_WHITEOUT_NAME
 */
export function placeArchive(
  tree: FileTree,
  top: string,
  archive: Archive,
  rules: EntryRules,
): ReadonlyMap<string, Placed> {
  refuseWhiteouts(archive);
  const placed = new Map<string, Aged>();
  const fail = (problem: string): Error => buildError('BUILD_ARCHIVE', { path: archive.name, problem });
  let age = 0;
  const set = (path: string, entry: Placed): void => {
    const before = placed.get(path);
    // A folder that stays a folder keeps what is in it.
    const folder = entry.kind === 'directory' && before?.entry.kind === 'directory';
    placed.set(path, { entry, age: ++age, since: folder ? before.since : age });
  };
  try {
    for (const operation of placeEntries(subtree(tree, top), archive.index)) {
      const path = joinPath(top, operation.path);
      switch (operation.kind) {
        case 'imply':
          set(
            path,
            operation.lower === undefined ? rules.newFolder(path) : rules.keptFolder(path, operation.lower),
          );
          break;
        case 'put':
          // The root's own entry is of the folder that was packed, not of the one it is unpacked to.
          if (operation.path !== '') set(path, entryOf(path, operation.entry, archive, rules));
          break;
        case 'link': {
          const target = placed.get(joinPath(top, operation.target));
          if (operation.lower !== undefined || target === undefined) {
            throw fail(
              `hard link ${path} points at ${operation.target}, which is a file of the image and not of the archive`,
            );
          }
          set(path, { ...target.entry, path });
          break;
        }
        case 'remove':
        case 'clear':
          // What replaces it says so.
          break;
      }
    }
  } catch (error) {
    throw archiveError(archive.name, error);
  }
  return living(placed, top);
}

/** An entry, when it was set, and since when a file or folder of its kind is there. */
interface Aged {
  readonly entry: Placed;
  readonly age: number;
  readonly since: number;
}

/** Without what was below a folder that something replaced later. */
function living(placed: ReadonlyMap<string, Aged>, top: string): Map<string, Placed> {
  const alive = new Map<string, Placed>();
  for (const [path, { entry, age }] of placed) {
    let lives = true;
    for (
      let slash = path.indexOf('/', top.length + 1);
      slash >= 0 && lives;
      slash = path.indexOf('/', slash + 1)
    ) {
      const parent = placed.get(path.slice(0, slash));
      lives = parent === undefined || (parent.entry.kind === 'directory' && parent.since <= age);
    }
    if (lives) alive.set(path, entry);
  }
  return alive;
}

function entryOf(path: string, entry: LayerEntry, archive: Archive, rules: EntryRules): Placed {
  const { kind, size } = entry;
  const isFile = kind === 'file';
  const shared = {
    path,
    kind,
    // As BuildKit and buildah: --chmod is not for what is unpacked.
    mode: kind === 'symlink' ? 0o777 : entry.mode,
    ...rules.owner(entry),
    mtime: rules.time(entry.mtime.seconds),
    xattrs: entry.xattrs,
    linkTo: kind === 'symlink' ? entry.linkTo : undefined,
    device: entry.device,
  };
  if (!isFile) return shared;
  return {
    ...shared,
    content: size === 0 ? { kind: 'bytes', bytes: Buffer.alloc(0) } : archive.content(entry),
    identity: `${archive.name}\0${entry.order}`,
    digest: entry.contentDigest?.slice('sha256:'.length),
  };
}

function refuseWhiteouts({ index }: Archive): void {
  for (const { kind, path } of index.entries()) {
    if (kind === 'whiteout' || kind === 'opaque')
      throw buildError('BUILD_WHITEOUT_NAME', { path: `.wh. of ${path}` });
  }
}
