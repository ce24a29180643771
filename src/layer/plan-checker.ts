import type { TarHeader, TarKind } from '../tar/header.ts';
import { cleanPath, encodeWhiteout, looksLikeWhiteout } from './entry-paths.ts';
import { layerError } from './errors.ts';
import type { Content, PlannedEntry, Xattrs } from './types.ts';

/** Attributes that say something about this machine and not about the file (oci.md a.5 L12). */
const LOCAL_XATTRS: readonly string[] = ['security.selinux', 'system.nfs4_acl'];
const LOCAL_XATTR_PREFIXES: readonly string[] = ['trusted.overlay.', 'user.overlay.'];

export interface PlanRules {
  /** The entries come from layers and stay as they are, with every attribute. */
  readonly verbatim?: boolean | undefined;
}

/**
 * A function from planned entries, in order, to their tar headers; it refuses what no layer may hold: a path twice, names of whiteouts (L6), links
 * to nothing, sizes that are none. Owner names stay empty (L2), attributes of this machine are dropped unless the entries are `verbatim`.
 * @throws LAYER_PLAN, LAYER_WHITEOUT_NAME
 */
export function createPlanChecker(o: PlanRules = {}): (entry: PlannedEntry) => TarHeader {
  const names = new Set<string>();
  const linkable = new Set<string>();

  return (entry) => {
    const { path, kind } = entry;
    const fail = (problem: string): Error => layerError('LAYER_PLAN', { path, problem });
    if (path !== cleanPath(path)) throw fail('is not a clean relative path');
    if (path === '' && kind !== 'directory' && kind !== 'opaque') throw fail(`is the root as a ${kind}`);
    if (looksLikeWhiteout(path)) throw layerError('LAYER_WHITEOUT_NAME', { path });
    const hides = kind === 'whiteout' || kind === 'opaque';
    const name = hides ? encodeWhiteout(kind, path) : path;
    if (names.has(name)) throw fail('is planned twice');
    names.add(name);
    const size = kind === 'file' ? sizeOf(entry.content) : 0;
    if (size === undefined) throw fail('is a file without content');
    if (!Number.isSafeInteger(size) || size < 0) throw fail(`has a size of ${size}`);
    if (!Number.isSafeInteger(entry.mtime)) throw fail(`has the time ${entry.mtime}, want whole seconds`);
    if (kind !== 'directory' && kind !== 'hardlink' && !hides) linkable.add(path);
    let linkName = '';
    if (kind === 'symlink' || kind === 'hardlink') {
      if (entry.linkTo === undefined || entry.linkTo === '') throw fail('is a link without target');
      linkName = entry.linkTo;
      if (kind === 'hardlink') {
        if (entry.linkBelow !== true && !linkable.has(linkName))
          throw fail(`links to ${linkName}, which is no file earlier in the plan`);
        linkable.add(path);
      }
    }
    const isDevice = kind === 'character' || kind === 'block';
    if (isDevice && entry.device === undefined) throw fail('is a device without numbers');
    const xattrs = hides
      ? undefined
      : o.verbatim === true
        ? sorted(entry.xattrs)
        : portableXattrs(entry.xattrs);
    return {
      name: name === '' ? '.' : name,
      kind: hides ? 'file' : (kind as TarKind),
      mode: entry.mode & 0o7777,
      uid: entry.uid,
      gid: entry.gid,
      size,
      mtime: { seconds: entry.mtime, nanos: entry.nanos ?? 0 },
      linkName,
      uname: '',
      gname: '',
      ...(isDevice ? { device: entry.device } : undefined),
      ...(xattrs === undefined ? undefined : { xattrs }),
    };
  };
}

function sizeOf(content: Content | undefined): number | undefined {
  if (content === undefined) return undefined;
  return content.kind === 'bytes' ? content.bytes.length : content.size;
}

function portableXattrs(xattrs: Xattrs | undefined): Xattrs | undefined {
  if (xattrs === undefined || xattrs.size === 0) return undefined;
  const kept = [...xattrs].filter(
    ([name, value]) =>
      value.length > 0 &&
      !LOCAL_XATTRS.includes(name) &&
      !LOCAL_XATTR_PREFIXES.some((prefix) => name.startsWith(prefix)),
  );
  return sorted(new Map(kept));
}

/** Sorted by name, so that the bytes do not depend on the order in which a file system or an archive lists them. */
function sorted(xattrs: Xattrs | undefined): Xattrs | undefined {
  if (xattrs === undefined || xattrs.size === 0) return undefined;
  return new Map([...xattrs].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}
